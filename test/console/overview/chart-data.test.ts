import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { axisEnd, describeSeries, periodText, pointsOf } from '../../../console/overview/chart-data.ts';

test('a period without a value leaves a gap, and 0 is a value', () => {
  expect(pointsOf({ times: [60, 120, 180] }, [3, null, 0])).toEqual([
    { x: 60, y: 3 },
    { x: 180, y: 0 },
  ]);
});

test.each([
  [[], 1],
  [[0.2], 1],
  [[1], 1],
  [[1.5, 0], 2],
  [[21, 40], 50],
  [[51], 100],
  [[1_000_001], 2_000_000],
])('the axis of %j ends at %d', (values, end) => {
  expect(axisEnd(values)).toBe(end);
});

test('the axis holds every value, and at least a third of it is used', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 1_000_000_000 }), { minLength: 1 }), (values) => {
      const end = axisEnd(values);
      expect(end).toBeGreaterThanOrEqual(Math.max(...values));
      expect(end).toBeLessThan(3 * Math.max(...values));
    }),
  );
});

test('a period is named by its begin in UTC, with the day where the chart has several', () => {
  const at = Date.parse('2026-01-15T09:05:00Z');
  expect(periodText('hour', at)).toBe('09:05');
  expect(periodText('week', at)).toBe('Thu 09:05');
});

test('a screen reader gets the last and the largest value of each series', () => {
  const series = [
    {
      title: 'Events in',
      points: [
        { x: 0, y: 7 },
        { x: 1, y: 2 },
      ],
    },
    { title: 'Deliveries out', points: [] },
  ];
  expect(describeSeries(series, String)).toBe('Events in: last 2, largest 7. Deliveries out: no value.');
});
