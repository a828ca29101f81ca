import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { numberOf, parseKeepingNumbers, parseMessageText, toMessageText } from '../../lambdas/shared/json-text.ts';
import { anyString, jsonText } from '../support/arbitraries.ts';
import { readJsonValue } from '../support/json-values.ts';

const kept = (text: string) => JSON.stringify(parseKeepingNumbers(text));

describe('JSON read and written again', () => {
  test('has every value, and every number with its digits', () => {
    fc.assert(
      fc.property(jsonText, (text) => expect(readJsonValue(kept(text))).toEqual(readJsonValue(text))),
      { numRuns: 500 },
    );
  });

  test.each([
    '1.0',
    '1e5',
    '1E+5',
    '-0',
    '-0.0',
    '0.10',
    '12345678901234567890',
    '1e400',
    '{"__proto__":{"a":1.0}}',
    '{"constructor":{"prototype":2.50}}',
    '{"toJSON":"1.0"}',
    '{"rawJSON":"1.0"}',
    '["1.0",1.0]',
    '"\uFFFD"',
    '"\\ud800"',
  ])('%s is the same text', (text) => expect(kept(text)).toBe(text));

  test.each([
    ['', 'SyntaxError', ''],
    ['{', 'SyntaxError', '{'],
    ['{"a":1,}', 'SyntaxError', '{"a":1,}'],
    ['100,000 nested arrays', 'RangeError', '['.repeat(100_000) + ']'.repeat(100_000)],
  ])('"%s" is a %s', (_what, name, text) => {
    expect(() => parseKeepingNumbers(text)).toThrow(expect.objectContaining({ name }));
  });
});

test.each([
  ['0.90', 0.9],
  ['1e2', 100],
  ['-0', -0],
  ['92', 92],
  ['9223372036854775808', 2 ** 63],
  ['1e400', undefined],
  ['"0.90"', undefined],
  ['{"rawJSON":"0.90"}', undefined],
  ['[1]', undefined],
  ['null', undefined],
])('the number of %s to compute with is %p', (text, expected) => {
  expect(numberOf(parseKeepingNumbers(text))).toBe(expected);
});

describe('the text of a message', () => {
  test('is read the fast way without loss', () => {
    fc.assert(
      fc.property(jsonText, (text) => {
        const message = toMessageText(parseKeepingNumbers(text));
        expect(toMessageText(parseMessageText(message))).toBe(message);
        // The same holds for a text in another layout.
        expect(JSON.stringify(parseMessageText(text))).toBe(kept(text));
      }),
      { numRuns: 500 },
    );
  });

  test.each(['-0', '1.0', '[1e400]', '{"a":1,"a":2.0}', '{"a" : 1}', '{"__proto__":{"a":1.0}}', '"\\ufffe"'])(
    '%s is read as the slow way reads it',
    (text) => expect(JSON.stringify(parseMessageText(text))).toBe(kept(text)),
  );

  test('has only characters that SQS accepts', () => {
    const refused = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u;
    fc.assert(
      fc.property(anyString, anyString, (name, text) => {
        expect(toMessageText({ [name]: [text], payload: JSON.stringify({ [name]: text }) })).not.toMatch(refused);
      }),
    );
  });
});
