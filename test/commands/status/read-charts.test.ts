import { describe, expect, test } from '@jest/globals';
import type { Point } from '../../../commands/shared/metric-points.ts';
import { chartsOf } from '../../../commands/status/read-charts.ts';

const MINUTE_MS = 60_000;
const NOW = Date.parse('2026-01-15T12:00:30Z');
const FROM = NOW - 30_000 - 10 * MINUTE_MS;
const SPAN = { fromMs: FROM, untilMs: FROM + 11 * MINUTE_MS };

/** Points by query, each as minute and value. */
function charts(points: Readonly<Record<string, readonly (readonly [minute: number, value: number])[]>>) {
  const read = (id: string): readonly Point[] =>
    (points[id] ?? []).map(([minute, value]) => ({ at: FROM + minute * MINUTE_MS, value }));
  return chartsOf(read, 'hour', SPAN, NOW);
}

test('has one value for each minute, oldest first', () => {
  const { times, periodMs, from, readAt, series } = charts({});
  expect(periodMs).toBe(MINUTE_MS);
  expect(times).toEqual(Array.from({ length: 11 }, (_, minute) => FROM + minute * MINUTE_MS));
  expect([from, readAt]).toEqual(['2026-01-15T11:50:00.000Z', '2026-01-15T12:00:30.000Z']);
  for (const values of Object.values(series)) expect(values).toHaveLength(11);
});

describe('without a value', () => {
  test('a count is 0, but for the last two minutes, whose values CloudWatch may still lack', () => {
    const { series } = charts({ events: [[3, 7]] });
    expect(series.events).toEqual([0, 0, 0, 7, 0, 0, 0, 0, null, null, null]);
  });

  test('a rate and a percentile have a gap', () => {
    const { series, totals } = charts({ p95: [[2, 850]] });
    expect(series.p95Ms.filter((value) => value !== null)).toEqual([850]);
    expect(series.successRate.every((value) => value === null)).toBe(true);
    expect(totals).toMatchObject({ successRate: null, p95Ms: null });
  });
});

test('deliveries are those with and without learning time; the rate is theirs of all attempts', () => {
  const { series, totals } = charts({
    enriched: [
      [1, 6],
      [2, 1],
    ],
    plain: [[1, 2]],
    retried: [[1, 1]],
    dead: [[1, 1]],
  });
  expect(series.delivered.slice(0, 4)).toEqual([0, 8, 1, 0]);
  expect(series.successRate.slice(0, 4)).toEqual([null, 80, 100, null]);
  expect(totals).toMatchObject({ delivered: 9, failed: 2, successRate: 9 / 11, dead: 1 });
});

test('the percentile of the span is its own measure, and the larger of two', () => {
  const { totals } = charts({
    p95: [[1, 9000]],
    p95OfSpan: [
      [0, 700],
      [5, 1200],
    ],
  });
  expect(totals.p95Ms).toBe(1200);
});

test('the flag is on for pilots and within the percentage, and off otherwise', () => {
  const { totals } = charts({
    pilot: [[0, 1]],
    within_percentage: [[0, 2]],
    off: [[0, 4]],
    beyond_percentage: [[0, 8]],
  });
  expect(totals).toMatchObject({ flagOn: 3, flagOff: 12 });
});
