import { describe, expect, test } from '@jest/globals';
import type { OAuthClient, TokenProblem, TokenResult, TokenSource } from '../../lambdas/contract/delivery-ports.ts';
import { SecretUnusable } from '../../lambdas/contract/errors.ts';
import type { Integration } from '../../lambdas/contract/integration.ts';
import { type SendWebhookServices, sendWebhook } from '../../lambdas/delivery/send-webhook.ts';
import { signatureHeader } from '../../lambdas/domain/signature.ts';
import { integration, NOW } from '../support/factories.ts';
import {
  answered,
  brokenSource,
  failed,
  OLDER_SIGNING_SECRET,
  SECRETS_DOWN,
  SIGNING_SECRET,
  secret,
  secretSource,
  sendingServices,
} from '../support/sending.ts';

const webhook = (to: Integration = integration()) => ({
  id: 'wh_1',
  body: '{"a":1}',
  integration: to,
  timeoutMs: 5000,
});
const SECONDS = String(NOW / 1000);
const signedWith = (...secrets: string[]) => signatureHeader(secrets, 'wh_1', NOW / 1000, '{"a":1}');

const OAUTH = { type: 'oauth2_client_credentials', token_url: 'https://token.example/oauth', scope: 'api' } as const;
const CLIENT = { client_id: 'us', client_secret: 'hidden' };

/** A token server that gives each of `results` once. */
function tokens(...results: TokenResult[]): TokenSource & { readonly dropped: string[]; readonly timeouts: number[] } {
  const dropped: string[] = [];
  const timeouts: number[] = [];
  return {
    dropped,
    timeouts,
    async token(_client, timeoutMs) {
      timeouts.push(timeoutMs);
      return results.shift() as TokenResult;
    },
    drop: (_client: OAuthClient, refused) => dropped.push(refused),
  };
}
const token = (text: string): TokenResult => ({ kind: 'token', token: text });

describe('a webhook', () => {
  test('goes out signed: its id, the moment of this try, and the exact body', async () => {
    const services = sendingServices([answered(204)]);
    expect(await sendWebhook(webhook(), services)).toMatchObject({
      kind: 'sent',
      verdict: 'delivered',
      reason: 'HTTP 204',
    });
    expect(services.requests).toEqual([
      {
        url: 'https://partner.example/hooks',
        headers: {
          'User-Agent': 'learning-time-webhooks/1',
          Accept: '*/*',
          'Content-Type': 'application/json',
          'webhook-id': 'wh_1',
          'webhook-timestamp': SECONDS,
          'webhook-signature': signedWith(SIGNING_SECRET),
        },
        body: '{"a":1}',
        timeoutMs: 5000,
      },
    ]);
  });

  test('carries a signature of each secret during a rotation, the newest first', async () => {
    const both = secret({ signing_secrets: [SIGNING_SECRET, OLDER_SIGNING_SECRET] });
    const services = sendingServices([answered(200)], { secretOf: () => secretSource(both) });
    await sendWebhook(webhook(), services);
    expect(services.requests[0]?.headers['webhook-signature']).toBe(signedWith(SIGNING_SECRET, OLDER_SIGNING_SECRET));
  });

  test('is signed as it goes out: with its fields encrypted', async () => {
    const withKey = secret({ encryption_key: Buffer.alloc(32).toString('base64') });
    const services = sendingServices([answered(200)], { secretOf: () => secretSource(withKey) });
    await sendWebhook(webhook(integration({ encrypted_fields: ['user.email'] })), services);
    const [{ body, headers } = { body: '', headers: {} as Record<string, string> }] = services.requests;
    expect(body).toBe('{"a":1} without user.email');
    expect(headers['webhook-signature']).toBe(signatureHeader([SIGNING_SECRET], 'wh_1', NOW / 1000, body));
  });

  test('carries the integration’s own headers, which cannot take the place of ours', async () => {
    const to = integration({ auth: { type: 'bearer' }, headers: [{ name: 'X-Tenant', from_secret: 'tenant' }] });
    const held = secret({ bearer_token: 't0ken', headers: { tenant: 'a' } });
    const services = sendingServices([answered(200)], { secretOf: () => secretSource(held) });
    await sendWebhook(webhook(to), services);
    expect(services.requests[0]?.headers).toMatchObject({ 'X-Tenant': 'a', Authorization: 'Bearer t0ken' });
  });

  test.each(['accept', 'Accept', 'ACCEPT', 'user-agent', 'User-Agent', 'uSER-aGENT'])(
    'carries the integration’s own %s instead of the usual one, as it is written',
    async (name) => {
      const services = sendingServices([answered(200)]);
      await sendWebhook(webhook(integration({ headers: [{ name, value: 'its own' }] })), services);
      const { headers = {} } = services.requests[0] ?? {};
      const named = Object.entries(headers).filter(([other]) => other.toLowerCase() === name.toLowerCase());
      expect(named).toEqual([[name, 'its own']]);
    },
  );
});

