import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { readCertificates, readPrivateKey } from '../../lambdas/shared/pem.ts';
import { ACME_CERTIFICATE, ACME_KEY, CLIENT_ISSUER } from '../support/test-only-client-certificates.ts';

// test/warehouse/private-key-pem.test.ts has the forms of RSA keys.
const CHAIN = `${ACME_CERTIFICATE}\n${CLIENT_ISSUER}\n`;
const base64 = (text: string) => Buffer.from(text).toString('base64');
const bare = (text: string) => text.replaceAll(/-----.*-----|\s/g, '');

describe('certificates are read', () => {
  test.each<[string, string]>([
    ['as PEM', CHAIN],
    ['with written line breaks', CHAIN.replaceAll('\n', '\\n')],
    ['with Windows line breaks, written', CHAIN.replaceAll('\n', '\\r\\n')],
    ['in one line, as the console pastes them', CHAIN.replaceAll('\n', ' ')],
    ['in quotation marks', JSON.stringify(CHAIN)],
    ['as the base64 of the whole', base64(CHAIN)],
    ['next to the key and to text', `Bag Attributes: none\n${ACME_KEY}\nsubject=CN = acme\n${CHAIN}`],
  ])('%s, in their order', (_how, text) => {
    expect(readCertificates(text)?.map(({ subject }) => subject)).toEqual(['CN=acme', 'CN=test-only-client-issuer']);
  });

  test('without PEM lines', () => {
    expect(readCertificates(bare(ACME_CERTIFICATE))?.map(({ subject }) => subject)).toEqual(['CN=acme']);
  });

  test.each([
    ['a key', ACME_KEY],
    ['a text', 'no certificate'],
    ['a part of a PEM', CHAIN.slice(0, 100)],
    ['one that is damaged', CHAIN.replace('MII', 'AII')],
    ['nothing', ''],
  ])('not from %s', (_what, text) => expect(readCertificates(text)).toBeUndefined());
});

describe('a private key is read', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const ed25519 = generateKeyPairSync('ed25519').privateKey;
  const sec1 = privateKey.export({ type: 'sec1', format: 'pem' }).toString();
  test.each([
    ['SEC 1', sec1, privateKey],
    ['SEC 1, without PEM lines', bare(sec1), privateKey],
    [
      'SEC 1 after its parameters, as openssl ecparam writes it',
      `-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n${sec1}`,
      privateKey,
    ],
    ['Ed25519', ed25519.export({ type: 'pkcs8', format: 'pem' }).toString(), ed25519],
    ['PKCS#8 next to certificates', `${CHAIN}${ACME_KEY}`, createPrivateKey(ACME_KEY)],
  ])('of the form %s', (_what, text, key) => {
    const read = readPrivateKey(text, undefined);
    expect('key' in read && read.key.equals(key)).toBe(true);
  });
});
