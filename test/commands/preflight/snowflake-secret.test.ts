import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { judgeSnowflakeSecret, type StoredText } from '../../../commands/preflight/snowflake-secret.ts';
import { NOW } from '../../support/factories.ts';

const DAY_MS = 86_400_000;
const REMEDIES = { fill: 'fill it', restore: 'restore it', rotate: 'rotate it' };

function rsaKey(passphrase?: string): string {
  const cipher = passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase };
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem', ...cipher },
  });
  return privateKey;
}

const key = rsaKey();
const encrypted = rsaKey('correct horse');
const bare = key
  .split('\n')
  .filter((line) => !line.startsWith('-'))
  .join('');
const { privateKey: otherKind } = generateKeyPairSync('ed25519', {
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});

function judge(fields: unknown, stored: Partial<StoredText> = {}) {
  const text = JSON.stringify(fields);
  const { answer, is, mend } = judgeSnowflakeSecret(
    { text, writtenAtMs: NOW, isBeingDeleted: false, ...stored },
    NOW,
    REMEDIES,
  );
  return [answer, is, mend];
}

const FITS = { account: 'ORG-ACCOUNT', user: 'WEBHOOKS', private_key: key };

test.each<[string, object]>([
  ['a key', FITS],
  ['a key without header and line breaks', { ...FITS, private_key: bare }],
  ['an encrypted key', { ...FITS, private_key: encrypted, private_key_passphrase: 'correct horse' }],
  ['a password, where an account still has such users', { account: 'a', user: 'u', password: 'p' }],
  ['what Secrets Manager’s own rotation writes', { account: 'a', user: 'u', privateKey: bare, passphrase: '' }],
])('%s is well-formed', (_, fields) => {
  expect(judge(fields)).toEqual(['yes', 'filled and well-formed, 0 days old', undefined]);
});

const KEY = 'the PKCS#8 PEM of an RSA key of at least 2048 bits';

test.each<[string, unknown, string]>([
  ['no object', 'text', 'is not a JSON object such as {"key": "value"}'],
  ['no user', { ...FITS, user: undefined }, 'has no user (a text of 1 to 255 characters), which every login needs'],
  ['neither key nor password', { account: 'a', user: 'u' }, `has no private_key (${KEY}), which every login needs`],
  [
    'half a key',
    { ...FITS, private_key: key.slice(0, 400) },
    `has a value of private_key that is a part of a PEM, not ${KEY}, which every login needs`,
  ],
  [
    'another passphrase',
    { ...FITS, private_key: encrypted, private_key_passphrase: 'wrong' },
    'has a value of private_key_passphrase that does not decrypt private_key, which every login needs',
  ],
  [
    'a key of another kind',
    { ...FITS, private_key: otherKind },
    `has a value of private_key that is a key of another kind, not ${KEY}, which every login needs`,
  ],
])('%s: no, and how it is filled', (_, fields, is) => {
  expect(judge(fields)).toEqual(['no', is, 'fill it']);
});

test('one without a value, and one that is about to be deleted', () => {
  expect(judge(FITS, { text: undefined })).toEqual(['no', 'has no value yet', 'fill it']);
  expect(judge(FITS, { text: undefined, isBeingDeleted: true })).toEqual([
    'no',
    'is about to be deleted',
    'restore it',
  ]);
});

test.each([
  [1, ['yes', 'filled and well-formed, 1 day old', undefined]],
  [80, ['yes', 'filled and well-formed, 80 days old', undefined]],
  [81, ['no', 'is 81 days old, over 80', 'rotate it']],
])('after %i days', (days, expected) => {
  expect(judge(FITS, { writtenAtMs: NOW - days * DAY_MS })).toEqual(expected);
});
