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

const secretOf = (byte: number, length = 32) => signingSecret(new Uint8Array(length).fill(byte));
const secret = fc.uint8Array({ minLength: 24, maxLength: 64 }).map((bytes) => signingSecret(bytes));

/** The signature as the specification words it, by a raw key over one text. */
function bySpecification(secretText: string, id: string, seconds: number, body: string): string {
  const key = Buffer.from(secretText.replace('whsec_', ''), 'base64');
  return `v1,${createHmac('sha256', key)
    .update(Buffer.from(`${id}.${seconds}.${body}`))
    .digest('base64')}`;
}

describe('known signatures of Standard Webhooks’ own libraries', () => {
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
  ])('$of', ({ secret, id, seconds, body, header }) => {
    expect(signatureHeader([secret], id, seconds, body)).toBe(header);
  });
});

describe('the signature of a webhook', () => {
  test('is there for each secret, in their order, cut by one space', () => {
    fc.assert(
      fc.property(fc.array(secret, { minLength: 1, maxLength: 5 }), jsonObjectText, (secrets, body) => {
        expect(signatureHeader(secrets, ID, SECONDS, body).split(' ')).toEqual(
          secrets.map((one) => bySpecification(one, ID, SECONDS, body)),
        );
      }),
    );
  });

  test('stays right when thousands of secrets are in use', () => {
    const secrets = Array.from({ length: 4500 }, (_, index) =>
      signingSecret(Buffer.alloc(24, `secret ${String(index).padStart(4, '0')} `)),
    );
    const header = signatureHeader([...secrets, ...secrets.slice(0, 10)], ID, SECONDS, '{}');
    expect(header.split(' ')).toEqual(
      [...secrets, ...secrets.slice(0, 10)].map((one) => bySpecification(one, ID, SECONDS, '{}')),
    );
  });
});

describe('the official library', () => {
  beforeEach(() => {
    jest.useFakeTimers({ now: NOW });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  const verify = (secretText: string, body: string, header: string) =>
    new Webhook(secretText).verify(body, {
      'webhook-id': ID,
      'webhook-timestamp': String(SECONDS),
      'webhook-signature': header,
    });

  test('verifies any JSON, as text and as the bytes on the wire', () => {
    fc.assert(
      fc.property(secret, jsonObjectText, (one, body) => {
        const header = signatureHeader([one], ID, SECONDS, body);
        expect(verify(one, body, header)).toEqual(JSON.parse(body));
        expect(verify(one, Buffer.from(body).toString(), header)).toBeDefined();
      }),
    );
  });

  test.each([
    ['Greek, emoji and an accent of its own', JSON.stringify({ title: 'Λόγος 🎓 e\u0301' })],
    ['250 KiB of two-byte characters', JSON.stringify({ text: 'é'.repeat(125 * 1024) })],
  ])('verifies %s', (_what, body) => {
    expect(verify(secretOf(1), body, signatureHeader([secretOf(1)], ID, SECONDS, body))).toEqual(JSON.parse(body));
  });

  test('verifies by either secret while both are in use, and by no other', () => {
    const [newest, old, other] = [secretOf(1), secretOf(2), secretOf(3)];
    const header = signatureHeader([newest, old], ID, SECONDS, '{}');
    expect(verify(newest, '{}', header)).toEqual({});
    expect(verify(old, '{}', header)).toEqual({});
    expect(() => verify(other, '{}', header)).toThrow('No matching signature');
    expect(() => verify(newest, '{} ', header)).toThrow('No matching signature');
  });
});

describe('a new signing secret', () => {
  test('is whsec_ and the base64 of its bytes, as the integration’s secret must hold it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 24, maxLength: 64 }), (bytes) => {
        const text = signingSecret(bytes);
        expect(Buffer.from(text.slice('whsec_'.length), 'base64')).toEqual(Buffer.from(bytes));
        expect(integrationSecretSchema.safeParse({ signing_secrets: [text] }).success).toBe(true);
      }),
    );
  });

  test.each([0, 23, 65])('is not made of %i bytes', (length) => {
    expect(() => signingSecret(new Uint8Array(length))).toThrow(RangeError);
  });
});
