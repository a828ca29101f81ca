import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createTimeAxis } from '../../../console/integrations/time-axis.ts';

const HOUR_MS = 3_600_000;

const options = fc.record({
  endMs: fc.integer({ min: 0, max: 40 * 24 * HOUR_MS }),
  width: fc.integer({ min: 50, max: 3000 }),
  tickDistance: fc.integer({ min: 10, max: 100 }),
});

test('a later time is further right, between 0 and the width', () => {
  fc.assert(
    fc.property(options, fc.nat(40 * 24 * HOUR_MS), fc.nat(40 * 24 * HOUR_MS), (given, one, other) => {
      const { position } = createTimeAxis(given);
      const [early, late] = [position(Math.min(one, other)), position(Math.max(one, other))];
      expect(early).toBeGreaterThanOrEqual(0);
      expect(late).toBeGreaterThanOrEqual(early);
      expect(late).toBeLessThanOrEqual(given.width);
      expect(position(0)).toBe(0);
      expect(position(Math.max(given.endMs, 1000))).toBeCloseTo(given.width);
    }),
  );
});

test('ticks are at their times, in order, so far apart that their texts do not overlap, and none is beyond the end', () => {
  fc.assert(
    fc.property(options, (given) => {
      const { ticks, position } = createTimeAxis(given);
      expect(ticks[0]).toEqual({ ms: 0, text: '0', position: 0 });
      for (const [index, tick] of ticks.entries()) {
        expect(tick.position).toBe(position(tick.ms));
        expect(tick.ms).toBeLessThanOrEqual(Math.max(given.endMs, 1000));
        const before = ticks[index - 1];
        if (before !== undefined) expect(tick.position - before.position).toBeGreaterThanOrEqual(given.tickDistance);
      }
    }),
  );
});

test('of a day, seconds, minutes and hours each have a tick', () => {
  const { ticks } = createTimeAxis({ endMs: 26 * HOUR_MS, width: 680, tickDistance: 44 });
  expect(ticks.map(({ text }) => text)).toEqual([
    '0',
    '5 s',
    '15 s',
    '1 min',
    '5 min',
    '15 min',
    '1 h',
    '3 h',
    '8 h',
    '1 d',
  ]);
});
