import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Backoff, retriesWithin } from '../../lib/retriers.ts';

function waitsSeconds({ intervalSeconds, capSeconds }: Backoff, retries: number): number {
  const waits = Array.from({ length: retries }, (_, retry) => Math.min(intervalSeconds * 2 ** retry, capSeconds));
  return waits.reduce((sum, wait) => sum + wait, 0);
}

describe('retriesWithin', () => {
  test('an hour, from 1 s up to 60 s: 64 retries', () => {
    const soon = { intervalSeconds: 1, capSeconds: 60 };
    expect(retriesWithin(soon, 3600)).toBe(64);
    expect(waitsSeconds(soon, 64)).toBe(3543);
  });

  test('is the maximum within any budget', () => {
    const backoff = fc.record({
      intervalSeconds: fc.integer({ min: 1, max: 60 }),
      capSeconds: fc.integer({ min: 60, max: 900 }),
    });
    fc.assert(
      fc.property(backoff, fc.integer({ min: 0, max: 20_000 }), (waits, budget) => {
        const retries = retriesWithin(waits, budget);
        expect(waitsSeconds(waits, retries)).toBeLessThanOrEqual(budget);
        expect(waitsSeconds(waits, retries + 1)).toBeGreaterThan(budget);
      }),
    );
  });
});
