import { describe, expect, test } from '@jest/globals';
import { createBatches, WARM_LEARNERS } from '../../bench/enrichment/events.ts';
import { figuresOf, type Measured, type Run } from '../../bench/enrichment/figures.ts';
import { BATCH_SIZE } from '../../bench/enrichment/orders.ts';

const run = (count: number, cpuMs: number, more: Partial<Run> = {}): Run => ({
  count,
  elapsedMs: 1000,
  cpuMs,
  lookupMs: [4],
  heapBytes: 50_000_000,
  busy: { queue: 0.1, cache: 0.1, warehouse: 0 },
  ...more,
});

/** Measurements that meet every target exactly. */
const MEASURED: Measured = {
  warm: { ours: [run(500, 100)], bare: [run(1000, 100)], reference: [run(100, 100)] },
  cold: { ours: [run(400, 100)], reference: [run(20, 100)] },
  growth: {
    1: [run(100, 10)],
    10: [run(1000, 110, { heapBytes: 55_000_000 })],
    100: [run(10_000, 1100, { heapBytes: 55_000_000 })],
  },
};

describe('the figures', () => {
  const metBy = (measured: Measured) => {
    const aimed = figuresOf(measured).filter(({ target }) => target !== null);
    return Object.fromEntries(aimed.map(({ name, isMet }) => [name, isMet]));
  };

  test('are met at half of the bare loop, 5 and 20 times the reference, 10 ms and 10% growth', () => {
    expect(metBy(MEASURED)).toEqual({
      'enrichment.warm.per_second': true,
      'enrichment.warm.cpu': true,
      'enrichment.warm.reference.per_second': true,
      'enrichment.cold.per_second': true,
      'enrichment.cache_lookup.ms': true,
      'enrichment.growth.cpu.10': true,
      'enrichment.growth.memory.10': true,
      'enrichment.growth.cpu.100': true,
      'enrichment.growth.memory.100': true,
    });
  });

  test('are missed by slightly worse values', () => {
    const worse: Measured = {
      warm: { ...MEASURED.warm, ours: [run(499, 100, { lookupMs: [10.1] })] },
      cold: { ...MEASURED.cold, ours: [run(399, 100)] },
      growth: {
        ...MEASURED.growth,
        10: [run(1000, 111, { heapBytes: 55_100_000 })],
        100: [run(10_000, 1110, { heapBytes: 55_100_000 })],
      },
    };
    expect(new Set(Object.values(metBy(worse)))).toEqual(new Set([false]));
  });
});

test('warm batches repeat the learners of the cache, cold ones never repeat a learner', () => {
  const { next } = createBatches(['a', 'b']);
  const usersOf = (cache: 'warm' | 'cold') => next(cache).map(({ body }) => JSON.parse(body).payload.user.id as number);
  const rounds = [1, 2].map(() => Array.from({ length: WARM_LEARNERS / BATCH_SIZE }, () => usersOf('warm')).flat());
  expect(rounds[1]).toEqual(rounds[0]);
  expect(new Set(rounds[0]).size).toBe(WARM_LEARNERS);
  const cold = Array.from({ length: 10 }, () => usersOf('cold')).flat();
  expect(new Set([...cold, ...(rounds[0] ?? [])]).size).toBe(10 * BATCH_SIZE + WARM_LEARNERS);
});
