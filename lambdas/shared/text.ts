/**
 * Truncates a text to `maxCharacters` (UTF-16 code units) without splitting a surrogate pair. Lone surrogates become
 * U+FFFD: DynamoDB refuses them, and UTF-8 cannot encode them.
 */
export function truncate(text: string, maxCharacters: number): string {
  if (text.length <= maxCharacters) return text.toWellFormed();
  const last = text.charAt(maxCharacters - 1);
  const isPairCut = /[\uD800-\uDBFF]/.test(last) && /[\uDC00-\uDFFF]/.test(text.charAt(maxCharacters));
  return text.slice(0, isPairCut ? maxCharacters - 1 : maxCharacters).toWellFormed();
}

/** Characters that SQS refuses in bodies and attributes (SendMessage, "valid characters"), including lone surrogates. */
const REFUSED = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu;

/**
 * Truncates a text for a message attribute, and replaces characters that SQS refuses. SQS also refuses an empty attribute.
 */
export function attributeText(text: string, maxCharacters: number): string {
  return truncate(text.replace(REFUSED, '?'), maxCharacters) || 'unknown';
}
