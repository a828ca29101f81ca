import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';

/** A block of PEM (RFC 7468). */
const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----/gs;

/** PKCS#1, SEC 1 (elliptic curves) and PKCS#8. */
const DER_TYPES = ['pkcs1', 'sec1', 'pkcs8'] as const;

export type ReadPrivateKey =
  | { readonly key: KeyObject }
  /** What the text is instead, such as `a public key`. Quotes nothing. */
  | { readonly is: string }
  /** The key is encrypted, and the passphrase is missing or wrong. */
  | { readonly passphrase: 'missing' | 'wrong' };

/**
 * Reads a private key in the forms that secrets have: PEM (PKCS#8, PKCS#1 or SEC 1, encrypted or not), the base64 of the key
 * without PEM lines, or the base64 of a whole PEM. Line breaks may be missing, of Windows, or written as `\n` or `\\n`.
 * Quotation marks around the key are ignored, and so are other blocks of PEM around it.
 *
 * @param passphrase used only if the key is encrypted
 */
export function readPrivateKey(text: string, passphrase: string | undefined): ReadPrivateKey {
  const normalized = withLineBreaks(text);
  const blocks = [...normalized.matchAll(BLOCK)];
  const [block, label, body = ''] = blocks.find(([, name]) => name?.endsWith('PRIVATE KEY')) ?? blocks[0] ?? [];
  if (block === undefined) {
    if (normalized.includes('-----')) return { is: 'a part of a PEM' };
    const bytes = bytesOf(normalized);
    const inner = pemInBase64(bytes);
    return inner === undefined ? readDer(bytes, passphrase) : readPrivateKey(inner, passphrase);
  }
  if (label === 'CERTIFICATE') return { is: 'a certificate' };
  if (label === 'OPENSSH PRIVATE KEY') return { is: 'a key in the format of OpenSSH' };
  // An encrypted traditional key has header lines.
  if (body.includes('DEK-Info:')) {
    return decrypted(passphrase, (given) => createPrivateKey({ key: `${block}\n`, format: 'pem', passphrase: given }));
  }
  return readDer(bytesOf(body), passphrase);
}

/**
 * Reads the certificates of a PEM text, in their order. Its forms are those of `readPrivateKey`. Other blocks are ignored.
 *
 * @returns undefined if there is none, or one of them is no X.509 certificate
 */
export function readCertificates(text: string): readonly X509Certificate[] | undefined {
  const normalized = withLineBreaks(text);
  const blocks = [...normalized.matchAll(BLOCK)].filter(([, label]) => label?.endsWith('CERTIFICATE'));
  if (blocks.length === 0 && !normalized.includes('-----')) {
    const bytes = bytesOf(normalized);
    const inner = pemInBase64(bytes);
    return inner === undefined ? certificatesOf([bytes]) : readCertificates(inner);
  }
  return certificatesOf(blocks.map(([, , body = '']) => bytesOf(body)));
}

function certificatesOf(ders: readonly (Buffer | undefined)[]): readonly X509Certificate[] | undefined {
  try {
    const certificates = ders.flatMap((der) => (der === undefined ? [] : new X509Certificate(der)));
    return certificates.length > 0 && certificates.length === ders.length ? certificates : undefined;
  } catch {
    // OpenSSL's message is not repeated.
    return undefined;
  }
}

/** PEM contains neither backslashes nor quotation marks. */
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

function pemInBase64(bytes: Buffer | undefined): string | undefined {
  const inner = bytes?.toString('latin1') ?? '';
  return inner.includes('-----BEGIN ') ? inner : undefined;
}

/** Attempts all forms of DER, since a label may be wrong or missing. */
function readDer(der: Buffer | undefined, passphrase: string | undefined): ReadPrivateKey {
  if (der === undefined) return { is: 'no base64' };
  for (const type of DER_TYPES) {
    try {
      return { key: createPrivateKey({ key: der, format: 'der', type }) };
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === 'ERR_MISSING_PASSPHRASE') {
        return decrypted(passphrase, (given) =>
          createPrivateKey({ key: der, format: 'der', type: 'pkcs8', passphrase: given }),
        );
      }
    }
  }
  // OpenSSL's message is not repeated.
  return { is: isPublicKey(der) ? 'a public key' : 'incomplete, or no key' };
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
    return { key: create(passphrase) };
  } catch {
    return { passphrase: 'wrong' };
  }
}
