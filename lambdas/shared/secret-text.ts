import type * as z from 'zod';
import { isRecord } from './json.ts';

/** What a secret holds, by its keys. */
export type SecretFields = Readonly<Record<string, unknown>>;

/** As Secrets Manager returns a version: `GetSecretValue` gives one of the two. */
export interface SecretVersion {
  readonly SecretString?: string | undefined;
  /** The AWS CLI's `--secret-binary` stores a file this way. */
  readonly SecretBinary?: Uint8Array | undefined;
}

/** @returns the text of a version; undefined where it has none, or bytes that are not UTF-8 */
export function secretTextOf({ SecretString: text, SecretBinary: bytes }: SecretVersion): string | undefined {
  if (text !== undefined || bytes === undefined) return text;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** How a form must be that is not JSON. It goes on after "the secret", as every fault of a secret does. */
const NOT_FIELDS = 'is not a JSON object such as {"key": "value"}';

/**
 * The fields of a secret's text. A byte order mark is ignored, and an object that was encoded twice (as a JSON text in a
 * JSON text) is read. A key that the text holds twice becomes a `RepeatedKey`.
 *
 * @returns `fault` where it is no object: words that quote nothing, while the error of JSON.parse quotes the text
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

/** Stands for the value of a key that is there more than once: JSON does not say which of them counts. */
export class RepeatedKey {
  readonly #last: unknown;

  constructor(last: unknown) {
    this.#last = last;
  }

  /** A secret that is written again keeps the value that JSON.parse gives. */
  toJSON(): unknown {
    return this.#last;
  }
}

/** Strings and structure of valid JSON; numbers and words need not be told apart. */
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\]:]/g;

/** Replaces repeated keys of the object, and of the objects directly in it. */
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

/** What a value of a secret must be. */
export interface SecretForm<T> {
  /** For the operator: `a text of 1 to 4096 visible ASCII characters`. */
  readonly is: string;
  /** @returns undefined where the value has another form */
  read(value: unknown): T | undefined;
}

export type SecretPart<T> =
  | { readonly value: T }
  /** What the secret has instead, in words that go on after "the secret has". They name the key, never its value. */
  | { readonly instead: string };

/**
 * Reads one value of a secret. An empty one (`""`, white space, null) counts as missing: consoles and scripts write them
 * for what is not used.
 *
 * @param key as the operator finds it in the secret
 * @param needs who needs it: `auth bearer needs`
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

/** What is wrong with a secret, in words that go on after "the secret": the schemas of secrets word their messages so. */
export function secretFaultOf({ issues }: z.ZodError): string {
  return issues.map(({ message }) => message).join(', and ');
}
