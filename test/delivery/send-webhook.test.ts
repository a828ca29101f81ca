import { describe, expect, test } from '@jest/globals';
import { type SendWebhookServices, sendWebhook, type Webhook } from '../../lambdas/delivery/send-webhook.ts';
import type { Integration } from '../../lambdas/partners/integration.ts';
import type { IntegrationSecret } from '../../lambdas/partners/integration-secret.ts';
import type { OAuthClient, TokenProblem, TokenResult, TokenSource } from '../../lambdas/partners/oauth-tokens.ts';
import { signatureHeader } from '../../lambdas/partners/signature.ts';
import type { SendResult } from '../../lambdas/partners/webhook-sender.ts';
import { SecretUnusable } from '../../lambdas/shared/errors.ts';
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

const SECONDS = String(NOW / 1000);
const signedWith = (...secrets: string[]) => signatureHeader(secrets, 'wh_1', NOW / 1000, '{"a":1}');

const OAUTH = { type: 'oauth2_client_credentials', token_url: 'https://token.example/oauth', scope: 'api' } as const;
const CLIENT = { client_id: 'us', client_secret: 'hidden' };

interface Given extends Partial<SendWebhookServices> {
  readonly entry?: Partial<Integration>;
  /** What the integration's secret contains in addition to a signing secret. */
  readonly holds?: Partial<IntegrationSecret>;
  readonly webhook?: Partial<Webhook>;
}

/** Sends one webhook to a partner that returns each of `results` once, and then always the last one. */
async function send(results: readonly SendResult[], { entry = {}, holds = {}, webhook = {}, ...services }: Given = {}) {
  const sending = sendingServices(results, { secretOf: () => secretSource(secret(holds)), ...services });
  const whole = { id: 'wh_1', body: '{"a":1}', integration: integration(entry), timeoutMs: 5000, ...webhook };
  const sent = await sendWebhook(whole, sending);
  return { sent, requests: sending.requests, headers: sending.requests.map(({ headers }) => headers) };
}

/** A token server that returns each of `results` once. */
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
  test('is sent signed: its id, the time of this attempt, and the exact body', async () => {
    const { sent, requests } = await send([answered(204)]);
    expect(sent).toMatchObject({ kind: 'sent', verdict: 'delivered', reason: 'HTTP 204' });
    expect(requests).toEqual([
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
    const { headers } = await send([answered(200)], {
      holds: { signing_secrets: [SIGNING_SECRET, OLDER_SIGNING_SECRET] },
    });
    expect(headers[0]?.['webhook-signature']).toBe(signedWith(SIGNING_SECRET, OLDER_SIGNING_SECRET));
  });

  test('is signed as it is sent: with its fields encrypted', async () => {
    const { requests, headers } = await send([answered(200)], {
      entry: { encrypted_fields: ['user.email'] },
      holds: { encryption_key: Buffer.alloc(32).toString('base64') },
    });
    const body = '{"a":1} without user.email';
    expect(requests[0]?.body).toBe(body);
    expect(headers[0]?.['webhook-signature']).toBe(signatureHeader([SIGNING_SECRET], 'wh_1', NOW / 1000, body));
  });

  test('carries the integration’s own headers, which cannot replace ours', async () => {
    const { headers } = await send([answered(200)], {
      entry: { auth: { type: 'bearer' }, headers: [{ name: 'X-Tenant', from_secret: 'tenant' }] },
      holds: { bearer_token: 't0ken', headers: { tenant: 'a' } },
    });
    expect(headers[0]).toMatchObject({ 'X-Tenant': 'a', Authorization: 'Bearer t0ken' });
  });

  test.each(['accept', 'Accept', 'ACCEPT', 'user-agent', 'User-Agent', 'uSER-aGENT'])(
    'carries the integration’s own %s instead of the usual one, as it is written',
    async (name) => {
      const { headers } = await send([answered(200)], { entry: { headers: [{ name, value: 'its own' }] } });
      const named = Object.entries(headers[0] ?? {}).filter(([other]) => other.toLowerCase() === name.toLowerCase());
      expect(named).toEqual([[name, 'its own']]);
    },
  );
});

