import { describe, expect, test } from '@jest/globals';
import {
  type RetryEnrichmentServices,
  retryEnrichment,
  TASK_WAREHOUSE_DEADLINE_MS,
} from '../../lambdas/enrichment/retry-enrichment.ts';
import { WarehouseUnavailable } from '../../lambdas/shared/errors.ts';
import { METRICS } from '../../lambdas/shared/metric-definitions.ts';
import { type KeyFailure, type LearningTime, learnerKeyText } from '../../lambdas/warehouse/learning-time.ts';
import {
  delivery,
  ENRICHED,
  fakeCounter,
  fakeLog,
  flag,
  LEARNER_DATA,
  NOT_ENRICHED,
  NOW,
  PENDING,
} from '../support/factories.ts';

const FOUND: LearningTime = { found: true, totalSeconds: 18_540, lastDate: '2026-01-10' };
const SETTLED = { status: 'enriched', total_seconds: 18_540, last_updated: '2026-01-10T00:00:00Z' };
const waiting = (attempts = 1) => delivery({ ...PENDING, attempts }, {}, { due_at: '2026-01-15T12:01:00.000Z' });

/** Services without faults: a cache without hits, and a warehouse with `result`. */
function world(result: LearningTime | KeyFailure | Error, overrides: Partial<RetryEnrichmentServices> = {}) {
  const done: string[] = [];
  const written: [string, LearningTime][] = [];
  const log = fakeLog();
  const counter = fakeCounter();
  const services: RetryEnrichmentServices = {
    flag: { read: async () => flag({ cache_ttl_seconds: 300 }) },
    cache: {
      async read() {
        done.push('read the cache');
        return { hits: new Map(), warmed: '1768003200000000000' };
      },
      async write(results, ttlSeconds, warmed) {
        done.push(`write the cache for ${ttlSeconds} s since ${warmed}`);
        written.push(...results);
      },
    },
    warehouse: {
      async query(keys, deadlineMs) {
        done.push(`query the warehouse for ${keys.length} within ${deadlineMs} ms`);
        if (result instanceof Error) throw result;
        return new Map(keys.map((key) => [learnerKeyText(key), result]));
      },
    },
    log,
    counter,
    now: () => NOW,
    random: () => 0.5,
    ...overrides,
  };
  return { services, done, written, log, counter };
}

const down = new WarehouseUnavailable('the deadline passed');

describe('a retry', () => {
  test('settles the delivery with the query’s result, and caches the result', async () => {
    const { services, done, written, counter } = world(FOUND);
    expect(await retryEnrichment(waiting(), services)).toEqual({
      enrichment: { ...SETTLED, source: 'warehouse' },
      config_version: 'all',
      attempt: 0,
      due_at: '2026-01-15T12:01:00.000Z',
    });
    expect(TASK_WAREHOUSE_DEADLINE_MS).toBe(30_000);
    expect(done).toEqual([
      'read the cache',
      'query the warehouse for 1 within 30000 ms',
      'write the cache for 300 s since 1768003200000000000',
    ]);
    expect(written).toEqual([[expect.stringMatching(/^learning_time:42:/), FOUND]]);
    expect(counter.counts).toEqual({ [METRICS.querySuccess]: 1 });
  });

  test('makes no query if the cache has another event’s result by now', async () => {
    const { services, done } = world(down, {
      cache: {
        read: async ([key]) => ({ hits: new Map(key && [[learnerKeyText(key), FOUND]]), warmed: undefined }),
        write: async () => {},
      },
    });
    expect((await retryEnrichment(waiting(), services)).enrichment).toEqual({ ...SETTLED, source: 'cache' });
    expect(done).toEqual([]);
  });

  test.each<[string, LearningTime, object]>([
    ['no data', { found: false }, { status: 'not_enriched', reason: 'no_data' }],
    ['a sum of 0', { ...FOUND, totalSeconds: 0 }, { ...SETTLED, total_seconds: 0, source: 'warehouse' }],
  ])('settles with %s, which is a result too', async (_what, result, enrichment) => {
    const { services, written } = world(result);
    expect((await retryEnrichment(waiting(), services)).enrichment).toEqual(enrichment);
    expect(written.map(([, value]) => value)).toEqual([result]);
  });
});

describe('a retry that fails', () => {
  test('is due again 120, then 180 s after the first failure, even if it ran late', async () => {
    const due = [1, 2].map(async (attempts) => retryEnrichment(waiting(attempts), world(down).services));
    expect((await Promise.all(due)).map(({ due_at }) => due_at)).toEqual([
      '2026-01-15T12:02:00.000Z',
      '2026-01-15T12:03:00.000Z',
    ]);
  });

  test('counts one more attempt, and keeps the time of the first failure', async () => {
    const { services, counter, log } = world(down);
    expect((await retryEnrichment(waiting(2), services)).enrichment).toEqual({ ...PENDING, attempts: 3 });
    expect(counter.counts).toEqual({ [METRICS.queryFailure]: 1 });
    expect(log.only('warehouse.failed')).toMatchObject({ error: 'WarehouseUnavailable', error_message: down.message });
  });

  test('keeps that it is scheduled, and the number of earlier attempts', async () => {
    const timed = { ...waiting(), progress: { ...waiting().progress, timed: true, earlier_attempts: 3 } } as const;
    for (const result of [down, FOUND]) {
      expect(await retryEnrichment(timed, world(result).services)).toMatchObject({ timed: true, earlier_attempts: 3 });
    }
  });

  test.each<[string, KeyFailure | Error]>([
    ['a row that cannot be read', { failed: true, reason: 'total seconds are not a number' }],
    ['an unexpected error', new TypeError(LEARNER_DATA[0])],
  ])('with %s is a failed attempt, and nothing is cached', async (_what, result) => {
    const { services, written, log } = world(result);
    expect((await retryEnrichment(waiting(), services)).enrichment).toMatchObject({ status: 'pending', attempts: 2 });
    expect(written).toEqual([]);
    expect(log.text()).not.toContain(LEARNER_DATA[0]);
  });
});

describe('the flag', () => {
  test.each([
    ['switched off while the event waited', async () => flag({ enabled: false })],
    ['no longer on for its enterprise', async () => flag({ rollout_percentage: 0 })],
    ['unreadable', async () => undefined],
  ])('%s: sent now without learning time, with neither cache nor warehouse queried', async (_what, read) => {
    const { services, done } = world(FOUND, { flag: { read } });
    expect((await retryEnrichment(waiting(), services)).enrichment).toEqual({
      status: 'not_enriched',
      reason: 'flag_off',
    });
    expect(done).toEqual([]);
  });
});

test.each([ENRICHED, NOT_ENRICHED])(
  'a delivery whose learning time is decided ($status) is returned unchanged',
  async (enrichment) => {
    const { services, done } = world(FOUND);
    const decided = delivery(enrichment);
    expect(await retryEnrichment(decided, services)).toEqual(decided.progress);
    expect(done).toEqual([]);
  },
);

test('logs contain only ids of a learner', async () => {
  const results = [
    FOUND,
    down,
    { failed: true, reason: 'unreadable row' } as const,
    new SyntaxError(LEARNER_DATA.join()),
  ];
  for (const result of results) {
    const { services, log } = world(result);
    await retryEnrichment(waiting(), services);
    expect(log.lines).toHaveLength(1);
    for (const data of LEARNER_DATA) expect(log.text()).not.toContain(data);
  }
});
