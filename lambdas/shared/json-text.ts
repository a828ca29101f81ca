import { isRecord } from './json.ts';

/**
 * JSON that keeps what was written. A number is text to a partner: `1.0` must not become `1`, nor
 * `12345678901234567890` a rounded float. V8 hands a reviver each number's source text; what would not print the same
 * is kept as that text (`JSON.rawJSON`).
 */
type Reviver = (this: unknown, key: string, value: unknown, context: { readonly source?: string }) => unknown;
const json = JSON as unknown as {
  parse(text: string, reviver: Reviver): unknown;
  rawJSON(text: string): unknown;
  isRawJSON(value: unknown): boolean;
};

/**
 * Parses, so that `JSON.stringify` gives every number back as it was written.
 *
 * @throws SyntaxError where the text is not JSON
 * @throws RangeError where it nests too deeply to be walked
 */
export function parseKeepingNumbers(text: string): unknown {
  return json.parse(text, (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined && !(source === String(value)) ? json.rawJSON(source) : value,
  );
}

/**
 * The same for text that `toMessageText` wrote. Hardly any of it has a number to keep: where plain parsing prints the same
 * again, no reviver is run, which takes a third of the time.
 *
 * @throws SyntaxError, RangeError
 */
export function parseMessageText(text: string): unknown {
  const plain: unknown = JSON.parse(text);
  return JSON.stringify(plain) === text ? plain : parseKeepingNumbers(text);
}

/**
 * JSON text that SQS takes: it refuses U+FFFE and U+FFFF (SendMessage, "valid characters"), which an LMS may well have
 * sent as the escapes that they become again here.
 */
export function toMessageText(value: unknown): string {
  return JSON.stringify(value).replace(/[\uFFFE\uFFFF]/g, (character) =>
    character === '\uFFFE' ? '\\ufffe' : '\\uffff',
  );
}

/**
 * Whether a value of `parseKeepingNumbers` is a JSON object. A number that it keeps as written is an object to JavaScript
 * too, and has no fields.
 */
export function isJsonObject(value: unknown): value is Record<string, unknown> {
  return isRecord(value) && !json.isRawJSON(value);
}
