import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { integrationSecretSchema, signingSecretsOf } from '../../lambdas/partners/integration-secret.ts';
import { type SigningSecret, signingPeriods } from '../../lambdas/partners/signing-periods.ts';

const FORM =
  'a list of 1 to 5 texts, each whsec_ and the base64 of 24 to 64 bytes, or {"secret": such a text, "not_after": a time like 2026-01-31T12:00:00Z}';
const signingSecret = (bytes: number, fill = 1) => `whsec_${Buffer.alloc(bytes, fill).toString('base64')}`;
const ONE = signingSecret(32);
const OTHER = signingSecret(24, 2);

const parse = (signing_secrets: unknown) => integrationSecretSchema.safeParse({ signing_secrets });

test('a secret needs signing secrets, and may hold anything else', () => {
  for (const invalid of [{}, 'text']) expect(integrationSecretSchema.safeParse(invalid).success).toBe(false);
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.anything(), { noNullPrototype: true }), (others) => {
      const secret = { ...others, signing_secrets: [ONE] };
      expect(integrationSecretSchema.parse(secret)).toEqual({ ...secret, signing_periods: undefined });
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

const endless = (secret: string): SigningSecret => ({ secret, notAfterMs: Number.POSITIVE_INFINITY });
const END = '2026-01-16T12:00:00Z';
const END_MS = Date.parse(END);
const ended = (secret: unknown, not_after: unknown = END) => ({ secret, not_after });

test.each<[string, unknown, readonly SigningSecret[]]>([
  ['an end', [ONE, ended(OTHER)], [endless(ONE), { secret: OTHER, notAfterMs: END_MS }]],
  ['an end, as text', JSON.stringify([ONE, ended(OTHER)]), [endless(ONE), { secret: OTHER, notAfterMs: END_MS }]],
  ['an end with an offset', [ended(ONE, '2026-01-16T17:30:00.000+05:30')], [{ secret: ONE, notAfterMs: END_MS }]],
  ['no end', [{ secret: ` ${ONE}` }, ended(OTHER, null)], [endless(ONE), endless(OTHER)]],
  [
    'two ends: the later one counts',
    [ended(ONE), ONE, ended(OTHER), ended(OTHER, '2026-01-16T11:00:00Z')],
    [endless(ONE), { secret: OTHER, notAfterMs: END_MS }],
  ],
])('signing secrets may have %s', (_what, given, read) => {
  expect(signingSecretsOf({ signing_secrets: given })).toEqual(read);
  expect(parse(given).data).toEqual({
    signing_secrets: read.map(({ secret }) => secret),
    signing_periods: signingPeriods(read),
  });
});

test.each([
  ['with an end without an offset', [ended(ONE, '2026-01-16T12:00:00')]],
  ['with an end that is a day', [ended(ONE, '2026-01-16')]],
  ['with an end in seconds', [ended(ONE, 1768564800)]],
  ['with a misspelt end', [{ secret: ONE, notAfter: END }]],
  ['an end alone', [{ not_after: END }]],
  ['a list in an object', [ended([ONE])]],
  ['ill-formed, with an end', [ended('hunter2')]],
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
