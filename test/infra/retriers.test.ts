import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { retriesWithin } from '../../lib/retriers.ts';

// The retriers themselves: test/workflow/definition.test.ts.
test('the number of retries is the largest whose waits fit into the budget', () => {
  const waits = fc.record({
    intervalSeconds: fc.integer({ min: 1, max: 60 }),
    capSeconds: fc.integer({ min: 60, max: 900 }),
  });
  fc.assert(
    fc.property(waits, fc.integer({ min: 0, max: 20_000 }), ({ intervalSeconds, capSeconds }, budget) => {
      const waited = (retries: number) =>
        Array.from({ length: retries }, (_, retry) => Math.min(intervalSeconds * 2 ** retry, capSeconds)).reduce(
          (sum, wait) => sum + wait,
          0,
        );
      const retries = retriesWithin({ intervalSeconds, capSeconds }, budget);
      expect(waited(retries)).toBeLessThanOrEqual(budget);
      expect(waited(retries + 1)).toBeGreaterThan(budget);
    }),
  );
});
