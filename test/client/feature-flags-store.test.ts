import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { createFeatureFlagsStore, type FeatureFlagsStore, NOTHING_KNOWN } from '../../client/feature-flags-store.ts';
import { type Features, StatusRefused } from '../../client/feature-status-client.ts';
import { FEATURE, OFF, ON } from './status-server.ts';

interface Request {
  readonly signal: AbortSignal;
  respond(features: Features): void;
  fail(error: Error): void;
}

let requests: Request[];
let hidden: boolean;
let changed: (() => void) | undefined;
let store: FeatureFlagsStore;

beforeEach(() => {
  jest.useFakeTimers();
  requests = [];
  hidden = false;
  changed = undefined;
  store = newStore();
});
afterEach(() => void jest.useRealTimers());

function newStore(refreshMs = 30_000): FeatureFlagsStore {
  return createFeatureFlagsStore({
    client: {
      features: (_, signal) =>
        new Promise((respond, fail) => void requests.push({ signal: signal as AbortSignal, respond, fail })),
      feature: () => Promise.reject(new Error('not used')),
    },
    whom: {},
    refreshMs,
    visibility: {
      isHidden: () => hidden,
      onChange(listener) {
        changed = listener;
        return () => {
          changed = undefined;
        };
      },
    },
  });
}

const pass = (milliseconds: number) => jest.advanceTimersByTimeAsync(milliseconds);
async function respondLast(state: Features[string] = ON): Promise<void> {
  requests.at(-1)?.respond({ [FEATURE]: state });
  await pass(0);
}
async function failLast(retryAfterMs?: number): Promise<void> {
  requests.at(-1)?.fail(new StatusRefused(503, '', retryAfterMs));
  await pass(0);
}
function show(isHidden: boolean): void {
  hidden = isHidden;
  changed?.();
}
const isEnabled = () => store.snapshot().features[FEATURE]?.enabled;

describe('polling', () => {
  test('sends one request for all listeners, at each interval; an equal state notifies none', async () => {
    expect([store.snapshot(), requests]).toEqual([NOTHING_KNOWN, []]);
    const listeners = [jest.fn(), jest.fn()];
    for (const listener of listeners) store.subscribe(listener);
    expect(requests).toHaveLength(1);
    await respondLast();
    const first = store.snapshot();
    expect(first).toEqual({ features: { [FEATURE]: ON }, isLoading: false, error: undefined });
    await pass(29_999);
    expect(requests).toHaveLength(1);
    await pass(1);
    await respondLast({ ...ON });
    expect(store.snapshot()).toBe(first);
    await pass(30_000);
    await respondLast(OFF);
    expect([requests.length, isEnabled()]).toEqual([3, false]);
    for (const listener of listeners) expect(listener).toHaveBeenCalledTimes(2);
  });

  test('with an interval of 0 only refreshes send requests, and share the one in flight', async () => {
    store = newStore(0);
    store.subscribe(() => {});
    const both = [store.refresh(), store.refresh()];
    await respondLast();
    await Promise.all(both);
    await pass(3600_000);
    expect(requests).toHaveLength(1);
    const refreshed = store.refresh();
    await respondLast(OFF);
    await refreshed;
    expect([requests.length, isEnabled()]).toEqual([2, false]);
  });
});

describe('a failure', () => {
  test('leaves the last state, or everything off, until the next good response', async () => {
    store.subscribe(() => {});
    await failLast();
    expect(store.snapshot()).toMatchObject({ features: {}, isLoading: false, error: { name: 'StatusRefused' } });
    await pass(60_000);
    await respondLast();
    expect(store.snapshot().error).toBeUndefined();
    await pass(30_000);
    await failLast();
    expect(store.snapshot()).toMatchObject({ features: { [FEATURE]: ON }, error: { status: 503 } });
  });

  test('doubles the pause each time, up to five minutes', async () => {
    store.subscribe(() => {});
    for (const pauseMs of [60_000, 120_000, 240_000, 300_000, 300_000]) {
      const before = requests.length;
      await failLast();
      await pass(pauseMs - 1);
      expect(requests).toHaveLength(before);
      await pass(1);
      expect(requests).toHaveLength(before + 1);
    }
  });

  test('with Retry-After pauses for that time, and never rejects a refresh', async () => {
    store.subscribe(() => {});
    const refreshed = store.refresh();
    await failLast(400_000);
    await expect(refreshed).resolves.toBeUndefined();
    await pass(399_999);
    expect(requests).toHaveLength(1);
    await pass(1);
    expect(requests).toHaveLength(2);
  });
});

test('a hidden page sends no requests; once visible it sends one that is due', async () => {
  store.subscribe(() => {});
  await respondLast();
  show(true);
  await pass(10_000);
  show(false);
  expect(requests).toHaveLength(1);
  show(true);
  await pass(300_000);
  expect(requests).toHaveLength(1);
  show(false);
  expect(requests).toHaveLength(2);
});

describe('without listeners', () => {
  test('the request is aborted, its response ignored, and no other sent', async () => {
    const end = store.subscribe(() => {});
    end();
    end();
    expect(requests[0]?.signal.aborted).toBe(true);
    await respondLast();
    await pass(300_000);
    expect(store.snapshot()).toBe(NOTHING_KNOWN);
    expect([requests.length, changed]).toEqual([1, undefined]);
  });

  test('the state is kept for a later listener, and requested again', async () => {
    store.subscribe(() => {})();
    const end = store.subscribe(() => {});
    requests[0]?.respond({ [FEATURE]: OFF });
    await respondLast();
    end();
    store.subscribe(() => {});
    expect([isEnabled(), requests.length]).toEqual([true, 3]);
  });
});
