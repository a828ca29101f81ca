import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { integrationSecretSchema } from '../../lambdas/contract/integration-secret.ts';

const signingSecret = (bytes: number, fill = 1) => `whsec_${Buffer.alloc(bytes, fill).toString('base64')}`;
const SIGNING_SECRET = signingSecret(32);

const fits = (parts: Readonly<Record<string, unknown>>) =>
  integrationSecretSchema.safeParse({ signing_secrets: [SIGNING_SECRET], ...parts }).success;
const signs = (text: unknown) => fits({ signing_secrets: [text] });

describe('an integration’s secret', () => {
  test('needs a signing secret and nothing else', () => {
    expect(fits({})).toBe(true);
    expect(integrationSecretSchema.safeParse({}).success).toBe(false);
    expect(integrationSecretSchema.safeParse('text').success).toBe(false);
  });

  test('may hold what every kind of auth takes', () => {
    const secret = {
      signing_secrets: [signingSecret(32, 2), SIGNING_SECRET],
      bearer_token: 'abc.def',
      api_key: 'key with spaces',
      client_id: 'me',
      client_secret: 'päss wörd\n',
      headers: { tenant: 'eu-1' },
      encryption_key: Buffer.alloc(32, 3).toString('base64'),
    };
    expect(integrationSecretSchema.parse(secret)).toEqual(secret);
  });

  test('loses keys that this version does not know', () => {
    const parsed = integrationSecretSchema.parse({ signing_secrets: [SIGNING_SECRET], note: 'mine' });
    expect(parsed).toEqual({ signing_secrets: [SIGNING_SECRET] });
  });
});

describe('signing secrets', () => {
  test('are one to five', () => {
    const count = (length: number) => fits({ signing_secrets: Array.from({ length }, () => SIGNING_SECRET) });
    expect([0, 1, 2, 5, 6].map(count)).toEqual([false, true, true, true, false]);
  });

  test('are of 24 to 64 bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const text = `whsec_${Buffer.from(bytes).toString('base64')}`;
        expect(signs(text)).toBe(bytes.length >= 24 && bytes.length <= 64);
      }),
    );
    expect([23, 24, 64, 65].map((bytes) => signs(signingSecret(bytes)))).toEqual([false, true, true, false]);
  });

  test.each([
    ['no prefix', SIGNING_SECRET.slice('whsec_'.length)],
    ['another prefix', `whsk_${SIGNING_SECRET.slice('whsec_'.length)}`],
    ['the prefix in capitals', SIGNING_SECRET.toUpperCase()],
    ['no padding', SIGNING_SECRET.replace(/=+$/, '')],
    ['the base64 of URLs', `whsec_${'-_'.repeat(22)}`],
    ['hexadecimal of an odd length', 'whsec_abcdef012345678901234567890123456'],
    ['a space', `${SIGNING_SECRET} `],
    ['a line feed', `${SIGNING_SECRET}\n`],
    ['nothing behind the prefix', 'whsec_'],
    ['no text', 5],
  ])('are refused with %s', (_, text) => expect(signs(text)).toBe(false));
});

describe('credentials', () => {
  const headerValued = {
    bearer_token: (value: unknown) => fits({ bearer_token: value }),
    api_key: (value: unknown) => fits({ api_key: value }),
    headers: (value: unknown) => fits({ headers: { tenant: value } }),
  };

  test.each(Object.entries(headerValued))('%s can be written into a header', (_, takes) => {
    expect(['abc', 'a b', 'x'.repeat(4096)].map(takes)).toEqual([true, true, true]);
    for (const value of ['', ' a', 'a ', 'a\r\nHost: b', 'a\n', 'é', '\u0000', 'x'.repeat(4097), 5, null]) {
      expect(takes(value)).toBe(false);
    }
  });

  test('of a client are any text, since they travel in a body', () => {
    for (const key of ['client_id', 'client_secret']) {
      expect(fits({ [key]: 'é "quoted"\n' })).toBe(true);
      expect(fits({ [key]: '' })).toBe(false);
      expect(fits({ [key]: 5 })).toBe(false);
    }
    expect(fits({ client_id: 'x'.repeat(1025) })).toBe(false);
    expect(fits({ client_secret: 'x'.repeat(4097) })).toBe(false);
  });

  test('to encrypt with are 32 bytes', () => {
    const bytes = (length: number) => fits({ encryption_key: Buffer.alloc(length, 7).toString('base64') });
    expect([16, 31, 32, 33, 64].map(bytes)).toEqual([false, false, true, false, false]);
    expect(fits({ encryption_key: 'k'.repeat(32) })).toBe(false);
  });
});

test('a refusal names keys, and no value', () => {
  const { error } = integrationSecretSchema.safeParse({
    signing_secrets: ['hunter2', SIGNING_SECRET.slice(0, 20)],
    bearer_token: 'hunter2\n',
    api_key: 'hünter2',
    client_id: { nested: 'hunter2' },
    headers: { tenant: 'hunter2\r' },
    encryption_key: 'hunter2',
  });
  const told = JSON.stringify(error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`));
  expect(told).toContain('headers.tenant');
  expect(told).toContain('encryption_key');
  expect(`${told}${error?.message}`).not.toMatch(/h[uü]nter2/);
  expect(told).not.toContain(SIGNING_SECRET.slice(0, 20));
});
