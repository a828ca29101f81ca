import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildDashboard } from './build-dashboard.ts';

/** Writes `dashboard.json`: `npm run dashboard:grafana`. */
writeFileSync(join(import.meta.dirname, 'dashboard.json'), `${JSON.stringify(buildDashboard(), null, 2)}\n`);
