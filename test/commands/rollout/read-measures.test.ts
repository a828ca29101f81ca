import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { busiestHour, recentLookUps } from '../../../commands/rollout/read-measures.ts';

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

describe('the recent look-ups', () => {
  const HOUR_MS = HOUR * PERIOD_MS;
  const span = { fromMs: 0, untilMs: 3 * HOUR_MS };
  const hoursAgo = (hours: number, value: number) => [{ at: span.untilMs - hours * HOUR_MS, value }];

  test('are those of the last hour', () => {
    const hits = [...hoursAgo(2, 500), ...hoursAgo(1, 19)];
    expect(recentLookUps(hits, hoursAgo(0.5, 1), span)).toEqual({ recentCacheHits: 19, recentCacheMisses: 1 });
  });

  test('are those of as many hours as have 20', () => {
    const hits = [...hoursAgo(3, 500), ...hoursAgo(2, 10), ...hoursAgo(1, 9)];
    expect(recentLookUps(hits, hoursAgo(1.5, 1), span)).toEqual({ recentCacheHits: 19, recentCacheMisses: 1 });
    expect(recentLookUps(hits, [], span)).toEqual({ recentCacheHits: 519, recentCacheMisses: 0 });
  });

  test('are all there are in a span with fewer', () => {
    expect(recentLookUps(hoursAgo(3, 1), hoursAgo(1, 2), span)).toEqual({ recentCacheHits: 1, recentCacheMisses: 2 });
    expect(recentLookUps([], [], { ...span, fromMs: span.untilMs - PERIOD_MS })).toEqual({
      recentCacheHits: 0,
      recentCacheMisses: 0,
    });
  });
});
