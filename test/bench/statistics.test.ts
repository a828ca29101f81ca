import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { percentile, spread } from '../../bench/statistics.ts';

test('a percentile is the nearest rank: the lowest value that at least that share does not exceed', () => {
  const some = fc.array(fc.oneof(fc.integer({ min: 0, max: 9 }), fc.constant(Number.POSITIVE_INFINITY)), {
    minLength: 1,
  });
  fc.assert(
    fc.property(some, fc.double({ min: 0.001, max: 1, noNaN: true }), (values, share) => {
      const reached = values.filter(
        (bound) => values.filter((value) => value <= bound).length >= share * values.length,
      );
      expect(percentile(values, share)).toBe(Math.min(...reached));
    }),
  );
  expect(() => percentile([], 0.5)).toThrow('no p50 of 0 values');
});

test('a spread is median, minimum and maximum', () => {
  expect(spread([4, 1, 3])).toEqual({ median: 3, min: 1, max: 4 });
  expect(spread([4, 1, 3, 2])).toEqual({ median: 2.5, min: 1, max: 4 });
  expect(() => spread([])).toThrow('nothing was measured');
});
