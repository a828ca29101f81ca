import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Window } from 'happy-dom';
import type { PageSettings } from '../../../client/example/page.ts';
import { startExamplePage } from '../../../local/control/example-page.ts';
import type { HttpServer } from '../../../local/http-server.ts';
import { until } from '../../support/assembly.ts';

// The page is bundled when it is first asked for.

const SETTINGS: PageSettings = {
  statusApiUrl: 'http://127.0.0.1:9/</script>',
  tokenUrl: 'http://127.0.0.1:9/token',
  enterprise: 'a1b2c3d4-e5f6-7890-abcd-ef1234567890',
  refreshMs: 0,
};
let page: HttpServer;
beforeAll(async () => {
  page = await startExamplePage(SETTINGS);
});
afterAll(() => page.close());

const get = async (path: string) => {
  const response = await fetch(new URL(path, page.url));
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
};

test('is served with its settings, whatever they hold', async () => {
  const { status, type, text } = await get('/');
  expect([status, type]).toEqual([200, 'text/html; charset=utf-8']);
  const window = new Window();
  window.document.write(text);
  expect(JSON.parse(window.document.getElementById('settings')?.textContent ?? '')).toEqual(SETTINGS);
  await window.happyDOM.close();
});

test('shows with React what the status API returns for a token of this enterprise', async () => {
  const script = await get('/page.js');
  expect([script.status, script.type]).toEqual([200, 'text/javascript; charset=utf-8']);
  const window = new Window({
    settings: { enableJavaScriptEvaluation: true, suppressInsecureJavaScriptEnvironmentWarning: true },
  });
  const asked: unknown[] = [];
  const state = { enabled: true, user_specific: true, rollout_percentage: 10, description: 'x', reason: 'pilot' };
  const respond = async (url: string, init?: RequestInit) => {
    asked.push([url, new Headers(init?.headers).get('authorization')]);
    const isToken = url.startsWith(SETTINGS.tokenUrl);
    return isToken
      ? new Response('its.token')
      : Response.json({ features: { webhook_learning_time_enrichment: state } });
  };
  Object.assign(window, { fetch: respond, Response, AbortSignal, AbortController, URLSearchParams, TextDecoder });
  window.document.write((await get('/')).text.replace(/<script type="module".*<\/script>/, ''));
  window.eval(`(() => {${script.text}})()`);
  const report = await until(() => {
    const shown = window.document.getElementById('report');
    return shown?.textContent === 'Enabled' ? shown : undefined;
  });
  expect(report.className).toBe('on');
  expect(window.document.querySelector('table')?.textContent).toContain('reasonpilot');
  const whom = `enterprise_customer_uuid=${SETTINGS.enterprise}`;
  expect(asked.slice(0, 2)).toEqual([
    [`${SETTINGS.tokenUrl}?${whom}`, null],
    [`${SETTINGS.statusApiUrl}/api/v1/features/status?${whom}`, 'Bearer its.token'],
  ]);
  await window.happyDOM.close();
});

test('has nothing else', async () => {
  expect(await get('/other')).toMatchObject({ status: 404 });
});
