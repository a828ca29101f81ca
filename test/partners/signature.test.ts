import { createHmac } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { integrationSecretSchema } from '../../lambdas/partners/integration-secret.ts';
import { signatureHeader, signingSecret } from '../../lambdas/partners/signature.ts';
import { jsonObjectText } from '../support/arbitraries.ts';
import { NOW } from '../support/factories.ts';

const ID = 'wh_0123456789abcdef0123456789abcdef01234567';
const SECONDS = NOW / 1000;

const secretOf = (byte: number) => signingSecret(new Uint8Array(32).fill(byte));

/** The signature as the specification words it, by a raw key over one text. */
function bySpecification(secret: string, body: string): string {
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
  const content = Buffer.from(`${ID}.${SECONDS}.${body}`);
  return `v1,${createHmac('sha256', key).update(content).digest('base64')}`;
}

test.each([
  {
    of: 'JavaScript, Go, Python, Ruby, PHP and C#',
    secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    seconds: 1_614_265_330,
    body: '{"test": 2432232314}',
    header: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  },
  {
    of: 'Rust',
    secret: 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD',
    id: 'msg_27UH4WbU6Z5A5EzD8u03UvzRbpk',
    seconds: 1_649_367_553,
    body: '{"email":"test@example.com","username":"test_user"}',
    header: 'v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=',
  },
])('a known signature of the Standard Webhooks library of $of', ({ secret, id, seconds, body, header }) => {
  expect(signatureHeader([secret], id, seconds, body)).toBe(header);
});

test('thousands of secrets keep their own signatures, in their order, separated by one space', () => {
  const distinct = Array.from({ length: 4500 }, (_, index) => signingSecret(Buffer.alloc(24, `${index} `)));
  const secrets = [...distinct, ...distinct.slice(0, 10)];
  const header = signatureHeader(secrets, ID, SECONDS, '{}');
  expect(header.split(' ')).toEqual(secrets.map((one) => bySpecification(one, '{}')));
});

describe('the official library', () => {
  beforeEach(() => {
    jest.useFakeTimers({ now: NOW });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  const verify = (secret: string, body: string, header: string) =>
    new Webhook(secret).verify(body, {
      'webhook-id': ID,
      'webhook-timestamp': String(SECONDS),
      'webhook-signature': header,
    });

  test('verifies any JSON by each of any secrets, whose length the integration’s secret accepts', () => {
    const bytes = fc.uint8Array({ minLength: 24, maxLength: 64 });
    fc.assert(
      fc.property(fc.array(bytes, { minLength: 1, maxLength: 5 }), jsonObjectText, (keys, body) => {
        const secrets = keys.map(signingSecret);
        const header = signatureHeader(secrets, ID, SECONDS, body);
        for (const secret of secrets) expect(verify(secret, body, header)).toEqual(JSON.parse(body));
        expect(integrationSecretSchema.safeParse({ signing_secrets: secrets }).success).toBe(true);
      }),
    );
  });

  test.each([
    ['Greek, emoji and a combining accent', JSON.stringify({ title: 'Λόγος 🎓 e\u0301' })],
    ['250 KiB of two-byte characters', JSON.stringify({ text: 'é'.repeat(125 * 1024) })],
  ])('verifies %s', (_what, body) => {
    expect(verify(secretOf(1), body, signatureHeader([secretOf(1)], ID, SECONDS, body))).toEqual(JSON.parse(body));
  });

  test('refuses another secret and another body', () => {
    const header = signatureHeader([secretOf(1), secretOf(2)], ID, SECONDS, '{}');
    expect(() => verify(secretOf(3), '{}', header)).toThrow('No matching signature');
    expect(() => verify(secretOf(1), '{} ', header)).toThrow('No matching signature');
  });
});

test.each([0, 23, 65])('a signing secret is not made of %i bytes', (length) => {
  expect(() => signingSecret(new Uint8Array(length))).toThrow(RangeError);
});
