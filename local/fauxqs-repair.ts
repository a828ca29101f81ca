// biome-ignore lint/suspicious/noControlCharactersInRegex: the characters that SQS allows (SendMessage, AWS docs)
const INVALID = /[^\x09\x0A\x0D\x20-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u;

/** Whether SQS takes all characters of a text, in a body or in an attribute. */
export function isMessageText(text: string): boolean {
  return !INVALID.test(text);
}

/**
 * Lets `fauxqs` (2.4) accept characters outside the basic plane, such as emoji, as SQS does: its check reads a body by
 * UTF-16 code unit and so takes both halves of such a character for invalid ones. The regular expression is not
 * exported by the package; as it is one object for all its users, its `test` can be put right.
 */
export async function acceptAllUnicode(): Promise<void> {
  const types = new URL('./sqs/sqsTypes.js', import.meta.resolve('fauxqs')).href;
  const { INVALID_MESSAGE_BODY_CHAR } = (await import(types)) as { INVALID_MESSAGE_BODY_CHAR: RegExp };
  INVALID_MESSAGE_BODY_CHAR.test = (text) => !isMessageText(text);
}
