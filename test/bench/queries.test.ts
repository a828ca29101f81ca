import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { countQueries, leastEnough, seededRandom } from '../../bench/queries/pollers.ts';

const mapping = { pollers: 5, batchSize: 100, windowSeconds: 1, busySeconds: 0.5 };
const hour = { perSecond: 1, repeatShare: 0, seconds: 3600 };
const count = (arrivals: Partial<typeof hour>, changed: Partial<typeof mapping> = {}, seed = 1) =>
  countQueries({ ...hour, ...arrivals }, { ...mapping, ...changed }, seededRandom(seed));

describe('queries of an hour', () => {
  test('are about as many as misses where those are rare, and none where there is no miss', () => {
    // 360 arrivals on average, with a standard deviation of 19.
    const queries = count({ perSecond: 0.1 });
    expect(queries).toBeGreaterThan(290);
    expect(queries).toBeLessThan(430);
    expect(count({ perSecond: 10, repeatShare: 1 })).toBe(0);
  });

  test('are no more than each poller can give away, however many arrive', () => {
    expect(count({ perSecond: 20 }, { windowSeconds: 10 })).toBeLessThanOrEqual(5 * (3600 / 10.5) + 5);
  });

  test('are a batch’s each where arrivals fill it at once', () => {
    const queries = count({ perSecond: 100, seconds: 600 }, { windowSeconds: 300, busySeconds: 0 });
    expect(queries).toBeGreaterThanOrEqual(590);
    expect(queries).toBeLessThanOrEqual(610);
  });

  test('are no more with a longer window', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 0, max: 1000 }), (windowSeconds, seed) => {
        const [short, long] = [windowSeconds, 4 * windowSeconds].map((each) =>
          count({ seconds: 1800 }, { windowSeconds: each }, seed),
        );
        expect(long).toBeLessThan(short as number);
      }),
      { numRuns: 20 },
    );
  });

  test('are the same for the same seed', () => {
    expect(count({}, {}, 7)).toBe(count({}, {}, 7));
    expect(count({}, {}, 7)).not.toBe(count({}, {}, 8));
  });
});

test('the least that is enough is found, or none', () => {
  expect(leastEnough(1, 300, (value) => value >= 36)).toBe(36);
  expect(leastEnough(1, 300, () => true)).toBe(1);
  expect(leastEnough(1, 300, () => false)).toBeUndefined();
});
