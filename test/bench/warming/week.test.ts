import { describe, expect, test } from '@jest/globals';
import { type Activity, HOURS_OF_WEEK, modelledActivity } from '../../../bench/warming/activity.ts';
import { seededRandom } from '../../../bench/warming/random.ts';
import { isHit, type WarmedLearners, warmedLearners } from '../../../bench/warming/warmed-learners.ts';
import { simulateWeek } from '../../../bench/warming/week.ts';

const LIMITS = { activeDays: 14, maxRows: 1000, rowsPerSecond: 2500 };
const MAPPINGS = {
  warmed: { batchSize: 10, windowSeconds: 0 },
  readThrough: { batchSize: 100, windowSeconds: 1 },
};
const HOUR = 3600;

describe('which learners are warm', () => {
  const everyone: WarmedLearners = warmedLearners(new Array(60).fill(1), 10, LIMITS);
  const at = (hour: number, ...daysBefore: number[]) => ({ daysBefore, secondOfDay: hour * HOUR, rank: 0.5 });

  test('those whose course was begun the day before, once the day’s table is loaded', () => {
    expect(isHit(everyone, at(7, 1))).toBe(true);
    expect(isHit(everyone, at(6, 1))).toBe(false);
    expect(isHit(everyone, at(6, 2))).toBe(true);
  });

  test('none whose course was begun on the same day', () => {
    expect(isHit(everyone, at(23))).toBe(false);
  });

  test('none whose last activity is older than the active days', () => {
    expect(isHit(everyone, at(12, 14))).toBe(true);
    expect(isHit(everyone, at(12, 15))).toBe(false);
  });

  test('the limit cuts off the oldest activity', () => {
    const some = warmedLearners(new Array(60).fill(1), 10, { ...LIMITS, maxRows: 25 });
    expect(some).toMatchObject({ selectedRows: 140, rows: 25, wholeDays: 2, shareOfLastDay: 0.5 });
    expect(isHit(some, at(12, 2))).toBe(true);
    expect(isHit(some, { ...at(12, 3), rank: 0.49 })).toBe(true);
    expect(isHit(some, at(12, 3))).toBe(false);
    expect(isHit(some, at(12, 4))).toBe(false);
  });

  test('a slow run makes the day’s learners warm later', () => {
    const slow = warmedLearners([9000], 1000, { ...LIMITS, maxRows: 9_000_000 });
    expect(slow.completeAt).toBe(6.75 * HOUR + HOUR);
  });
});

describe('a week', () => {
  const activity = (daysBefore: readonly number[]): Activity => ({
    hourWeights: new Array(HOURS_OF_WEEK).fill(1),
    daysBefore: () => daysBefore,
    rowsByAge: new Array(60).fill(0.001),
  });
  const simulated = (daysBefore: readonly number[]) =>
    simulateWeek({
      activity: activity(daysBefore),
      busiestPerSecond: 0.01,
      limits: LIMITS,
      mappings: MAPPINGS,
      seed: 1,
    });

  test('without learners of the same day has hits only, and no query', () => {
    expect(simulated([2, 3]).warmed).toMatchObject({ hitRate: 1, busiestHour: 0, queriesAt: [] });
  });

  test('with nothing else has misses only: without a window a query for each', () => {
    const { completions, sameDay, warmed, readThrough } = simulated([]);
    expect(sameDay).toBe(1);
    expect(warmed.queriesAt).toHaveLength(completions);
    expect(readThrough.queriesAt.length).toBeLessThan(completions);
  });

  test('is the same again with the same seed', () => {
    expect(simulated([1])).toEqual(simulated([1]));
  });
});

test('a fifth of short courses makes one in twenty completions one of the same day', () => {
  const random = seededRandom(1);
  const activity = modelledActivity(0.2, random);
  const drawn = Array.from({ length: 20_000 }, () => activity.daysBefore(0, random));
  expect(drawn.filter(({ length }) => length === 0).length / drawn.length).toBeCloseTo(0.2 * 0.23, 2);
});
