import fc from 'fast-check';

/** Numbers spelt as JSON allows and JavaScript would not write them. */
const numberText = fc.oneof(
  fc.constantFrom('0', '-0', '1.0', '1e5', '1E5', '1E+5', '-0.0', '0.10', '1e400', '1e-400', '12345678901234567890'),
  fc
    .tuple(fc.integer(), fc.integer({ min: 0, max: 999 }), fc.integer({ min: -400, max: 400 }))
    .map(([whole, fraction, exponent]) => `${whole}.${fraction}e${exponent}`),
  fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }).map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
);

/** Any UTF-16 at all, lone surrogates and control characters among it. */
const utf16 = fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)) });

/** Strings of every kind: also astral characters, and those that SQS refuses. */
export const anyString = fc.oneof(
  utf16,
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom('\uFFFD', '\uFFFE', '\uFFFF', '\uD800', '\uDC00\uD800', '\u0000', '\u2028', '"\\/'),
);

/** Keys that mean something to JavaScript, among others. */
const key = fc.oneof(
  { weight: 2, arbitrary: anyString },
  {
    weight: 1,
    arbitrary: fc.constantFrom('__proto__', 'constructor', 'prototype', 'toString', 'toJSON', 'learning_time', '0', ''),
  },
);

/**
 * JSON texts as any publisher may write them, no key twice in one object. Objects and arrays of a few levels; strings
 * and keys partly with every character escaped.
 */
const texts = fc.letrec<{ value: string; object: string }>((tie) => ({
  object: fc
    .uniqueArray(fc.tuple(key, tie('value')), { selector: ([name]) => name, maxLength: 6 })
    .map((members) => `{${members.map(([name, value]) => `${JSON.stringify(name)} : ${value}`).join(' ,\n')}}`),
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    numberText,
    anyString.map((text) => JSON.stringify(text)),
    utf16.map(escaped),
    fc.constantFrom('true', 'false', 'null'),
    fc.array(tie('value'), { maxLength: 4 }).map((items) => `[${items.join(', ')}]`),
    tie('object'),
  ),
}));

export const jsonText = texts.value;
export const jsonObjectText = texts.object;

function escaped(text: string): string {
  const units = Array.from({ length: text.length }, (_, index) => text.charCodeAt(index));
  return `"${units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('')}"`;
}

/** A random function that gives one value. */
export const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }).map((value) => () => value);
