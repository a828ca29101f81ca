import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { integrationSecretSchema } from '../../lambdas/partners/integration-secret.ts';

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

  test('may hold anything else, whatever its form', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.anything(), { noNullPrototype: true }), (others) => {
        const { signing_secrets: _, ...rest } = others;
        const secret = { ...rest, signing_secrets: [SIGNING_SECRET] };
        expect(integrationSecretSchema.parse(secret)).toEqual(secret);
      }),
    );
  });
});

describe('signing secrets', () => {
  test('are one to five', () => {
    const count = (length: number) => fits({ signing_secrets: Array.from({ length }, (_, n) => signingSecret(32, n)) });
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
    ['no padding', SIGNING_SECRET.replace(/=+$/, '')],
    ['the base64 of URLs', `whsec_${'-_'.repeat(22)}`],
    ['a space inside', SIGNING_SECRET.replace('_', '_ ')],
  ])('are refused with %s', (_, text) => expect(signs(text)).toBe(false));

  const OTHER = signingSecret(24, 2);
  test.each<[string, unknown, readonly string[]]>([
    ['one of them without a list', SIGNING_SECRET, [SIGNING_SECRET]],
    ['the list as text, as the console makes it', JSON.stringify([OTHER, SIGNING_SECRET]), [OTHER, SIGNING_SECRET]],
    ['white space around them', [` ${OTHER}`, `${SIGNING_SECRET}\r\n`], [OTHER, SIGNING_SECRET]],
    ['empty ones among them', ['', OTHER, null], [OTHER]],
    ['one of them twice', [OTHER, SIGNING_SECRET, OTHER], [OTHER, SIGNING_SECRET]],
  ])('are read from %s', (_, signing_secrets, read) =>
    expect(integrationSecretSchema.parse({ signing_secrets })).toEqual({ signing_secrets: read }),
  );

  test.each([
    ['null', null],
    ['an empty text', ''],
  ])('are missing where they are %s', (_, signing_secrets) =>
    expect(integrationSecretSchema.safeParse({ signing_secrets }).error?.issues[0]?.message).toBe(
      'has no signing_secrets (a list of 1 to 5 texts, each whsec_ and the base64 of 24 to 64 bytes), which every delivery needs',
    ),
  );

  test.each([[[]], [[null]], [{ 0: SIGNING_SECRET }], [5], ['[hunter2'], [`${SIGNING_SECRET},${OTHER}`], ['hunter2']])(
    'are refused as %j',
    (signing_secrets) => expect(fits({ signing_secrets })).toBe(false),
  );
});

test('a refusal is one sentence without the value', () => {
  const { error } = integrationSecretSchema.safeParse({ signing_secrets: ['hunter2', SIGNING_SECRET.slice(0, 20)] });
  expect(error?.issues.map(({ path, message }) => [path, message])).toEqual([
    [
      [],
      'has a value of signing_secrets that is not a list of 1 to 5 texts, each whsec_ and the base64 of 24 to 64 bytes, which every delivery needs',
    ],
  ]);
});