describe('after a 401', () => {
  test.each<[string, Partial<Integration>]>([
    ['no authentication', {}],
    ['a bearer token', { auth: { type: 'bearer' } }],
    ['an API key', { auth: { type: 'api_key', header: 'X-API-Key' } }],
  ])('with %s: the secret is read anew, and it is tried once more with what it holds now', async (_kind, auth) => {
    const credentials = { bearer_token: 'old', api_key: 'old' };
    const source = secretSource(
      secret(credentials),
      secret({ bearer_token: 'new', api_key: 'new', signing_secrets: [OLDER_SIGNING_SECRET] }),
    );
    const services = sendingServices([answered(401), answered(200)], { secretOf: () => source });
    expect(await sendWebhook(webhook(integration(auth)), services)).toMatchObject({ verdict: 'delivered' });
    expect(source.calls).toEqual(['read', 'refetch']);
    const [first, second] = services.requests.map(({ headers }) => headers);
    expect(first?.['webhook-signature']).toBe(signedWith(SIGNING_SECRET));
    expect(second?.['webhook-signature']).toBe(signedWith(OLDER_SIGNING_SECRET));
    expect(JSON.stringify(second)).not.toContain('old');
  });

  test('with OAuth2 the token is dropped too', async () => {
    const kept = tokens(token('stale'), token('fresh'));
    const services = sendingServices([answered(401), answered(200)], {
      tokens: kept,
      secretOf: () => secretSource(secret(CLIENT)),
    });
    expect(await sendWebhook(webhook(integration({ auth: OAUTH })), services)).toMatchObject({ verdict: 'delivered' });
    expect(kept.dropped).toEqual(['stale']);
    expect(services.requests.map(({ headers }) => headers.Authorization)).toEqual(['Bearer stale', 'Bearer fresh']);
  });

  test('a second one is final', async () => {
    const services = sendingServices([answered(401)]);
    expect(await sendWebhook(webhook(), services)).toMatchObject({
      verdict: 'dead',
      reason: 'HTTP 401, with fresh credentials too',
    });
    expect(services.requests).toHaveLength(2);
  });

  test('the deadline of the whole also ends the second read of the secret', async () => {
    const source = { read: async () => secret(), refetch: () => new Promise<never>(() => undefined) };
    const services = sendingServices([answered(401)], { secretOf: () => source });
    expect(await sendWebhook({ ...webhook(), timeoutMs: 1 }, services)).toMatchObject({
      verdict: 'retry',
      reason: 'HTTP 401, and its secret cannot be read',
    });
  });

  test('it is tried again later where the secret cannot be read anew', async () => {
    const services = sendingServices([answered(401)], { secretOf: () => secretSource(secret(), SECRETS_DOWN) });
    expect(await sendWebhook(webhook(), services)).toMatchObject({
      verdict: 'retry',
      reason: 'HTTP 401, and its secret cannot be read',
    });
    expect(services.requests).toHaveLength(1);
  });

  test('both tries share one deadline', async () => {
    let now = NOW;
    const services: SendWebhookServices = {
      ...sendingServices([]),
      now: () => now,
      sender: {
        async send({ timeoutMs }) {
          timeouts.push(timeoutMs);
          now += 3000;
          return answered(401);
        },
      },
    };
    const timeouts: number[] = [];
    await sendWebhook(webhook(), services);
    expect(timeouts).toEqual([5000, 2000]);
  });
});

