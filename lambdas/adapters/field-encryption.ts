import { CompactEncrypt, type CryptoKey, calculateJwkThumbprint } from 'jose';
import { isJsonObject } from '../domain/json-object.ts';
import { parseMessageText } from '../domain/json-text.ts';

const ENCRYPTION = 'A256GCM';

interface EncryptionKey {
  readonly key: CryptoKey;
  /** RFC 7638's thumbprint: tells a partner which of its keys to take, and nothing of the key itself. */
  readonly kid: string;
}

/** Bounds what is kept: past it all keys are dropped, and made again when they are needed. */
const MAX_KEYS = 2000;

/** By the key's text. */
const keys = new Map<string, Promise<EncryptionKey>>();

/**
 * Puts, in place of each listed field, a compact JWE (RFC 7516: `alg` `dir`, `enc` `A256GCM`, `kid`). Its plaintext is
 * the JSON text of the field's value: a string keeps its quotation marks, a number the digits it was written with.
 *
 * It holds for every type of event: a field that is listed is never sent readable. So an enrollment, which otherwise is
 * the LMS's payload byte for byte, is changed in its listed fields, and in those only. A field that is missing or null
 * stays so; a path is not followed into arrays; where one path leads through another's field, the outer one is encrypted.
 *
 * @param body a JSON object's text; returned as it is where it has none of the fields
 * @param paths names, cut by dots: `user.email`
 * @param encryptionKey the base64 of 32 bytes
 */
export async function encryptFields(body: string, paths: readonly string[], encryptionKey: string): Promise<string> {
  if (paths.length === 0) return body;
  const document = parseMessageText(body);
  let hasChanged = false;
  // The outer of two paths is the shorter text; once it is encrypted, the other leads nowhere.
  for (const path of new Set(paths.toSorted((one, other) => one.length - other.length))) {
    const found = findField(document, path.split('.'));
    if (found === undefined) continue;
    const { parent, name } = found;
    parent[name] = await encrypted(JSON.stringify(parent[name]), encryptionKey);
    hasChanged = true;
  }
  return hasChanged ? JSON.stringify(document) : body;
}

/** The object that holds a field, where it is there and not null. Inherited names (`constructor`) are no fields. */
function findField(document: unknown, names: readonly string[]) {
  let parent = document;
  for (const [index, name] of names.entries()) {
    if (!isJsonObject(parent) || !Object.hasOwn(parent, name)) return undefined;
    if (index === names.length - 1) return parent[name] === null ? undefined : { parent, name };
    parent = parent[name];
  }
  return undefined;
}

async function encrypted(plaintext: string, encryptionKey: string): Promise<string> {
  const { key, kid } = await keyOf(encryptionKey);
  return new CompactEncrypt(new TextEncoder().encode(plaintext))
    .setProtectedHeader({ alg: 'dir', enc: ENCRYPTION, kid })
    .encrypt(key);
}

function keyOf(encryptionKey: string): Promise<EncryptionKey> {
  const known = keys.get(encryptionKey);
  if (known !== undefined) return known;
  const made = makeKey(Buffer.from(encryptionKey, 'base64'));
  if (keys.size >= MAX_KEYS) keys.clear();
  keys.set(encryptionKey, made);
  return made;
}

async function makeKey(bytes: Buffer<ArrayBuffer>): Promise<EncryptionKey> {
  const kid = await calculateJwkThumbprint({ kty: 'oct', k: bytes.toString('base64url') });
  const key = await crypto.subtle.importKey('raw', bytes, 'AES-GCM', false, ['encrypt']);
  return { key, kid };
}
