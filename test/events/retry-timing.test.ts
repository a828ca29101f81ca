import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { enrichmentDueAt, jittered } from '../../lambdas/events/retry-timing.ts';
import { random } from '../support/arbitraries.ts';
import { NOW } from '../support/factories.ts';

const time = fc.integer({ min: Date.parse('2020-01-01'), max: Date.parse('2100-01-01') });
const middle = () => 0.5;

describe('when the warehouse is queried again', () => {
  test('60, 120 and 180 s after the first failure', () => {
    const delays = [1, 2, 3].map((retry) => enrichmentDueAt(NOW, retry, middle).getTime() - NOW);
    expect(delays).toEqual([60_000, 120_000, 180_000]);
  });

  test('up to 10% earlier or later', () => {
    fc.assert(
      fc.property(time, fc.constantFrom(1, 2, 3), random, (failedAt, retry, chance) => {
        const delay = enrichmentDueAt(failedAt, retry, chance).getTime() - failedAt;
        expect(delay).toBeGreaterThanOrEqual(retry * 54_000);
        expect(delay).toBeLessThanOrEqual(retry * 66_000);
      }),
    );
  });
});

test('jitter spreads a delay over its whole 20%', () => {
  expect(jittered(1_000, () => 0)).toBe(900);
  expect(jittered(1_000, middle)).toBe(1_000);
  expect(jittered(1_000, () => 0.999_999_9)).toBe(1_100);
});
