import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { changeTokenSchema, isOlder } from '../../lambdas/warehouse/change-token.ts';

const nanoseconds = fc.bigInt({ min: 1n, max: 2n ** 63n - 1n });

test('tokens have the order of their numbers', () => {
  fc.assert(fc.property(nanoseconds, nanoseconds, (a, b) => expect(isOlder(`${a}`, `${b}`)).toBe(a < b)));
});

test('tokens that differ by a nanosecond, or in length, are not the same', () => {
  expect(isOlder('1768003200000000000', '1768003200000000001')).toBe(true);
  expect(isOlder('999999999999999999', '1000000000000000000')).toBe(true);
});

test('no token is older than every token, and not older than none', () => {
  expect(isOlder(undefined, '1')).toBe(true);
  expect(isOlder('1', undefined)).toBe(false);
  expect(isOlder(undefined, undefined)).toBe(false);
});

test('a token is a whole number of nanoseconds in 64 bits', () => {
  fc.assert(fc.property(nanoseconds, (value) => expect(changeTokenSchema.parse(`${value}`)).toBe(`${value}`)));
  for (const text of ['', '0', '01', '-1', '1.5', '1e18', '12345678901234567890', ' 1', '1\n'])
    expect(changeTokenSchema.safeParse(text).success).toBe(false);
});
