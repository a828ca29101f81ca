/**
 * The beginning of a text for logs, the ledger and messages: at most `most` characters (UTF-16 code units), never half of one.
 * A half that was there before becomes U+FFFD: DynamoDB refuses it, and UTF-8 has none.
 */
export function truncate(text: string, most: number): string {
  if (text.length <= most) return text.toWellFormed();
  const isPairCut = /[\uD800-\uDBFF]/.test(text.charAt(most - 1)) && /[\uDC00-\uDFFF]/.test(text.charAt(most));
  return text.slice(0, isPairCut ? most - 1 : most).toWellFormed();
}

/** What SQS refuses in bodies and attributes (SendMessage, "valid characters"), lone surrogates included. */
const REFUSED = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu;

/**
 * The same for a message attribute, sent by a function or, from an execution's state, by the workflow: without the characters that
 * SQS refuses, and never empty, which it refuses too.
 */
export function attributeText(text: string, most: number): string {
  return truncate(text.replace(REFUSED, '?'), most) || 'unknown';
}
