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

/** @returns the number of bytes that a base64 text encodes; undefined if it is not base64 with padding */
export function bytesOfBase64(text: string): number | undefined {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined;
  return (text.length / 4) * 3 - (text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0);
}
