import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ecpusOf, maxWarmRows, WarmPace } from '../../lambdas/warehouse/warm-limits.ts';

test.each([
  [1, 1_000_000],
  [10, 10_000_000],
  [5_000, 5_000_000_000],
])('of %i GB, 60% is for %i rows of 600 bytes', (gigabytes, rows) => {
  expect(maxWarmRows(gigabytes)).toBe(rows);
});

test.each([
  [0, 1],
  [1, 1],
  [1_024, 1],
  [1_025, 2],
  [2_048, 2],
  [2_049, 3],
])('a command with %i bytes takes %i ECPUs: one for each started KB', (bytes, ecpus) => {
  expect(ecpusOf(bytes)).toBe(ecpus);
});

test('half of the limit: of 5,000 ECPUs a second, 200 commands take 80 ms', () => {
  let nowMs = 1_000;
  const pace = new WarmPace(5_000, () => nowMs);
  expect([pace.reserve(200), pace.reserve(200), pace.reserve(100), pace.reserve(1)]).toEqual([0, 80, 160, 200]);
  nowMs += 150;
  expect(pace.reserve(1)).toBeCloseTo(50.4);
});

test('after a pause there is no burst', () => {
  let nowMs = 0;
  const pace = new WarmPace(5_000, () => nowMs);
  pace.reserve(200);
  nowMs = 60_000;
  expect([pace.reserve(200), pace.reserve(200)]).toEqual([0, 80]);
});

test('in no second are more ECPUs used than half of the limit and one pipeline, whatever the work between them takes', () => {
  const pipeline = fc.record({
    ecpus: fc.integer({ min: 1, max: 200 }),
    tookMs: fc.double({ min: 0, max: 500, noNaN: true }),
  });
  const maximum = fc.integer({ min: 1_000, max: 100_000 });
  const stays = fc.property(maximum, fc.array(pipeline, { maxLength: 100 }), (maxEcpuPerSecond, pipelines) => {
    let nowMs = 0;
    const pace = new WarmPace(maxEcpuPerSecond, () => nowMs);
    const sent = pipelines.map(({ ecpus, tookMs }) => {
      nowMs += pace.reserve(ecpus);
      const atMs = nowMs;
      nowMs += tookMs;
      return { ecpus, atMs };
    });
    for (const { atMs } of sent) {
      const inSecond = sent.filter((one) => one.atMs >= atMs && one.atMs < atMs + 1_000);
      const used = inSecond.reduce((sum, { ecpus }) => sum + ecpus, 0);
      expect(used).toBeLessThanOrEqual(maxEcpuPerSecond / 2 + 200);
    }
  });
  fc.assert(stays);
});
