import type * as z from 'zod';
import { isRecord } from './json.ts';

/** The fields of a secret. */
export type SecretFields = Readonly<Record<string, unknown>>;

/** The value of a version: `GetSecretValue` returns one of the two. */
export interface SecretVersion {
  readonly SecretString?: string | undefined;
  /** Written by the AWS CLI's `--secret-binary`. */
  readonly SecretBinary?: Uint8Array | undefined;
}

/** @returns the text of a version; undefined if it has none, or bytes that are not UTF-8 */
export function secretTextOf({ SecretString: text, SecretBinary: bytes }: SecretVersion): string | undefined {
  if (text !== undefined || bytes === undefined) return text;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** A fault of a secret continues a sentence that begins with "the secret". */
const NOT_FIELDS = 'is not a JSON object such as {"key": "value"}';

/**
 * Parses a secret's text. A byte order mark is ignored, and an object that was encoded twice (JSON in a JSON string) is
 * read. The value of a key that occurs twice is a `RepeatedKey`.
 *
 * @returns `fault` if the text is no object. It quotes nothing, unlike the error of JSON.parse
 */
export function parseSecretText(text: string): { readonly fields: SecretFields } | { readonly fault: string } {
  try {
    // String.trim takes U+FEFF for white space.
    let json = text.trim();
    let value: unknown = JSON.parse(json);
    if (typeof value === 'string') {
      json = value.trim();
      value = JSON.parse(json);
    }
    if (isSecretFields(value)) return { fields: withRepeatedKeys(value, json) };
  } catch {
    // Below.
  }
  return { fault: NOT_FIELDS };
}

export function isSecretFields(value: unknown): value is SecretFields {
  return isRecord(value) && !(value instanceof RepeatedKey);
}

/** The value of a key that occurs more than once: JSON does not define which value counts. */
export class RepeatedKey {
  readonly #last: unknown;

  constructor(last: unknown) {
    this.#last = last;
  }

  /** A secret that is written back gets the value that JSON.parse returns. */
  toJSON(): unknown {
    return this.#last;
  }
}

/** Strings and punctuation of valid JSON; other tokens do not matter here. */
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\]:]/g;

/** Replaces the values of repeated keys in the object, and in the objects directly in it. */
function withRepeatedKeys(fields: Record<string, unknown>, json: string): SecretFields {
  const seen = new Set<string>();
  const around: string[] = [];
  let lastString = '""';
  let key = '';
  for (const [token] of json.matchAll(TOKEN)) {
    if (token === '{' || token === '[') around.push(key);
    else if (token === '}' || token === ']') around.pop();
    else if (token !== ':') lastString = token;
    else {
      key = JSON.parse(lastString) as string;
      const path = JSON.stringify([...around, key]);
      if (around.length <= 2 && seen.has(path)) repeat(around.length === 1 ? fields : fields[around[1] ?? ''], key);
      seen.add(path);
    }
  }
  return fields;
}

function repeat(holder: unknown, key: string): void {
  if (!isSecretFields(holder) || !Object.hasOwn(holder, key)) return;
  (holder as Record<string, unknown>)[key] = new RepeatedKey(holder[key]);
}

/** The required form of a value in a secret. */
export interface SecretForm<T> {
  /** For the operator: `a text of 1 to 4096 visible ASCII characters`. */
  readonly is: string;
  /** @returns undefined if the value has another form */
  read(value: unknown): T | undefined;
}

export type SecretPart<T> =
  | { readonly value: T }
  /** What the secret has instead: continues "the secret has", and names the key, never its value. */
  | { readonly instead: string };

/**
 * Reads one value of a secret. An empty value (`""`, white space, null) counts as missing: consoles and scripts write
 * them for unused keys.
 *
 * @param key the key, as the operator finds it in the secret
 * @param needs what needs it: `auth bearer needs`
 */
export function readSecretPart<T>(value: unknown, key: string, form: SecretForm<T>, needs: string): SecretPart<T> {
  if (value instanceof RepeatedKey) return { instead: `more than one ${key} (${form.is}), which ${needs}` };
  if (isEmptySecretValue(value)) return { instead: `no ${key} (${form.is}), which ${needs}` };
  const read = form.read(value);
  return read === undefined ? { instead: `a value of ${key} that is not ${form.is}, which ${needs}` } : { value: read };
}

export function isEmptySecretValue(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === 'string' && value.trim() === '');
}

/** The fault of a secret, as the schemas of secrets write it: continues "the secret". */
export function secretFaultOf({ issues }: z.ZodError): string {
  return issues.map(({ message }) => message).join(', and ');
}
