import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { busiestHour } from '../../../commands/rollout/read-measures.ts';

const PERIOD_MS = 300_000;
const HOUR = 12;

// More than an hour of them: by itself fast-check makes ten at the most.
const counts = fc.array(fc.nat({ max: 50 }), { maxLength: 40, size: 'max' });

test('the busiest hour is any twelve periods in a row, in whatever order they come', () => {
  fc.assert(
    fc.property(counts, fc.boolean(), (given, isNewestFirst) => {
      const hours = given.map((_, from) => given.slice(from, from + HOUR).reduce((total, value) => total + value, 0));
      // CloudWatch leaves out periods without a value.
      const points = given.map((value, index) => ({ at: index * PERIOD_MS, value })).filter(({ value }) => value > 0);
      expect(busiestHour(isNewestFirst ? points.toReversed() : points)).toBe(Math.max(0, ...hours));
    }),
  );
});
