import { isRecord } from './json.ts';

/**
 * JSON that preserves numbers as they were written. A partner may read a number as text: `1.0` must not become `1`, nor
 * `12345678901234567890` a rounded float. V8 passes each number's source text to a reviver; a number that would print
 * differently becomes a `JSON.rawJSON` of that text.
 */
type Reviver = (this: unknown, key: string, value: unknown, context: { readonly source?: string }) => unknown;
const json = JSON as unknown as {
  parse(text: string, reviver: Reviver): unknown;
  rawJSON(text: string): unknown;
  isRawJSON(value: unknown): boolean;
};

/**
 * Parses JSON so that `JSON.stringify` writes every number as it was.
 *
 * @throws SyntaxError where the text is not JSON
 * @throws RangeError where the text nests too deeply for the reviver
 */
export function parseKeepingNumbers(text: string): unknown {
  return json.parse(text, (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined && !(source === String(value)) ? json.rawJSON(source) : value,
  );
}

/**
 * Parses text that `toMessageText` wrote. Few messages have such a number: where `JSON.parse` round-trips, the reviver
 * is not run, which takes a third of the time.
 *
 * @throws SyntaxError, RangeError
 */
export function parseMessageText(text: string): unknown {
  const value: unknown = JSON.parse(text);
  return JSON.stringify(value) === text ? value : parseKeepingNumbers(text);
}

/**
 * Writes JSON that SQS accepts. SQS refuses U+FFFE and U+FFFF (SendMessage, "valid characters"), so they are escaped, as
 * an LMS may have sent them.
 */
export function toMessageText(value: unknown): string {
  return JSON.stringify(value).replace(/[\uFFFE\uFFFF]/g, (character) =>
    character === '\uFFFE' ? '\\ufffe' : '\\uffff',
  );
}

/**
 * The number of a value of `parseKeepingNumbers`, to compute with. `Number()` throws a TypeError for a `JSON.rawJSON`.
 *
 * @returns undefined if the value is no number, or is too large for one
 */
export function numberOf(value: unknown): number | undefined {
  const number = json.isRawJSON(value) ? Number((value as { readonly rawJSON: string }).rawJSON) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

/**
 * Whether a value of `parseKeepingNumbers` is a JSON object. A `JSON.rawJSON` number is an object to JavaScript too.
 */
export function isJsonObject(value: unknown): value is Record<string, unknown> {
  return isRecord(value) && !json.isRawJSON(value);
}
