import type { KeyObject } from 'node:crypto';
import { type ReadPrivateKey as ReadKey, readPrivateKey as readKey } from '../shared/pem.ts';

/** The required form of a private key, for the operator. */
export const PRIVATE_KEY_FORM = 'the PKCS#8 PEM of an RSA key of at least 2048 bits';

/** The smallest key that Snowflake accepts, in bits. */
const MIN_BITS = 2048;

export type ReadPrivateKey =
  /** PKCS#8, not encrypted, with line breaks and a line feed at the end. */
  { readonly pem: string } | Exclude<ReadKey, { readonly key: KeyObject }>;

/**
 * Reads a private key for Snowflake, in the forms of `shared/pem.ts`. Secrets Manager's own Snowflake secrets have the base64
 * of the key without PEM lines.
 *
 * @param passphrase used only if the key is encrypted
 */
export function readPrivateKey(text: string, passphrase: string | undefined): ReadPrivateKey {
  const read = readKey(text, passphrase);
  if (!('key' in read)) return read;
  const { key } = read;
  if (key.asymmetricKeyType !== 'rsa') return { is: 'a key of another kind' };
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (bits < MIN_BITS) return { is: `a key of ${bits} bits` };
  return { pem: key.export({ format: 'pem', type: 'pkcs8' }).toString() };
}
