import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { privateKeyPem } from '../../lambdas/domain/private-key-pem.ts';

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
const passphrase = 'correct horse';
const plain = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const traditional = privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
const encrypted = privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase }).toString();
const dekInfo = privateKey.export({ type: 'pkcs1', format: 'pem', cipher: 'aes-256-cbc', passphrase }).toString();

const bare = (pem: string) => pem.replaceAll(/-----.*-----|\s/g, '');

describe('a private key', () => {
  test.each([
    ['as PEM', plain],
    ['as traditional PEM', traditional],
    ['with Windows line breaks', plain.replaceAll('\n', '\r\n')],
    ['with written line breaks', plain.replaceAll('\n', '\\n')],
    ['with spaces for line breaks', plain.replaceAll('\n', ' ')],
    ['without header and line breaks', bare(plain)],
    ['without header', plain.replaceAll(/-----.*-----/g, '')],
  ])('%s is readable', (_how, key) => {
    expect(createPrivateKey(privateKeyPem(key, { encrypted: false })).equals(privateKey)).toBe(true);
  });

  test.each([
    ['as PEM', encrypted],
    ['without header and line breaks', bare(encrypted)],
    ['as traditional PEM', dekInfo],
  ])('that is encrypted, %s, is readable with its passphrase', (_how, key) => {
    const pem = privateKeyPem(key, { encrypted: true });
    expect(createPrivateKey({ key: pem, passphrase }).equals(privateKey)).toBe(true);
  });

  test('that is bare is labelled by whether there is a passphrase', () => {
    expect(privateKeyPem(bare(encrypted), { encrypted: true })).toMatch(/^-----BEGIN ENCRYPTED PRIVATE KEY-----\n/);
  });

  test('begins and ends as snowflake-sdk wants it', () => {
    expect(privateKeyPem(bare(plain), { encrypted: false })).toMatch(
      /^-----BEGIN PRIVATE KEY-----\n([A-Za-z0-9+/=]{1,64}\n)+-----END PRIVATE KEY-----$/,
    );
  });
});
