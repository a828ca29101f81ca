import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { attributeText, truncate } from '../../lambdas/shared/text.ts';
import { anyString } from '../support/arbitraries.ts';

const most = fc.integer({ min: 1, max: 20 });

describe('the beginning of a text', () => {
  test.each([
    ['short enough', 'naïve 字', 10, 'naïve 字'],
    ['cut inside a character: without its half', 'ab😀cd', 3, 'ab'],
    ['cut after one', 'ab😀cd', 4, 'ab😀'],
    ['with a half of its own at the end', 'ab\uD83Dcd', 3, 'ab\uFFFD'],
  ])('%s', (_what, text, length, expected) => {
    expect(truncate(text, length)).toBe(expected);
  });

  test('has whole characters only, as many as the limit allows', () => {
    fc.assert(
      fc.property(anyString, most, (text, length) => {
        const beginning = truncate(text, length);
        expect(beginning.isWellFormed()).toBe(true);
        expect(beginning.length).toBeLessThanOrEqual(length);
        expect(beginning.length).toBeGreaterThanOrEqual(Math.min(text.length, length) - 1);
        expect(text.toWellFormed().startsWith(beginning)).toBe(true);
      }),
    );
  });
});

describe('the text of an attribute', () => {
  test('has only characters that SQS accepts, and at least one', () => {
    fc.assert(
      fc.property(anyString, most, (text, length) => {
        const sent = attributeText(text, length);
        expect(sent).toMatch(/^[\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]+$/u);
        expect(sent.length).toBeLessThanOrEqual(Math.max(length, 'unknown'.length));
      }),
    );
  });

  test('keeps an emoji, and replaces what SQS refuses', () => {
    expect(attributeText('no field 😀\u0000\uD800\uFFFE', 100)).toBe('no field 😀???');
    expect(attributeText('', 100)).toBe('unknown');
  });
});
