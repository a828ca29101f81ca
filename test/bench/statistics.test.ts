import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { percentile, spread } from '../../bench/statistics.ts';

const some = fc.array(fc.integer({ min: 0, max: 1_000_000 }), { minLength: 1 });
const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);

describe('percentile', () => {
  test('is by nearest rank, in any order of values', () => {
    expect(percentile(hundred, 0.99)).toBe(99);
    expect(percentile(hundred, 0.5)).toBe(50);
    expect(percentile(hundred, 1)).toBe(100);
    expect(percentile([7], 0.01)).toBe(7);
  });

  test('Infinity is the highest value', () => {
    expect(percentile([3, Number.POSITIVE_INFINITY, 1], 1)).toBe(Number.POSITIVE_INFINITY);
    expect(percentile([3, Number.POSITIVE_INFINITY, 1], 0.5)).toBe(3);
  });

  test('is one of the values, with at least that share not greater', () => {
    fc.assert(
      fc.property(some, fc.double({ min: 0.001, max: 1, noNaN: true }), (values, share) => {
        const found = percentile(values, share);
        expect(values).toContain(found);
        expect(values.filter((value) => value <= found).length).toBeGreaterThanOrEqual(share * values.length);
      }),
    );
  });

  test('of no values is undefined', () => {
    expect(() => percentile([], 0.5)).toThrow('no p50 of 0 values');
  });
});

describe('spread', () => {
  test('is median, minimum and maximum', () => {
    expect(spread([4, 1, 3])).toEqual({ median: 3, min: 1, max: 4 });
    expect(spread([4, 1, 3, 2])).toEqual({ median: 2.5, min: 1, max: 4 });
  });

  test('of no values is undefined', () => {
    expect(() => spread([])).toThrow('nothing was measured');
  });
});
