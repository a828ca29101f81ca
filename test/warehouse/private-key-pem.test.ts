import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { readPrivateKey } from '../../lambdas/warehouse/private-key-pem.ts';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const passphrase = 'correct horse';
const pem = (key: KeyObject, type: 'pkcs1' | 'pkcs8' | 'spki', cipher: object = {}) =>
  key.export({ type, format: 'pem', ...cipher } as { type: 'pkcs8'; format: 'pem' }).toString();
const cipher = { cipher: 'aes-256-cbc', passphrase };
const plain = pem(privateKey, 'pkcs8');
const traditional = pem(privateKey, 'pkcs1');
const encrypted = pem(privateKey, 'pkcs8', cipher);
const dekInfo = pem(privateKey, 'pkcs1', cipher);

const bare = (text: string) => text.replaceAll(/-----.*-----|\s/g, '');
const base64 = (text: string) => Buffer.from(text).toString('base64');

const ways: readonly (readonly [string, (text: string) => string])[] = [
  ['as PEM', (text) => text],
  ['without the line feed at its end', (text) => text.trimEnd()],
  ['with Windows line breaks', (text) => text.replaceAll('\n', '\r\n')],
  ['with written line breaks', (text) => text.replaceAll('\n', '\\n')],
  ['with written line breaks that were escaped again', (text) => text.replaceAll('\n', '\\\\n')],
  ['with written Windows line breaks', (text) => text.replaceAll('\n', '\\r\\n')],
  ['in quotation marks', (text) => JSON.stringify(text)],
  ['in single quotation marks', (text) => `'${text}'`],
  ['after a byte order mark', (text) => `\uFEFF${text}`],
  ['as the base64 of the whole', base64],
  ['as the base64 of the whole, in lines', (text) => base64(text).replaceAll(/.{76}/g, '$&\n')],
];
const lossyWays: typeof ways = [
  ['with spaces for line breaks', (text) => text.replaceAll('\n', ' ')],
  ['in one line', (text) => text.replaceAll('\n', '')],
  ['indented', (text) => text.replaceAll(/^/gm, '    ')],
  ['without header and line breaks', bare],
  ['without header', (text) => text.replaceAll(/-----.*-----/g, '')],
  ['as the base64 of URLs', (text) => bare(text).replaceAll('+', '-').replaceAll('/', '_')],
];

describe.each([
  ['PKCS#8', plain, undefined, [...ways, ...lossyWays]],
  ['PKCS#1', traditional, undefined, [...ways, ...lossyWays]],
  ['PKCS#8, with an unneeded passphrase', plain, passphrase, ways.slice(0, 1)],
  ['encrypted PKCS#8', encrypted, passphrase, [...ways, ...lossyWays]],
  ['encrypted PKCS#1', dekInfo, passphrase, ways],
])('a private key, %s', (_, text, given, forms) => {
  test.each(forms)('is read %s', (_how, written) => {
    const read = readPrivateKey(written(text), given) as { pem: string };
    expect(createPrivateKey(read.pem).equals(privateKey)).toBe(true);
    expect(read.pem).toMatch(/^-----BEGIN PRIVATE KEY-----\n([A-Za-z0-9+/=]{1,64}\n)+-----END PRIVATE KEY-----\n$/);
  });
});

test.each([
  ['PKCS#8', encrypted],
  ['PKCS#8, bare', bare(encrypted)],
  ['PKCS#1', dekInfo],
])('an encrypted key, %s, needs its passphrase', (_, text) => {
  expect(readPrivateKey(text, undefined)).toEqual({ passphrase: 'missing' });
  expect(readPrivateKey(text, 'another')).toEqual({ passphrase: 'wrong' });
});

const small = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;
const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;

test.each([
  ['a public key', 'a public key', pem(publicKey, 'spki')],
  ['a public key of PKCS#1', 'a public key', pem(publicKey, 'pkcs1')],
  ['a bare public key', 'a public key', bare(pem(publicKey, 'spki'))],
  ['a certificate', 'a certificate', plain.replaceAll('PRIVATE KEY', 'CERTIFICATE')],
  ['a key of OpenSSH', 'a key in the format of OpenSSH', plain.replaceAll('PRIVATE KEY', 'OPENSSH PRIVATE KEY')],
  ['a small key', 'a key of 1024 bits', pem(small, 'pkcs8')],
  ['a key of another kind', 'a key of another kind', pem(other, 'pkcs8')],
  ['half a PEM', 'a part of a PEM', plain.slice(0, 400)],
  ['half a bare key', 'incomplete, or no key', bare(plain).slice(0, 400)],
  ['a PEM with a line missing', 'incomplete, or no key', plain.split('\n').toSpliced(5, 1).join('\n')],
  ['a PEM with another character', 'no base64', plain.replace(/\n(?=\w)/, '\n*')],
  ['a word', 'no base64', 'hunter 2!'],
  ['base64 of something else', 'incomplete, or no key', base64('hunter2')],
])('%s is recognized', (_, is, text) => {
  expect(readPrivateKey(text, undefined)).toEqual({ is });
});
