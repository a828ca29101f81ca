import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { judgeSnowflakeSecret, type StoredText } from '../../../commands/preflight/snowflake-secret.ts';
import { NOW } from '../../support/factories.ts';

const DAY_MS = 86_400_000;
const REMEDIES = { fill: 'fill it', restore: 'restore it', rotate: 'rotate it' };

const { privateKey: private_key } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});
const FITS = { account: 'ORG-ACCOUNT', user: 'WEBHOOKS', private_key };

function judge(fields: unknown, stored: Partial<StoredText> = {}) {
  const text = JSON.stringify(fields);
  const { answer, is, remedy } = judgeSnowflakeSecret(
    { text, writtenAtMs: NOW, isBeingDeleted: false, ...stored },
    NOW,
    REMEDIES,
  );
  return [answer, is, remedy];
}

// Which secrets fit: test/warehouse/snowflake-secret.test.ts.
test.each<[string, unknown, string]>([
  ['no object', 'text', 'is not a JSON object such as {"key": "value"}'],
  ['no user', { ...FITS, user: undefined }, 'has no user (a text of 1 to 255 characters), which every login needs'],
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
