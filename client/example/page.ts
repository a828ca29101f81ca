import { createElement as h, type ReactNode, useState } from 'react';
import { type Container, createRoot } from 'react-dom/client';
import { createFeatureStatusClient } from '../feature-status-client.ts';
import { FeatureFlagsProvider, useFeatureFlag, useFeatureFlags } from '../use-feature-flags.ts';

/** What the server of the page writes into it: `#settings`, in JSON. */
export interface PageSettings {
  /** The stack's output `StatusApiUrl`. */
  readonly statusApiUrl: string;
  /** Gives a token for the enterprise that the parameter `enterprise_customer_uuid` names. */
  readonly tokenUrl: string;
  readonly enterprise: string;
  /** Poll interval, in milliseconds. */
  readonly refreshMs: number;
}

const FEATURE = 'webhook_learning_time_enrichment';

interface Page {
  getElementById(id: string): { readonly textContent: string | null };
}
const page = (globalThis as unknown as { document: Page }).document;
const settings = JSON.parse(page.getElementById('settings').textContent ?? '') as PageSettings;

const client = createFeatureStatusClient({
  baseUrl: settings.statusApiUrl,
  async getToken() {
    const response = await fetch(`${settings.tokenUrl}?enterprise_customer_uuid=${settings.enterprise}`);
    return response.text();
  },
});

function App(): ReactNode {
  const [isMine, setMine] = useState(true);
  const whom = isMine ? { enterpriseCustomerUuid: settings.enterprise } : {};
  const choose = h(
    'label',
    null,
    h('input', { type: 'checkbox', checked: isMine, onChange: () => setMine(!isMine) }),
    ` of the enterprise ${settings.enterprise}`,
  );
  const below = h(FeatureFlagsProvider, { client, refreshMs: settings.refreshMs, ...whom }, h(Report), h(State));
  return h('main', null, h('h1', null, 'Learning time in webhooks'), choose, below);
}

function Report(): ReactNode {
  const isOn = useFeatureFlag(FEATURE);
  return h('p', { id: 'report', className: isOn ? 'on' : 'off' }, isOn ? 'Enabled' : 'Disabled');
}

function State(): ReactNode {
  const { features, isLoading, error, refresh } = useFeatureFlags();
  const state = features[FEATURE];
  const rows = Object.entries(state ?? {}).map(([name, value]) =>
    h('tr', { key: name }, h('th', null, name), h('td', null, String(value))),
  );
  return h(
    'section',
    null,
    h('table', null, h('tbody', null, rows)),
    isLoading && h('p', null, 'Loading …'),
    error !== undefined && h('p', { id: 'error' }, `${error.name}: ${error.message}`),
    h('button', { type: 'button', onClick: () => refresh() }, 'Refresh'),
  );
}

createRoot(page.getElementById('root') as Container).render(h(App));
