import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { bearerToken, isSameToken } from '../../lambdas/status/operations-api.ts';

describe('a token', () => {
  test.each([
    ['Bearer abc', 'abc'],
    ['bearer abc', 'abc'],
    ['BEARER  a-b._~+/9==', 'a-b._~+/9=='],
  ])('is found in %j', (header, token) => expect(bearerToken(header)).toBe(token));

  test.each([
    undefined,
    '',
    'abc',
    'Bearer',
    'Bearer ',
    'Bearer a b',
    'Basic abc',
    'Bearer abc,Bearer def',
    ' Bearer a',
    'Bearer a\n',
  ])('is not in %j', (header) => expect(bearerToken(header)).toBeUndefined());
});

test('only the same is the same, whatever the lengths', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (one, other) => {
      expect(isSameToken(one, other)).toBe(one === other);
      expect(isSameToken(one, one)).toBe(true);
      expect(isSameToken(one, `${one}x`)).toBe(false);
    }),
  );
});