describe('after a 401', () => {
  test.each<[string, Partial<Integration>]>([
    ['no authentication', {}],
    ['a bearer token', { auth: { type: 'bearer' } }],
    ['an API key', { auth: { type: 'api_key', header: 'X-API-Key' } }],
  ])(
    'with %s: the secret is read again, and the webhook sent once more with what it holds now',
    async (_kind, entry) => {
      const source = secretSource(
        secret({ bearer_token: 'old', api_key: 'old' }),
        secret({ bearer_token: 'new', api_key: 'new', signing_secrets: [OLDER_SIGNING_SECRET] }),
      );
      const { sent, headers } = await send([answered(401), answered(200)], { entry, secretOf: () => source });
      expect(sent).toMatchObject({ verdict: 'delivered' });
      expect(source.calls).toEqual(['read', 'refetch']);
      const signatures = headers.map((one) => one['webhook-signature']);
      expect(signatures).toEqual([signedWith(SIGNING_SECRET), signedWith(OLDER_SIGNING_SECRET)]);
      expect(JSON.stringify(headers[1])).not.toContain('old');
    },
  );

  test('with OAuth2 the token is dropped too', async () => {
    const kept = tokens(token('stale'), token('fresh'));
    const given = { tokens: kept, entry: { auth: OAUTH }, holds: CLIENT };
    const { sent, headers } = await send([answered(401), answered(200)], given);
    expect(sent).toMatchObject({ verdict: 'delivered' });
    expect(kept.dropped).toEqual(['stale']);
    expect(headers.map(({ Authorization }) => Authorization)).toEqual(['Bearer stale', 'Bearer fresh']);
  });

  test('a second one is final', async () => {
    const { sent, requests } = await send([answered(401)]);
    expect(sent).toMatchObject({ verdict: 'dead', reason: 'HTTP 401, with fresh credentials too' });
    expect(requests).toHaveLength(2);
  });

  const hanging = { read: async () => secret(), refetch: () => new Promise<never>(() => undefined) };

  test.each([
    ['cannot be read again', secretSource(secret(), SECRETS_DOWN), 5000],
    ['is not read again before the deadline of the whole', hanging, 1],
  ])('it is retried later if the secret %s', async (_what, source, timeoutMs) => {
    const { sent, requests } = await send([answered(401)], { secretOf: () => source, webhook: { timeoutMs } });
    expect(sent).toMatchObject({ verdict: 'retry', reason: 'HTTP 401, and its secret cannot be read' });
    expect(requests).toHaveLength(1);
  });

  test('both requests share one deadline', async () => {
    let now = NOW;
    const timeouts: number[] = [];
    await send([], {
      now: () => now,
      sender: {
        async send({ timeoutMs }) {
          timeouts.push(timeoutMs);
          now += 3000;
          return answered(401);
        },
      },
    });
    expect(timeouts).toEqual([5000, 2000]);
  });
});

describe('a token server', () => {
  const via = (kept: TokenSource) => send([answered(200)], { tokens: kept, entry: { auth: OAUTH }, holds: CLIENT });
  const none = (result: SendResult, problem?: TokenProblem): TokenResult => ({
    kind: 'none',
    result,
    ...(problem !== undefined && { problem }),
  });

  test.each([answered(503), failed('TIMEOUT')])(
    'that fails for now makes it a retry, and nothing is sent: %j',
    async (result) => {
      const { sent, requests } = await via(tokens(none(result)));
      expect(sent).toMatchObject({ verdict: 'retry', reason: expect.stringMatching(/^token: /) });
      expect(requests).toEqual([]);
    },
  );

  test.each([none(answered(400)), none(answered(401)), none(answered(200), 'refused')])(
    'that refuses the client is asked once more, with the secret as it is now: %j',
    async (refused) => {
      const { sent, requests } = await via(tokens(refused, token('good')));
      expect(sent).toMatchObject({ verdict: 'delivered' });
      expect(requests).toHaveLength(1);
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
    [none(failed('FORBIDDEN_ADDRESS')), 'token: no response: FORBIDDEN_ADDRESS'],
  ])('that refuses permanently makes it dead: %j', async (result, reason) => {
    expect((await via(tokens(result, result))).sent).toMatchObject({ verdict: 'dead', reason });
  });

  test.each([
    [undefined, 'retry', 'token: the response has no access_token'],
    ['HPE_INVALID_TRANSFER_ENCODING', 'dead', 'token: the response cannot be read: HPE_INVALID_TRANSFER_ENCODING'],
    ['ECONNRESET', 'retry', 'token: the response has no access_token'],
    ['TIMEOUT', 'retry', 'token: the response has no access_token'],
  ])('whose 200 has no token, or cannot be read (%s), makes it %s', async (responseFault, verdict, reason) => {
    const unread = none(answered(200, responseFault === undefined ? {} : { responseFault }), 'no_token');
    expect((await via(tokens(unread))).sent).toMatchObject({ verdict, reason });
  });

  test('shares the webhook’s deadline', async () => {
    const kept = tokens(token('good'));
    await via(kept);
    expect(kept.timeouts).toEqual([5000]);
  });
});

describe('nothing is sent', () => {
  const missing = new SecretUnusable('secret /test/integrations/acme does not exist');

  test.each<[string, Given, unknown]>([
    ['is of no use: the reason is the secret’s', { secretOf: () => brokenSource(missing) }, missing.message],
    ['lacks what auth needs', { entry: { auth: { type: 'bearer' } } }, expect.stringContaining('bearer_token')],
  ])('where the secret %s', async (_what, given, reason) => {
    const { sent, requests } = await send([answered(200)], given);
    expect(sent).toEqual({ kind: 'unsent', reason });
    expect(requests).toEqual([]);
  });

  test('before an incomplete secret was read again', async () => {
    const source = secretSource(secret(), secret({ bearer_token: 'completed' }));
    const { sent, headers } = await send([answered(200)], {
      entry: { auth: { type: 'bearer' } },
      secretOf: () => source,
    });
    expect(sent).toMatchObject({ verdict: 'delivered' });
    expect(source.calls).toEqual(['read', 'refetch']);
    expect(headers[0]?.Authorization).toBe('Bearer completed');
  });

  test('if the secret cannot be read: that is thrown, and spends no attempt', async () => {
    await expect(send([answered(200)], { secretOf: () => brokenSource(SECRETS_DOWN) })).rejects.toBe(SECRETS_DOWN);
  });
});
