import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { Window } from 'happy-dom';
import { createElement, type ReactNode, StrictMode } from 'react';
import { createFeatureStatusClient, type FeatureStatusClient } from '../../client/feature-status-client.ts';
import {
  FeatureFlagsProvider,
  type FeatureFlagsProviderProps,
  useFeatureFlag,
  useFeatureFlags,
} from '../../client/use-feature-flags.ts';
import { until } from '../support/assembly.ts';
import { answering, FEATURE, OFF, ON, type StatusServer, startStatusServer } from './status-server.ts';

// React looks for a page when it is loaded.
const page = new Window();
Object.assign(globalThis, { window: page, document: page.document });
const { flushSync } = await import('react-dom');
const { createRoot } = await import('react-dom/client');
const { renderToString } = await import('react-dom/server');

let server: StatusServer;
let client: FeatureStatusClient;
let root: ReturnType<typeof createRoot>;
let shown: ReturnType<typeof page.document.createElement>;
let renders: number;

beforeEach(async () => {
  server = await startStatusServer();
  client = createFeatureStatusClient({ baseUrl: server.url, getToken: () => 'token' });
  renders = 0;
  shown = page.document.createElement('div');
  root = newRoot();
});
afterEach(async () => {
  jest.useRealTimers();
  flushSync(() => root.unmount());
  await server.close();
});

/** The page is a stand-in for a browser's, of its own types. */
function newRoot() {
  return createRoot(shown as unknown as Parameters<typeof createRoot>[0]);
}

/** Shows the results of both hooks. */
function Page(): ReactNode {
  renders += 1;
  const { isEnabled, isLoading, error, features } = useFeatureFlags();
  const isOn = useFeatureFlag(FEATURE);
  const state = isLoading ? 'loading' : (error?.name ?? 'ready');
  return `${state} ${isEnabled(FEATURE)} ${isOn} ${isEnabled('toString')} ${Object.keys(features).length}`;
}

const provider = (props: Partial<FeatureFlagsProviderProps> = {}, child: ReactNode = createElement(Page)) =>
  createElement(FeatureFlagsProvider, { client, refreshMs: 0, ...props }, child);
/** With its effects. */
const render = (element: ReactNode) => flushSync(() => root.render(element));
const says = (text: string) => until(() => shown.textContent === text);

test('loading and off at first, then the state of the API; an equal state renders nothing', async () => {
  const requested = Promise.withResolvers<() => void>();
  server.behave((request, response) =>
    requested.resolve(() => answering(200, { features: { [FEATURE]: ON } })(request, response)),
  );
  let refresh = async () => {};
  function Refreshing(): ReactNode {
    refresh = useFeatureFlags().refresh;
    return createElement(Page);
  }
  render(provider({}, createElement(Refreshing)));
  const respond = await requested.promise;
  expect(shown.textContent).toBe('loading false false false 0');
  respond();
  await says('ready true true false 1');
  server.behave(answering(200, { features: { [FEATURE]: ON } }));
  const before = renders;
  await refresh();
  expect([server.seen.length, renders]).toEqual([2, before]);
  server.behave(answering(200, { features: { [FEATURE]: OFF } }));
  await refresh();
  await says('ready false false false 1');
});

test('after an error everything is off, and the error is shown', async () => {
  server.behave(answering(503, {}));
  render(provider());
  await says('StatusRefused false false false 0');
});

test('one request for many hooks and for equal props; a second for the double mount of StrictMode', async () => {
  const pages = () => [1, 2, 3].map((key) => createElement(Page, { key }));
  for (const _ of [1, 2]) {
    render(provider({ userId: 'me' }, pages()));
    await says('ready true true false 1'.repeat(3));
  }
  expect(server.seen).toHaveLength(1);
  flushSync(() => root.unmount());
  root = newRoot();
  render(createElement(StrictMode, null, provider()));
  await says('ready true true false 1');
  expect(server.seen.length).toBeLessThanOrEqual(3);
});

test('another enterprise starts from nothing: the features of the first are never shown', async () => {
  render(provider({ enterpriseCustomerUuid: 'first' }));
  await says('ready true true false 1');
  server.behave(() => {});
  render(provider({ enterpriseCustomerUuid: 'second' }));
  expect(shown.textContent).toBe('loading false false false 0');
  await until(() => server.seen.length === 2);
  expect(server.seen.map(({ url }) => url.split('=')[1])).toEqual(['first', 'second']);
});

test('a hidden page is refreshed once it is visible', async () => {
  jest.useFakeTimers();
  const features = jest.fn(async () => ({ [FEATURE]: ON }));
  render(provider({ client: { ...client, features }, refreshMs: 30_000 }));
  await jest.advanceTimersByTimeAsync(30_000);
  expect(features).toHaveBeenCalledTimes(2);
  look('hidden');
  await jest.advanceTimersByTimeAsync(300_000);
  expect(features).toHaveBeenCalledTimes(2);
  look('visible');
  expect(features).toHaveBeenCalledTimes(3);
});

function look(state: 'hidden' | 'visible'): void {
  Object.defineProperty(page.document, 'visibilityState', { value: state, configurable: true });
  page.document.dispatchEvent(new page.Event('visibilitychange'));
}

test('a server renders everything off, without a request', () => {
  expect(renderToString(provider())).toBe('loading false false false 0');
  expect(server.seen).toEqual([]);
});

test('without a provider the error names it', () => {
  expect(() => renderToString(createElement(Page))).toThrow('useFeatureFlags needs a FeatureFlagsProvider above it');
});
