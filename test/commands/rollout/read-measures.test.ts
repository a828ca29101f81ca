import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { busiestHour } from '../../../commands/rollout/read-measures.ts';
import { largest, type Point, sum } from '../../../commands/shared/metric-points.ts';

const PERIOD_MS = 300_000;
const HOUR = 12;

/** One value for each period, as it comes from CloudWatch: those without any are left out. */
function pointsOf(counts: readonly number[]): Point[] {
  const points = counts.map((value, index) => ({ at: index * PERIOD_MS, value }));
  return points.filter(({ value }) => value > 0);
}

// More than an hour of them: by itself fast-check makes ten at the most.
const counts = fc.array(fc.nat({ max: 50 }), { maxLength: 40, size: 'max' });

test('the busiest hour is any twelve periods in a row, in whatever order they come', () => {
  fc.assert(
    fc.property(counts, fc.boolean(), (given, isNewestFirst) => {
      const hours = given.map((_, from) => given.slice(from, from + HOUR).reduce((total, value) => total + value, 0));
      const points = pointsOf(given);
      expect(busiestHour(isNewestFirst ? points.toReversed() : points)).toBe(Math.max(0, ...hours));
    }),
  );
});

test('an hour that crosses the clock’s is one, too', () => {
  const crossing = Array.from({ length: 24 }, (_, index) => (index >= 6 && index < 18 ? 40 : 0));
  expect(busiestHour(pointsOf(crossing))).toBe(480);
});

test('sums of nothing are 0, the largest of nothing is unknown', () => {
  expect([sum([]), largest([])]).toEqual([0, undefined]);
  expect(largest(pointsOf([3, 9, 4]))).toBe(9);
});
