import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { integrationSecretSchema } from '../../lambdas/partners/integration-secret.ts';

const FORM = 'a list of 1 to 5 texts, each whsec_ and the base64 of 24 to 64 bytes';
const signingSecret = (bytes: number, fill = 1) => `whsec_${Buffer.alloc(bytes, fill).toString('base64')}`;
const ONE = signingSecret(32);
const OTHER = signingSecret(24, 2);

const parse = (signing_secrets: unknown) => integrationSecretSchema.safeParse({ signing_secrets });

test('a secret needs signing secrets, and may hold anything else', () => {
  for (const invalid of [{}, 'text']) expect(integrationSecretSchema.safeParse(invalid).success).toBe(false);
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.anything(), { noNullPrototype: true }), (others) => {
      const secret = { ...others, signing_secrets: [ONE] };
      expect(integrationSecretSchema.parse(secret)).toEqual(secret);
    }),
  );
});

test('signing secrets are one to five', () => {
  const count = (length: number) => parse(Array.from({ length }, (_, n) => signingSecret(32, n))).success;
  expect([0, 1, 2, 5, 6].map(count)).toEqual([false, true, true, true, false]);
});

test('signing secrets are of 24 to 64 bytes', () => {
  for (let bytes = 0; bytes <= 100; bytes += 1) {
    expect([bytes, parse([signingSecret(bytes)]).success]).toEqual([bytes, bytes >= 24 && bytes <= 64]);
  }
});

test.each<[string, unknown, readonly string[]]>([
  ['one without a list', ONE, [ONE]],
  ['a list as text, as the console stores it', JSON.stringify([OTHER, ONE]), [OTHER, ONE]],
  ['texts with white space around them', [` ${OTHER}`, `${ONE}\r\n`], [OTHER, ONE]],
  ['a list with empty ones', ['', OTHER, null], [OTHER]],
  ['a list with one of them twice', [OTHER, ONE, OTHER], [OTHER, ONE]],
])('signing secrets are read from %s', (_what, given, read) => {
  expect(parse(given).data).toEqual({ signing_secrets: read });
});

test.each([
  ['no list', { 0: ONE }],
  ['empty', []],
  ['a list of none', [null]],
  ['numbers', [5]],
  ['half a list', '[hunter2'],
  ['separated by commas', `${ONE},${OTHER}`],
  ['among others that are none', ['hunter2', ONE]],
  ['without a prefix', ONE.slice('whsec_'.length)],
  ['with another prefix', `whsk_${ONE.slice('whsec_'.length)}`],
  ['without padding', ONE.replace(/=+$/, '')],
  ['in the base64 of URLs', `whsec_${'-_'.repeat(22)}`],
  ['with a space inside', ONE.replace('_', '_ ')],
])('signing secrets are refused, without the value, if they are %s', (_what, given) => {
  const message = `has a value of signing_secrets that is not ${FORM}, which every delivery needs`;
  expect(parse(given).error?.issues).toMatchObject([{ path: [], message }]);
});

test.each([[null], [''], [undefined]])('signing secrets are missing if they are %j', (given) => {
  const message = `has no signing_secrets (${FORM}), which every delivery needs`;
  expect(parse(given).error?.issues).toMatchObject([{ message }]);
});
