import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { visibleText } from '../../console/visible-text.ts';

test.each([
  ['a terminal’s escape sequence', '\u001b[2Jx', '\\u{1b}[2Jx'],
  ['a bidi control', 'a\u202eb\u2066c', 'a\\u{202e}b\\u{2066}c'],
  ['what has no width', 'a\u200bb\ufeffc\u00add', 'a\\u{200b}b\\u{feff}c\\u{ad}d'],
  ['a filler that looks like a space', 'a\u3164b', 'a\\u{3164}b'],
  ['a tag character', 'a\u{e0041}', 'a\\u{e0041}'],
  ['half a character', 'a\ud83d', 'a\\u{d83d}'],
  ['a carriage return', 'safe\rfake', 'safe\\u{d}fake'],
  ['line separators', 'a\u2028b\u2029', 'a\\u{2028}b\\u{2029}'],
])('%s is shown as its code point', (_, text, shown) => expect(visibleText(text)).toBe(shown));

test.each(['two\nlines', '<script>alert(1)</script>', 'Größe, 学习, עברית, 🎓, ❤️', ''])('%j stays', (text) =>
  expect(visibleText(text)).toBe(text),
);

test('a long text is cut, also within a character', () => {
  expect(visibleText('x'.repeat(200_000), 3)).toBe('xxx…');
  expect(visibleText('xxx', 3)).toBe('xxx');
  expect(visibleText('xx🎓', 3)).toBe('xx\\u{d83c}…');
});

test('no text has a control character, or more than eleven characters for one', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const shown = visibleText(text);
      expect(shown).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}]/u);
      expect(shown.length).toBeLessThanOrEqual(text.length * 11);
    }),
  );
});
