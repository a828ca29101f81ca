/** What a terminal would execute, what turns text around, and what has no width. */
const HIDDEN = /(?!\n)[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/**
 * Text from outside, as a person can read it: each control, bidi and invisible character as its code point, and at most
 * `atMost` characters.
 */
export function visibleText(text: string, atMost = Number.POSITIVE_INFINITY): string {
  const part = text.length > atMost ? `${text.slice(0, atMost)}…` : text;
  return part.replace(HIDDEN, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}