describe('a token server', () => {
  const via = (kept: TokenSource) => {
    const services = sendingServices([answered(200)], { tokens: kept, secretOf: () => secretSource(secret(CLIENT)) });
    return { services, sent: sendWebhook(webhook(integration({ auth: OAUTH })), services) };
  };
  const none = (result: ReturnType<typeof answered>, problem?: TokenProblem): TokenResult => ({
    kind: 'none',
    result,
    ...(problem !== undefined && { problem }),
  });

  test('that fails for now makes it a retry, and nothing is sent', async () => {
    for (const result of [answered(503), failed('TIMEOUT')]) {
      const { services, sent } = via(tokens(none(result)));
      expect(await sent).toMatchObject({ verdict: 'retry', reason: expect.stringMatching(/^token: /) });
      expect(services.requests).toEqual([]);
    }
  });

  test.each([none(answered(400)), none(answered(401)), none(answered(200), 'refused')])(
    'that refuses the client is asked once more, with the secret as it is now: %j',
    async (refused) => {
      const { services, sent } = via(tokens(refused, token('good')));
      expect(await sent).toMatchObject({ verdict: 'delivered' });
      expect(services.requests).toHaveLength(1);
    },
  );

  test.each([
    [none(answered(401)), 'token: HTTP 401, with fresh credentials too'],
    [none(answered(403)), 'token: HTTP 403'],
    [none(answered(410)), 'token: HTTP 410'],
    [none(answered(200), 'not_bearer'), 'token: the server gives another token_type than Bearer'],
    [
      none(answered(200), 'refused'),
      'token: the server refuses the client, by an error in a 2xx, with fresh credentials too',
    ],
    [none(failed('FORBIDDEN_ADDRESS')), 'token: no answer: FORBIDDEN_ADDRESS'],
  ])('that refuses for good makes it dead: %j', async (result, reason) => {
    expect(await via(tokens(result, result)).sent).toMatchObject({ verdict: 'dead', reason });
  });

  test.each([
    [undefined, 'retry', 'token: the answer holds none'],
    ['HPE_INVALID_TRANSFER_ENCODING', 'dead', 'token: the answer cannot be read: HPE_INVALID_TRANSFER_ENCODING'],
    ['ECONNRESET', 'retry', 'token: the answer holds none'],
    ['TIMEOUT', 'retry', 'token: the answer holds none'],
  ])('whose 200 holds no token, or cannot be read (%s), makes it %s', async (responseFault, verdict, reason) => {
    const unread = none(answered(200, responseFault === undefined ? {} : { responseFault }), 'no_token');
    expect(await via(tokens(unread)).sent).toMatchObject({ verdict, reason });
  });

  test('has the deadline of the whole', async () => {
    const kept = tokens(token('good'));
    await via(kept).sent;
    expect(kept.timeouts).toEqual([5000]);
  });
});

describe('nothing goes out', () => {
  test('where the secret is of no use: the reason is the secret’s', async () => {
    const services = sendingServices([answered(200)], {
      secretOf: () => brokenSource(new SecretUnusable('secret /test/integrations/acme does not exist')),
    });
    expect(await sendWebhook(webhook(), services)).toEqual({
      kind: 'unsent',
      reason: 'secret /test/integrations/acme does not exist',
    });
    expect(services.requests).toEqual([]);
  });

  test('where the secret lacks what auth needs', async () => {
    const services = sendingServices([answered(200)]);
    const sent = await sendWebhook(webhook(integration({ auth: { type: 'bearer' } })), services);
    expect(sent).toMatchObject({ kind: 'unsent', reason: expect.stringContaining('bearer_token') });
    expect(services.requests).toEqual([]);
  });

  test('before what the secret lacks was looked for in it as it is now', async () => {
    const source = secretSource(secret(), secret({ bearer_token: 'mended' }));
    const services = sendingServices([answered(200)], { secretOf: () => source });
    const sent = await sendWebhook(webhook(integration({ auth: { type: 'bearer' } })), services);
    expect(sent).toMatchObject({ verdict: 'delivered' });
    expect(source.calls).toEqual(['read', 'refetch']);
    expect(services.requests[0]?.headers.Authorization).toBe('Bearer mended');
  });

  test('where the secret cannot be read: that is thrown, it spends no try', async () => {
    const services = sendingServices([answered(200)], { secretOf: () => brokenSource(SECRETS_DOWN) });
    await expect(sendWebhook(webhook(), services)).rejects.toBe(SECRETS_DOWN);
  });
});
