import { createHash, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { isValidLoginToken } from '../../../local/snowflake/key-pair-login.ts';

const pem = {
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
};
const pair = () => generateKeyPairSync('rsa', { modulusLength: 1024, ...pem } as never) as unknown as KeyPair;
type KeyPair = { publicKey: string; privateKey: string };

const own = pair();
const other = pair();
const user = { account: 'acme-lms', user: 'svc', publicKey: own.publicKey };

const fingerprint = (publicKey: string) =>
  createHash('sha256')
    .update(createPublicKey(publicKey).export({ format: 'der', type: 'spki' }))
    .digest('base64');

function token(claims: object = {}, { header = { alg: 'RS256' }, key = own.privateKey } = {}): string {
  const now = Date.now();
  const sub = 'ACME-LMS.SVC';
  const all = { iss: `${sub}.SHA256:${fingerprint(own.publicKey)}`, sub, iat: now, exp: now + 120_000, ...claims };
  const text = [header, all].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  return `${text}.${sign('RSA-SHA256', Buffer.from(text), key).toString('base64url')}`;
}

describe('a key-pair login', () => {
  test('is good with the key, in milliseconds or seconds', () => {
    expect(isValidLoginToken(token(), user)).toBe(true);
    const seconds = Math.floor(Date.now() / 1000);
    expect(isValidLoginToken(token({ iat: seconds, exp: seconds + 60 }), user)).toBe(true);
  });

  test.each([
    ['another key', token({}, { key: other.privateKey })],
    ['the fingerprint of another key', token({ iss: `ACME-LMS.SVC.SHA256:${fingerprint(other.publicKey)}` })],
    ['another user', token({ sub: 'ACME-LMS.EVE' })],
    ['an expired token', token({ iat: Date.now() - 120_000, exp: Date.now() - 1 })],
    ['a token for two hours', token({ exp: Date.now() + 7_200_000 })],
    ['another algorithm', token({}, { header: { alg: 'none' } })],
    ['no signature', token().replace(/[^.]+$/, '')],
    ['no token', 'x'],
  ])('is refused with %s', (_what, refused) => {
    expect(isValidLoginToken(refused, user)).toBe(false);
  });
});
