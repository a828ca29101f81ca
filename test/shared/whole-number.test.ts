import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readWholeNumber } from '../../lambdas/shared/whole-number.ts';

test.each([
  ['0', 0n],
  ['-0.000', 0n],
  ['007', 7n],
  ['18540.00', 18_540n],
  ['1.854e+04', 18_540n],
  ['1854000e-2', 18_540n],
  ['.5e1', 5n],
  ['0e999', 0n],
  ['9007199254740993.0000', 9_007_199_254_740_993n],
])('%s is %s', (text, value) => expect(readWholeNumber(text)).toBe(value));

test.each([
  '',
  '.',
  'e5',
  '12.5',
  '18540.000000000000000001',
  '1.854e2x',
  '5e-1',
  '-1',
  '+5',
  ' 5',
  '5\n',
  '1,000',
  '0x10',
  'Infinity',
  '1e1000',
])('%j is none', (text) => expect(readWholeNumber(text)).toBeUndefined());

test('of any decimal text it is the exact value, or none', () => {
  const parts = fc.record({
    digits: fc.stringMatching(/^\d{1,40}$/),
    point: fc.nat(40),
    exponent: fc.integer({ min: -60, max: 60 }),
  });
  fc.assert(
    fc.property(parts, ({ digits, point, exponent }) => {
      const cut = Math.min(point, digits.length);
      const text = `${digits.slice(0, cut)}.${digits.slice(cut)}e${exponent}`;
      // The value is digits · 10^power.
      const power = exponent - (digits.length - cut);
      const scale = 10n ** BigInt(Math.abs(power));
      const all = BigInt(digits);
      const expected = power >= 0 ? all * scale : all % scale === 0n ? all / scale : undefined;
      expect(readWholeNumber(text)).toBe(expected);
    }),
  );
});
