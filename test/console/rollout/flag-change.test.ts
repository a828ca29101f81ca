import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  addPilotChange,
  cacheTimeChange,
  enableChange,
  isNameable,
  percentChange,
  phaseOf,
  readWhole,
  removePilotChange,
} from '../../../console/rollout/flag-change.ts';
import { enterpriseIdSchema } from '../../../lambdas/events/event.ts';

const FLAG = { enabled: false, rollout_percentage: 10, pilot_enterprises: ['a', 'b'], cache_ttl_seconds: 3600 };
const SHOWN = { flag: FLAG, version: 7 };

test.each([
  [enableChange(SHOWN), 'flag enable', { enabled: true }],
  [percentChange(SHOWN, 25), 'flag percent 25', { rollout_percentage: 25 }],
  [cacheTimeChange(SHOWN, 600), 'flag ttl 600', {}],
  [addPilotChange(SHOWN, 'c'), 'flag pilot add c', { pilot_enterprises: ['a', 'b', 'c'] }],
  [removePilotChange(SHOWN, 'a'), 'flag pilot remove a', { pilot_enterprises: ['b'] }],
])('a change, its command for the version that was shown, and the flag after it: %#', (change, line, changes) => {
  expect(change).toMatchObject({ words: [...line.split(' '), '--if-version', '7'], before: FLAG, version: 7 });
  expect(change.after).toEqual({ ...FLAG, ...changes });
});

describe('a whole number', () => {
  const bounds = { minimum: 0, maximum: 100 };

  test.each(['', ' ', '-1', '101', '1.5', '1e1', '0x10', 'ten', '٣', '99999999999'])('is not %j', (text) => {
    expect(readWhole(text, bounds)).toBeUndefined();
  });

  test('is what it is written as', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 100 }), (value) => readWhole(` ${value} `, bounds) === value));
  });
});

test('a command line names an id that events can have, unless it looks like an option', () => {
  expect(['--stage', '-h', '<script>', 'a b', '', 'a'.repeat(65), '\u202e'].filter(isNameable)).toEqual([]);
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/)), (text) => {
      expect(isNameable(text)).toBe(enterpriseIdSchema.safeParse(text).success && !text.startsWith('-'));
    }),
  );
});

test.each([
  [{ enabled: false }, undefined],
  [{ rollout_percentage: 0, pilot_enterprises: [] }, undefined],
  [{ rollout_percentage: 0 }, 'pilot'],
  [{ rollout_percentage: 10 }, 'limited'],
  [{ rollout_percentage: 11 }, 'expanded'],
  [{ rollout_percentage: 99 }, 'expanded'],
  [{ rollout_percentage: 100 }, 'full'],
])('the flag with %j is in phase %s', (values, phase) => {
  expect(phaseOf({ ...FLAG, enabled: true, ...values })).toBe(phase);
});
