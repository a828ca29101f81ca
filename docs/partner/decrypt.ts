import { calculateJwkThumbprint, compactDecrypt } from 'jose';

/** The value of an encrypted field, of any type. `keys`: as we gave them, one, or the old and the new one. */
export async function decryptField(keys: readonly string[], text: string): Promise<unknown> {
  const { plaintext } = await compactDecrypt(text, ({ kid }) => keyNamed(kid, keys), {
    keyManagementAlgorithms: ['dir'],
    contentEncryptionAlgorithms: ['A256GCM'],
  });
  return JSON.parse(new TextDecoder().decode(plaintext));
}

/** A key's name is the RFC 7638 thumbprint of its JWK. */
async function keyNamed(kid: string | undefined, keys: readonly string[]): Promise<Uint8Array> {
  for (const key of keys) {
    const bytes = Buffer.from(key, 'base64');
    if (kid === (await calculateJwkThumbprint({ kty: 'oct', k: bytes.toString('base64url') }))) return bytes;
  }
  throw new Error(`no key has the id ${kid}`);
}
