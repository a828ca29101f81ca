import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { type CertificatePair, clientCertificateOf } from '../../lambdas/partners/client-certificate.ts';
import {
  ACME_CERTIFICATE,
  ACME_ENCRYPTED_KEY,
  ACME_KEY,
  CLIENT_ISSUER,
  CLIENT_ROOT,
  EXPIRED_CERTIFICATE,
  FUTURE_CERTIFICATE,
  GLOBEX_CERTIFICATE,
  GLOBEX_KEY,
  NEXT_CERTIFICATE,
  NEXT_KEY,
  SERVER_CERTIFICATE,
  WEAK_CERTIFICATE,
  WEAK_KEY,
} from '../support/test-only-client-certificates.ts';

const chain = (...certificates: string[]) => certificates.join('\n');
const ACME = { client_certificate: chain(ACME_CERTIFICATE, CLIENT_ISSUER), client_key: ACME_KEY };

function read(fields: Readonly<Record<string, unknown>>, pair: CertificatePair = 'current', id = 'acme') {
  return clientCertificateOf(id, { signing_secrets: [], ...fields }, pair);
}

describe('a pair is usable', () => {
  test.each<[string, object]>([
    ['with its issuer', ACME],
    ['with the root too', { ...ACME, client_certificate: chain(ACME_CERTIFICATE, CLIENT_ISSUER, CLIENT_ROOT) }],
    ['alone', { ...ACME, client_certificate: ACME_CERTIFICATE }],
    ['with an unused passphrase', { ...ACME, client_key_passphrase: 'x' }],
    ['with an encrypted key', { ...ACME, client_key: ACME_ENCRYPTED_KEY, client_key_passphrase: 'test-only\n' }],
    [
      'as the console’s key/value editor stores it',
      Object.fromEntries(Object.entries(ACME).map(([key, value]) => [key, value.replaceAll('\n', '\\n')])),
    ],
    ['next to a next pair that is not', { ...ACME, next_client_certificate: 'x' }],
    // Their dates are the partner's to judge.
    ['after it expired', { ...ACME, client_certificate: EXPIRED_CERTIFICATE }],
    ['before it is valid', { ...ACME, client_certificate: FUTURE_CERTIFICATE }],
  ])('%s', (_how, fields) => {
    expect(read({ ...fields })).toMatchObject({ key: `${ACME_KEY}\n`, id: expect.stringMatching(/^acme \S{44}$/) });
  });

  test('with the dates of the whole chain, in epoch milliseconds', () => {
    const client_certificate = chain(EXPIRED_CERTIFICATE, CLIENT_ISSUER);
    expect(read({ ...ACME, client_certificate })).toMatchObject({
      validFromMs: Date.UTC(2026, 0, 1),
      expiresAtMs: Date.UTC(2025, 0, 2),
    });
  });

  test('as the next one, under its own keys', () => {
    const next = { next_client_certificate: chain(NEXT_CERTIFICATE, CLIENT_ISSUER), next_client_key: NEXT_KEY };
    expect(read({ ...ACME, ...next }, 'next')).toMatchObject({ key: `${NEXT_KEY}\n` });
    expect(read({ ...ACME, ...next })).toMatchObject({ key: `${ACME_KEY}\n` });
  });
});

const NEEDED = 'which client_certificate of the entry needs';

test.each<[string, object, string]>([
  [
    'nothing',
    { client_certificate: '', client_key: null },
    `no client_certificate (a PEM of certificates, the own one first), ${NEEDED}, and no client_key (a PEM of a private key), ${NEEDED}`,
  ],
  ['a certificate without its key', { client_key: undefined }, `no client_key (a PEM of a private key), ${NEEDED}`],
  [
    'a key as certificate',
    { client_certificate: ACME_KEY },
    `a value of client_certificate that is not a PEM of certificates, the own one first, ${NEEDED}`,
  ],
  [
    'a certificate as key',
    { client_key: ACME_CERTIFICATE },
    `a value of client_key that is not a PEM of a private key, ${NEEDED}`,
  ],
  ['a number', { client_key: 1 }, `a value of client_key that is not a PEM of a private key, ${NEEDED}`],
  [
    'an encrypted key without a passphrase',
    { client_key: ACME_ENCRYPTED_KEY },
    `an encrypted client_key and no client_key_passphrase, ${NEEDED}`,
  ],
  [
    'another passphrase',
    { client_key: ACME_ENCRYPTED_KEY, client_key_passphrase: 'another' },
    `a client_key_passphrase that does not decrypt client_key, ${NEEDED}`,
  ],
  [
    'the key of another certificate',
    { client_key: GLOBEX_KEY },
    'a client_key that does not belong to the first certificate of client_certificate',
  ],
  [
    'a key that signs nothing',
    { client_key: generateKeyPairSync('x25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) },
    'a client_key that does not belong to the first certificate of client_certificate',
  ],
  [
    'the issuer before the certificate',
    { client_certificate: chain(CLIENT_ISSUER, ACME_CERTIFICATE) },
    'a client_certificate in the wrong order: the certificate of client_key must be the first',
  ],
  [
    'the root before the issuer',
    { client_certificate: chain(ACME_CERTIFICATE, CLIENT_ROOT, CLIENT_ISSUER) },
    'a client_certificate in the wrong order: certificate 2 did not issue certificate 1',
  ],
  [
    'another certificate in between',
    { client_certificate: chain(ACME_CERTIFICATE, CLIENT_ISSUER, GLOBEX_CERTIFICATE) },
    'a client_certificate in the wrong order: certificate 3 did not issue certificate 2',
  ],
  [
    'a certificate for servers',
    { client_certificate: SERVER_CERTIFICATE },
    'a client_certificate that is not for clients (its extended key usage lacks clientAuth)',
  ],
  [
    'a key that is too small',
    { client_certificate: WEAK_CERTIFICATE, client_key: WEAK_KEY },
    'a client_certificate that OpenSSL refuses (ee key too small)',
  ],
])('a pair is refused: %s', (_what, parts, instead) => {
  const fields = { ...ACME, ...parts };
  expect(read(fields)).toEqual({ instead });
  const ofNext = Object.fromEntries(Object.entries(fields).map(([key, value]) => [`next_${key}`, value]));
  const asNext = instead
    .replaceAll(NEEDED, 'which the next certificate needs')
    .replaceAll('client_', 'next_client_')
    .replaceAll('which the next certificate needs', 'which the next client certificate needs');
  expect(read(ofNext, 'next')).toEqual({ instead: asNext });
});

test('the id differs between integrations and between pairs, and not between readings of the same pair', () => {
  const idOf = (...[fields, pair, id]: Parameters<typeof read>) => (read(fields, pair, id) as { id: string }).id;
  const ids = [
    idOf(ACME),
    idOf(ACME, 'current', 'globex'),
    idOf({ client_certificate: NEXT_CERTIFICATE, client_key: NEXT_KEY }),
    idOf({ ...ACME, client_certificate: ACME_CERTIFICATE }),
  ];
  expect(new Set(ids).size).toBe(ids.length);
  const encrypted = { client_key: ACME_ENCRYPTED_KEY, client_key_passphrase: 'test-only' };
  expect([idOf({ ...ACME }), idOf({ ...ACME, ...encrypted })]).toEqual([ids[0], ids[0]]);
  expect(ids.join()).not.toContain('PRIVATE KEY');
});
