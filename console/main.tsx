import '@cloudscape-design/global-styles/index.css';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { takeToken } from './token.ts';

const element = document.getElementById('page');
if (element !== null) createRoot(element).render(<App token={takeToken(location, history, sessionStorage)} />);
