import { describe, expect, test } from '@jest/globals';
import {
  isRetriedTooLong,
  isSuspect,
  MAX_RETRY_MS,
  SUSPECT_VISIBILITY_SECONDS,
} from '../../lambdas/shared/receive-policy.ts';
import { NOW } from '../support/factories.ts';

const DAY_MS = 24 * 3600 * 1000;

describe('a message that keeps coming back', () => {
  test.each([
    [1, false],
    [4, false],
    [5, true],
    [1000, true],
  ])('is a suspect from the fifth receive: receive %i, %p', (count, suspect) => {
    expect(isSuspect(count)).toBe(suspect);
  });

  test('stays out of sight for 15 minutes, which SQS allows', () => expect(SUSPECT_VISIBILITY_SECONDS).toBe(15 * 60));

  test('is held for three days, a day less than SQS keeps it', () => {
    expect(MAX_RETRY_MS).toBe(3 * DAY_MS);
    expect(isRetriedTooLong(NOW - 3 * DAY_MS, NOW)).toBe(false);
    expect(isRetriedTooLong(NOW - 3 * DAY_MS - 1, NOW)).toBe(true);
  });

  test('is not redriven by SQS before: with four fast receives and one every 15 minutes, 1000 take longer', () => {
    const receives = 4 + MAX_RETRY_MS / (SUSPECT_VISIBILITY_SECONDS * 1000);
    expect(receives).toBeLessThan(1000);
  });

  test.each([
    ['no receive count', isSuspect(Number.NaN)],
    ['no time of sending', isRetriedTooLong(Number.NaN, NOW)],
  ])('%s: it is handled like a new one', (_what, answer) => expect(answer).toBe(false));
});
