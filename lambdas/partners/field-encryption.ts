import { CompactEncrypt, type CryptoKey, calculateJwkThumbprint } from 'jose';
import { onePerKey } from '../shared/cache.ts';
import { isJsonObject, parseMessageText } from '../shared/json-text.ts';

const ENCRYPTION = 'A256GCM';

interface EncryptionKey {
  readonly key: CryptoKey;
  /** Thumbprint (RFC 7638): identifies the partner's key without revealing it. */
  readonly kid: string;
}

/**
 * Replaces each listed field by a compact JWE (RFC 7516: `alg` `dir`, `enc` `A256GCM`, `kid`). Its plaintext is the JSON
 * text of the field's value: a string with its quotation marks, a number with its original digits.
 *
 * A listed field is never sent unencrypted, in any event type and however the LMS nests it:
 *
 * - If the path leads to an array, it continues in each element; a number in the path is also an index.
 * - If the path leads through a string, number or boolean, that value is encrypted: it may contain the field, as JSON text
 *   for example.
 * - A name that contains dots (`"user.email"`) matches too.
 * - A field that is missing or null stays as it is. If one path leads through another's field, the outer field is encrypted.
 *
 * @param body JSON text
 * @param paths names, separated by dots: `user.email`
 * @param encryptionKey the base64 of 32 bytes
 * @returns the body with all other values unchanged; if an object has a name twice, only the last value remains
 */
export async function encryptFields(body: string, paths: readonly string[], encryptionKey: string): Promise<string> {
  if (paths.length === 0) return body;
  const root = { body: parseMessageText(body) };
  const encryptedAt = new Map<Holder, Set<string | number>>();
  // Of two nested paths the outer one is shorter. Once it is encrypted, the other one matches nothing.
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

/** An object or an array. */
type Holder = Record<string | number, unknown>;

interface Place {
  readonly holder: Holder;
  readonly key: string | number;
}

/** The places to which `names` lead from `holder[key]`, or of the values that end the path early. */
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
    // Inherited properties such as `constructor` are no fields.
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
