import { CompactEncrypt, type CryptoKey, calculateJwkThumbprint } from 'jose';
import { onePerKey } from '../shared/cache.ts';
import { isJsonObject, parseMessageText } from '../shared/json-text.ts';

const ENCRYPTION = 'A256GCM';

interface EncryptionKey {
  readonly key: CryptoKey;
  /** RFC 7638's thumbprint: tells a partner which of its keys to take, and nothing of the key itself. */
  readonly kid: string;
}

/**
 * Puts, in place of each listed field, a compact JWE (RFC 7516: `alg` `dir`, `enc` `A256GCM`, `kid`). Its plaintext is
 * the JSON text of the field's value: a string keeps its quotation marks, a number the digits it was written with.
 *
 * It holds for every type of event: a field that is listed is never sent readable, however the LMS nests it.
 *
 * - A list on the way is followed into each of its elements; a number in the path is also the position in a list.
 * - A text, number or boolean on the way is encrypted itself: it may hold the field, as JSON text for example.
 * - A name that itself holds dots (`"user.email"`) is followed too.
 * - A field that is missing or null stays so. Where one path leads through another's field, the outer one is encrypted.
 *
 * @param body JSON text
 * @param paths names, cut by dots: `user.email`
 * @param encryptionKey the base64 of 32 bytes
 * @returns the body value for value; a name that an object holds twice stands there once, with its last value
 */
export async function encryptFields(body: string, paths: readonly string[], encryptionKey: string): Promise<string> {
  if (paths.length === 0) return body;
  const root = { body: parseMessageText(body) };
  const encryptedAt = new Map<Holder, Set<string | number>>();
  // The outer of two paths is the shorter text; once it is encrypted, the other leads nowhere.
  for (const path of paths.toSorted((one, other) => one.length - other.length)) {
    for (const { holder, key } of places(root, 'body', path.split('.'), encryptedAt)) {
      const known = encryptedAt.get(holder) ?? new Set();
      if (known.has(key)) continue;
      encryptedAt.set(holder, known.add(key));
      holder[key] = await encrypted(JSON.stringify(holder[key]), encryptionKey);
    }
  }
  return JSON.stringify(root.body);
}

/** An object or a list. */
type Holder = Record<string | number, unknown>;

interface Place {
  readonly holder: Holder;
  readonly key: string | number;
}

/** Where the value stands to which `names` lead from `holder[key]`, or what is in their way. */
function places(
  holder: Holder,
  key: string | number,
  names: readonly string[],
  done: Map<Holder, Set<unknown>>,
): Place[] {
  const value = holder[key];
  if (value === null || done.get(holder)?.has(key)) return [];
  const [first = '', ...rest] = names;
  if (Array.isArray(value)) {
    if (names.length === 0) return [{ holder, key }];
    const list = value as unknown as Holder;
    const isPosition = /^(0|[1-9][0-9]*)$/.test(first) && Number(first) < value.length;
    return [
      ...value.flatMap((_, index) => places(list, index, names, done)),
      ...(isPosition ? places(list, Number(first), rest, done) : []),
    ];
  }
  if (names.length === 0 || !isJsonObject(value)) return [{ holder, key }];
  return names.flatMap((_, index) => {
    const name = names.slice(0, index + 1).join('.');
    // Inherited names (`constructor`) are no fields.
    return Object.hasOwn(value, name) ? places(value, name, names.slice(index + 1), done) : [];
  });
}

async function encrypted(plaintext: string, encryptionKey: string): Promise<string> {
  const { key, kid } = await keyOf(encryptionKey);
  return new CompactEncrypt(new TextEncoder().encode(plaintext))
    .setProtectedHeader({ alg: 'dir', enc: ENCRYPTION, kid })
    .encrypt(key);
}

const keyOf = onePerKey(async (encryptionKey): Promise<EncryptionKey> => {
  const bytes = Buffer.from(encryptionKey, 'base64');
  const kid = await calculateJwkThumbprint({ kty: 'oct', k: bytes.toString('base64url') });
  const key = await crypto.subtle.importKey('raw', bytes, 'AES-GCM', false, ['encrypt']);
  return { key, kid };
});
