const DECIMAL = /^(-?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/;

/**
 * Reads a whole number of 0 or more from decimal text: `18540`, `18540.00`, `1.854e+04`. Warehouses return such texts for
 * sums of NUMBER columns with decimals, and of FLOAT columns. It uses no floats: `0.1e1` is 1, and `9007199254740992.5` is
 * not whole.
 *
 * @returns undefined if the text is no decimal number, or its value is negative or not whole
 */
export function readWholeNumber(text: string): bigint | undefined {
  const [, sign, whole = '', fraction = '', exponent = '0'] = DECIMAL.exec(text) ?? [];
  const digits = `${whole}${fraction}`;
  if (sign === undefined || digits === '') return undefined;
  const shift = Number(exponent) - fraction.length;
  const isWhole = shift >= 0 || /^0*$/.test(digits.slice(shift));
  const value = BigInt(shift >= 0 ? digits.padEnd(digits.length + shift, '0') : digits.slice(0, shift) || '0');
  return !isWhole || (sign === '-' && value !== 0n) ? undefined : value;
}
