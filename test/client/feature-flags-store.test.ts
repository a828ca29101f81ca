import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { createFeatureFlagsStore, type FeatureFlagsStore, NOTHING_KNOWN } from '../../client/feature-flags-store.ts';
import { type Features, StatusRefused } from '../../client/feature-status-client.ts';
import { FEATURE, OFF, ON } from './status-server.ts';

interface Asked {
  readonly signal: AbortSignal;
  answer(features: Features): void;
  fail(error: Error): void;
}

let asked: Asked[];
let hidden: boolean;
let changed: (() => void) | undefined;
let store: FeatureFlagsStore;

beforeEach(() => {
  jest.useFakeTimers();
  asked = [];
  hidden = false;
  changed = undefined;
  store = newStore();
});
afterEach(() => void jest.useRealTimers());

function newStore(refreshMs = 30_000): FeatureFlagsStore {
  return createFeatureFlagsStore({
    client: {
      features: (_, signal) =>
        new Promise((answer, fail) => void asked.push({ signal: signal as AbortSignal, answer, fail })),
      feature: () => Promise.reject(new Error('not asked for')),
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

const settle = () => jest.advanceTimersByTimeAsync(0);
const pass = (milliseconds: number) => jest.advanceTimersByTimeAsync(milliseconds);
async function answerLast(state: Features[string] = ON): Promise<void> {
  asked.at(-1)?.answer({ [FEATURE]: state });
  await settle();
}
async function failLast(retryAfterMs?: number): Promise<void> {
  asked.at(-1)?.fail(new StatusRefused(503, '', retryAfterMs));
  await settle();
}
const look = (isHidden: boolean) => {
  hidden = isHidden;
  changed?.();
};

describe('while somebody listens', () => {
  test('one request answers all who listen', async () => {
    expect([store.snapshot(), asked]).toEqual([NOTHING_KNOWN, []]);
    const heard = [0, 0];
    store.subscribe(() => void heard.splice(0, 1, Number(heard[0]) + 1));
    store.subscribe(() => void heard.splice(1, 1, Number(heard[1]) + 1));
    expect(asked).toHaveLength(1);
    await answerLast();
    expect(heard).toEqual([1, 1]);
    expect(store.snapshot()).toEqual({ features: { [FEATURE]: ON }, isLoading: false, error: undefined });
  });

  test('the state is asked for again and again; one that is as it was is the same object, and nobody is told', async () => {
    let heard = 0;
    store.subscribe(() => {
      heard += 1;
    });
    await answerLast();
    const first = store.snapshot();
    await pass(29_999);
    expect(asked).toHaveLength(1);
    await pass(1);
    await answerLast({ ...ON });
    expect(store.snapshot()).toBe(first);
    await pass(30_000);
    await answerLast(OFF);
    expect([asked.length, heard]).toEqual([3, 2]);
    expect(store.snapshot().features[FEATURE]?.enabled).toBe(false);
  });

  test('an interval of 0: only when it is told to', async () => {
    store = newStore(0);
    store.subscribe(() => {});
    await answerLast();
    await pass(3600_000);
    expect(asked).toHaveLength(1);
    const refreshed = store.refresh();
    expect(asked).toHaveLength(2);
    await answerLast(OFF);
    await refreshed;
    expect(store.snapshot().features[FEATURE]?.enabled).toBe(false);
  });

  test('to refresh while a request is under way is to wait for it', async () => {
    store.subscribe(() => {});
    const both = [store.refresh(), store.refresh()];
    await answerLast();
    await Promise.all(both);
    expect(asked).toHaveLength(1);
  });
});

describe('a failure', () => {
  test('before any answer: everything stays off, and the error says why', async () => {
    store.subscribe(() => {});
    await failLast();
    expect(store.snapshot()).toMatchObject({ features: {}, isLoading: false, error: { name: 'StatusRefused' } });
  });

  test('after one: the last good answer stays, until a better one comes', async () => {
    store.subscribe(() => {});
    await answerLast();
    await pass(30_000);
    await failLast();
    expect(store.snapshot()).toMatchObject({ features: { [FEATURE]: ON }, error: { status: 503 } });
    await pass(60_000);
    await answerLast();
    expect(store.snapshot().error).toBeUndefined();
  });

  test('pauses twice as long each time, five minutes at the most', async () => {
    store.subscribe(() => {});
    for (const pauseMs of [60_000, 120_000, 240_000, 300_000, 300_000]) {
      const before = asked.length;
      await failLast();
      await pass(pauseMs - 1);
      expect(asked).toHaveLength(before);
      await pass(1);
      expect(asked).toHaveLength(before + 1);
    }
  });

  test('that says when to come again is heeded, and never rejects a refresh', async () => {
    store.subscribe(() => {});
    const refreshed = store.refresh();
    await failLast(400_000);
    await expect(refreshed).resolves.toBeUndefined();
    await pass(399_999);
    expect(asked).toHaveLength(1);
    await pass(1);
    expect(asked).toHaveLength(2);
  });
});

describe('a page that nobody sees', () => {
  test('asks nothing, and at once when somebody looks again', async () => {
    store.subscribe(() => {});
    await answerLast();
    look(true);
    await pass(300_000);
    expect(asked).toHaveLength(1);
    look(false);
    expect(asked).toHaveLength(2);
  });

  test('and is seen again before it was due: waits for its time', async () => {
    store.subscribe(() => {});
    await answerLast();
    look(true);
    await pass(10_000);
    look(false);
    expect(asked).toHaveLength(1);
    await pass(20_000);
    expect(asked).toHaveLength(2);
  });
});

describe('once nobody listens', () => {
  test('the request is aborted, its answer is not heard, and nothing is asked any more', async () => {
    const end = store.subscribe(() => {});
    end();
    end();
    expect(asked[0]?.signal.aborted).toBe(true);
    await answerLast();
    await pass(300_000);
    expect(store.snapshot()).toBe(NOTHING_KNOWN);
    expect([asked.length, changed]).toEqual([1, undefined]);
  });

  test('somebody may listen again: what was known is still known, and is asked for anew', async () => {
    store.subscribe(() => {})();
    const end = store.subscribe(() => {});
    asked[0]?.answer({ [FEATURE]: OFF });
    await answerLast();
    expect(store.snapshot().features[FEATURE]?.enabled).toBe(true);
    end();
    store.subscribe(() => {});
    expect(store.snapshot().features[FEATURE]?.enabled).toBe(true);
    expect(asked).toHaveLength(3);
  });
});
