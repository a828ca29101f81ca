/**
 * What a terminal would execute, what turns text around, what has no width, and halves of characters. The last selector of
 * an emoji stays.
 */
const HIDDEN = /(?!\n|\ufe0f)[\p{Cc}\p{Cf}\p{Cs}\p{Default_Ignorable_Code_Point}\u2028\u2029]/gu;

/**
 * Text from outside, as a person can read it: each control, bidi and invisible character as its code point, and at most
 * `atMost` characters.
 */
export function visibleText(text: string, atMost = Number.POSITIVE_INFINITY): string {
  const part = text.length > atMost ? `${text.slice(0, atMost)}…` : text;
  return part.replace(HIDDEN, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}
