import { createHash, type KeyObject, type X509Certificate } from 'node:crypto';
// biome-ignore lint/style/noRestrictedImports: it opens no socket, and only OpenSSL knows which keys it accepts
import { createSecureContext } from 'node:tls';
import { readCertificates, readPrivateKey } from '../shared/pem.ts';
import { isEmptySecretValue, readSecretPart, type SecretFields, type SecretForm } from '../shared/secret-text.ts';

/** A certificate chain and its key: what a request presents if the server asks for a client certificate. */
export interface ClientCertificate {
  /** Distinct for each integration and pair. Connections and TLS sessions are shared only within one id. No secret. */
  readonly id: string;
  /** PEM, the own certificate first. */
  readonly chain: string;
  /** PKCS#8 PEM, not encrypted. */
  readonly key: string;
  /** When the last certificate of the chain begins to be valid, in epoch milliseconds. */
  readonly validFromMs: number;
  /** When the first certificate of the chain expires, in epoch milliseconds. */
  readonly expiresAtMs: number;
}

/** `next`: the pair that will replace the current one. Only test events use it. */
export type CertificatePair = 'current' | 'next';

/** The keys of a pair in the integration's secret. */
export const CERTIFICATE_KEYS = {
  current: { chain: 'client_certificate', key: 'client_key', passphrase: 'client_key_passphrase' },
  next: { chain: 'next_client_certificate', key: 'next_client_key', passphrase: 'next_client_key_passphrase' },
} as const;

const NEEDS = { current: 'client_certificate of the entry needs', next: 'the next client certificate needs' } as const;

/** Extended key usage of a TLS client (RFC 5280, 4.2.1.12). OpenSSL, Go and Java servers refuse a certificate without it. */
const CLIENT_AUTHENTICATION = '1.3.6.1.5.5.7.3.2';

const certificatesForm: SecretForm<readonly X509Certificate[]> = {
  is: 'a PEM of certificates, the own one first',
  read: (value) => (typeof value === 'string' ? readCertificates(value) : undefined),
};

const KEY_FORM = 'a PEM of a private key';

type Read = { readonly pair: Omit<ClientCertificate, 'id'>; readonly digest: string } | { readonly instead: string };

/** A secret is parsed once, and used for up to 15 minutes: reading its pair again for each request would take 0.3 ms. */
const readPairs = { current: new WeakMap<SecretFields, Read>(), next: new WeakMap<SecretFields, Read>() };

/**
 * Reads and checks a pair of the secret: chain and key are readable, belong together, are in order, and OpenSSL accepts
 * them. Dates are not checked: the partner's clock decides, and a server may accept an expired certificate
 * (`certificate-expiry.ts`).
 *
 * @returns `instead` if the pair cannot be used: continues "the secret has", and quotes no value
 */
export function clientCertificateOf(
  integrationId: string,
  secret: SecretFields,
  which: CertificatePair,
): ClientCertificate | { readonly instead: string } {
  let read = readPairs[which].get(secret);
  if (read === undefined) {
    read = readPair(secret, which);
    readPairs[which].set(secret, read);
  }
  return 'instead' in read ? read : { ...read.pair, id: `${integrationId} ${read.digest}` };
}

/** Whether the secret has any value of the next pair. */
export function hasNextPair(secret: SecretFields): boolean {
  return Object.values(CERTIFICATE_KEYS.next).some((name) => !isEmptySecretValue(secret[name]));
}

function readPair(secret: SecretFields, which: CertificatePair): Read {
  const names = CERTIFICATE_KEYS[which];
  const needs = NEEDS[which];
  const chain = readSecretPart(secret[names.chain], names.chain, certificatesForm, needs);
  const key = readSecretPart(secret[names.key], names.key, keyForm(secret[names.passphrase], names), needs);
  if (!('value' in chain) || !('value' in key)) {
    return { instead: [chain, key].flatMap((part) => ('instead' in part ? part.instead : [])).join(', and ') };
  }
  if ('instead' in key.value) return { instead: `${key.value.instead}, which ${needs}` };
  const certificates = chain.value;
  const fault = pairFault(certificates, key.value.key, names);
  if (fault !== undefined) return { instead: fault };
  const pair = {
    chain: certificates.map(String).join(''),
    key: key.value.key.export({ format: 'pem', type: 'pkcs8' }).toString(),
    validFromMs: Math.max(...certificates.map(({ validFrom }) => Date.parse(validFrom))),
    expiresAtMs: Math.min(...certificates.map(({ validTo }) => Date.parse(validTo))),
  };
  const refusal = opensslRefusal(pair);
  if (refusal !== undefined) return { instead: `a ${names.chain} that OpenSSL refuses (${refusal})` };
  return { pair, digest: createHash('sha256').update(`${pair.chain}${pair.key}`).digest('base64') };
}

type Names = (typeof CERTIFICATE_KEYS)[CertificatePair];

type UsableKey = { readonly key: KeyObject } | { readonly instead: string };

/** A fault of the passphrase is a fault of its own: the key has the right form. */
function keyForm(passphrase: unknown, names: Names): SecretForm<UsableKey> {
  return {
    is: KEY_FORM,
    read(value) {
      if (typeof value !== 'string') return undefined;
      const given = typeof passphrase === 'string' && passphrase !== '' ? passphrase : undefined;
      // Line breaks are added where a secret is pasted; a passphrase does not end with them.
      const read = readPrivateKey(value, given?.replaceAll(/^[\r\n\uFEFF]+|[\r\n]+$/g, ''));
      if ('key' in read) return read;
      if ('is' in read) return undefined;
      return read.passphrase === 'missing'
        ? { instead: `an encrypted ${names.key} and no ${names.passphrase}` }
        : { instead: `a ${names.passphrase} that does not decrypt ${names.key}` };
    },
  };
}

/** @returns why chain and key do not fit together; undefined if they do */
function pairFault(chain: readonly X509Certificate[], key: KeyObject, names: Names): string | undefined {
  const [own, ...issuers] = chain;
  if (own === undefined || !own.checkPrivateKey(key)) {
    return issuers.some((certificate) => certificate.checkPrivateKey(key))
      ? `a ${names.chain} in the wrong order: the certificate of ${names.key} must be the first`
      : `a ${names.key} that does not belong to the first certificate of ${names.chain}`;
  }
  for (const [index, issuer] of issuers.entries()) {
    const subject = chain[index];
    if (subject === undefined || !isIssued(subject, issuer)) {
      return `a ${names.chain} in the wrong order: certificate ${index + 2} did not issue certificate ${index + 1}`;
    }
  }
  // Absent: any usage.
  const usages: readonly string[] | undefined = own.keyUsage;
  if (usages !== undefined && !usages.includes(CLIENT_AUTHENTICATION)) {
    return `a ${names.chain} that is not for clients (its extended key usage lacks clientAuth)`;
  }
  return undefined;
}

function isIssued(certificate: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
  } catch {
    // The issuer's key is of a kind that cannot sign.
    return false;
  }
}

/** The reason of OpenSSL, such as `ee key too small`; its text quotes no value. */
function opensslRefusal({ chain, key }: Pick<ClientCertificate, 'chain' | 'key'>): string | undefined {
  try {
    createSecureContext({ cert: chain, key });
    return undefined;
  } catch (thrown) {
    const { reason } = thrown as { reason?: unknown };
    return typeof reason === 'string' ? reason : 'it gives no reason';
  }
}
