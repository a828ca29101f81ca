import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';

/** The required form of a private key, for the operator. */
export const PRIVATE_KEY_FORM = 'the PKCS#8 PEM of an RSA key of at least 2048 bits';

/** The smallest key that Snowflake accepts, in bits. */
const MIN_BITS = 2048;

const PEM = /-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----/s;

export type ReadPrivateKey =
  /** PKCS#8, not encrypted, with line breaks and a line feed at the end. */
  | { readonly pem: string }
  /** What the text is instead, such as `a public key`. Quotes nothing. */
  | { readonly is: string }
  /** The key is encrypted, and the passphrase is missing or wrong. */
  | { readonly passphrase: 'missing' | 'wrong' };

/**
 * Reads a private key in the forms that secrets have: PEM (PKCS#8 or PKCS#1, encrypted or not), the base64 of the key
 * without PEM lines (Secrets Manager's own Snowflake secrets), or the base64 of a whole PEM. Line breaks may be missing, of
 * Windows, or written as `\n` or `\\n`. Quotation marks around the key are ignored.
 *
 * @param passphrase used only if the key is encrypted
 */
export function readPrivateKey(text: string, passphrase: string | undefined): ReadPrivateKey {
  const normalized = withLineBreaks(text);
  const [, label, body = ''] = PEM.exec(normalized) ?? [];
  if (label === undefined) {
    if (normalized.includes('-----')) return { is: 'a part of a PEM' };
    const bytes = bytesOf(normalized);
    const inner = bytes?.toString('latin1') ?? '';
    return inner.includes('-----BEGIN ') ? readPrivateKey(inner, passphrase) : readDer(bytes, passphrase);
  }
  if (label === 'CERTIFICATE') return { is: 'a certificate' };
  if (label === 'OPENSSH PRIVATE KEY') return { is: 'a key in the format of OpenSSH' };
  // An encrypted traditional key has header lines.
  if (body.includes('DEK-Info:')) {
    return decrypted(passphrase, (given) =>
      createPrivateKey({ key: `${normalized}\n`, format: 'pem', passphrase: given }),
    );
  }
  return readDer(bytesOf(body), passphrase);
}

/** A key contains neither backslashes nor quotation marks. */
function withLineBreaks(text: string): string {
  return text
    .replaceAll(/\\+r/g, '')
    .replaceAll(/\\+n/g, '\n')
    .replaceAll('\r', '')
    .replaceAll(/["'`\uFEFF]/g, '')
    .trim();
}

/** Decodes base64 or base64url; undefined if the text is neither. */
function bytesOf(text: string): Buffer | undefined {
  const base64 = text.replaceAll(/\s/g, '');
  return /^[A-Za-z0-9+/_-]+={0,2}$/.test(base64) ? Buffer.from(base64, 'base64') : undefined;
}

/** Attempts both forms of DER, since a label may be wrong or missing. */
function readDer(key: Buffer | undefined, passphrase: string | undefined): ReadPrivateKey {
  if (key === undefined) return { is: 'no base64' };
  try {
    return judge(createPrivateKey({ key, format: 'der', type: 'pkcs1' }));
  } catch {
    // Below.
  }
  try {
    return judge(createPrivateKey({ key, format: 'der', type: 'pkcs8' }));
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ERR_MISSING_PASSPHRASE') {
      return decrypted(passphrase, (given) =>
        createPrivateKey({ key, format: 'der', type: 'pkcs8', passphrase: given }),
      );
    }
    // OpenSSL's message is not repeated.
    return { is: isPublicKey(key) ? 'a public key' : 'incomplete, or no key' };
  }
}

function isPublicKey(key: Buffer): boolean {
  return (['spki', 'pkcs1'] as const).some((type) => {
    try {
      return createPublicKey({ key, format: 'der', type }).type === 'public';
    } catch {
      return false;
    }
  });
}

function decrypted(passphrase: string | undefined, create: (passphrase: string) => KeyObject): ReadPrivateKey {
  if (passphrase === undefined) return { passphrase: 'missing' };
  try {
    return judge(create(passphrase));
  } catch {
    return { passphrase: 'wrong' };
  }
}

function judge(key: KeyObject): ReadPrivateKey {
  if (key.asymmetricKeyType !== 'rsa') return { is: 'a key of another kind' };
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (bits < MIN_BITS) return { is: `a key of ${bits} bits` };
  return { pem: key.export({ format: 'pem', type: 'pkcs8' }).toString() };
}
