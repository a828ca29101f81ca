import { describe, expect, test } from '@jest/globals';
import { type SendWebhookServices, sendWebhook, type Webhook } from '../../lambdas/delivery/send-webhook.ts';
import { type Integration, integrationSchema } from '../../lambdas/partners/integration.ts';
import { type IntegrationSecret, integrationSecretSchema } from '../../lambdas/partners/integration-secret.ts';
import type { OAuthError } from '../../lambdas/partners/oauth-errors.ts';
import type { OAuthClient, TokenProblem, TokenResult, TokenSource } from '../../lambdas/partners/oauth-tokens.ts';
import { signatureHeader } from '../../lambdas/partners/signature.ts';
import type { SendResult, WebhookRequest } from '../../lambdas/partners/webhook-sender.ts';
import { SecretUnusable } from '../../lambdas/shared/errors.ts';
import { integration, NOW } from '../support/factories.ts';
import {
  brokenSource,
  failed,
  OLDER_SIGNING_SECRET,
  responded,
  SECRETS_DOWN,
  SIGNING_SECRET,
  secret,
  secretSource,
  sendingServices,
} from '../support/sending.ts';
import { ACME_CERTIFICATE, ACME_KEY, NEXT_CERTIFICATE, NEXT_KEY } from '../support/test-only-client-certificates.ts';

const signedWith = (secrets: readonly string[], body = '{"a":1}') => signatureHeader(secrets, 'wh_1', NOW / 1000, body);

const BEARER = { auth: { type: 'bearer' } } as const;

interface Given extends Partial<SendWebhookServices> {
  readonly entry?: Partial<Integration>;
  /** What the integration's secret contains in addition to a signing secret. */
  readonly holds?: Partial<IntegrationSecret>;
  readonly webhook?: Partial<Webhook>;
}

/** Sends one webhook to a partner that returns each of `results` once, and then always the last one. */
async function send(results: readonly SendResult[], { entry = {}, holds = {}, webhook = {}, ...services }: Given = {}) {
  const sending = sendingServices(results, { secretOf: () => secretSource(secret(holds)), ...services });
  const whole: Webhook = {
    id: 'wh_1',
    eventType: 'course_completion',
    body: '{"a":1}',
    integration: integration(entry),
    timeoutMs: 5000,
    ...webhook,
  };
  const sent = await sendWebhook(whole, sending);
  return { sent, requests: sending.requests, headers: sending.requests.map(({ headers }) => headers) };
}

describe('a webhook', () => {
  test('is sent signed: its id, the time of this attempt, and the exact body', async () => {
    const { sent, requests } = await send([responded(204)]);
    expect(sent).toMatchObject({ kind: 'sent', verdict: 'delivered', reason: 'HTTP 204' });
    const headers = {
      'User-Agent': 'learning-time-webhooks/1',
      Accept: '*/*',
      'Content-Type': 'application/json',
      'webhook-id': 'wh_1',
      'webhook-timestamp': String(NOW / 1000),
      'webhook-signature': signedWith([SIGNING_SECRET]),
      'event-type': 'course_completion',
      'payload-format': 'learning_time_object',
    };
    expect(requests).toEqual([{ url: 'https://partner.example/hooks', headers, body: '{"a":1}', timeoutMs: 5000 }]);
  });

  test('has a signature of each secret during a rotation, the newest first', async () => {
    const signing_secrets = [SIGNING_SECRET, OLDER_SIGNING_SECRET];
    const { headers } = await send([responded(200)], { holds: { signing_secrets } });
    expect(headers).toMatchObject([{ 'webhook-signature': signedWith(signing_secrets) }]);
  });

  test('is signed with a secret that ends for five minutes more, although the secret stays cached', async () => {
    const not_after = new Date(NOW).toISOString();
    const source = secretSource(
      integrationSecretSchema.parse({ signing_secrets: [SIGNING_SECRET, { secret: OLDER_SIGNING_SECRET, not_after }] }),
    );
    const signaturesAt = async (nowMs: number) => {
      const { headers } = await send([responded(200)], { secretOf: () => source, now: () => nowMs });
      return String(headers[0]?.['webhook-signature']).split(' ').length;
    };
    const endMs = NOW + 5 * 60_000;
    expect([await signaturesAt(endMs - 1), await signaturesAt(endMs)]).toEqual([2, 1]);
  });

  test('is signed as it is sent: with its fields encrypted', async () => {
    const { requests } = await send([responded(200)], {
      entry: { encrypted_fields: ['a'] },
      holds: { encryption_key: Buffer.alloc(32).toString('base64') },
    });
    const { body = '' } = requests[0] ?? {};
    expect(JSON.parse(body)).toEqual({ a: expect.stringMatching(/^ey/) });
    expect(requests).toMatchObject([{ headers: { 'webhook-signature': signedWith([SIGNING_SECRET], body) } }]);
  });

  test('has the integration’s headers, as they are written, instead of the default ones', async () => {
    const own = { 'X-Tenant': 'a', aCCept: 'b', 'USER-AGENT': 'c' };
    const headers = Object.keys(own).map((name) => ({ name, from_secret: name }));
    const given = { entry: { ...BEARER, headers }, holds: { bearer_token: 't0ken', headers: own } };
    const { 'Content-Type': _, ...sent } = (await send([responded(200)], given)).headers[0] ?? {};
    const others = Object.entries(sent).filter(([name]) => !name.startsWith('webhook-'));
    const described = { 'event-type': 'course_completion', 'payload-format': 'learning_time_object' };
    expect(Object.fromEntries(others)).toEqual({ ...own, Authorization: 'Bearer t0ken', ...described });
  });
});

describe('after a 401', () => {
  test.each<Partial<Integration>>([{}, BEARER, { auth: { type: 'api_key', header: 'X-API-Key' } }])(
    'the secret is read again, and the webhook sent once more with its new values: %j',
    async (entry) => {
      const source = secretSource(
        secret({ bearer_token: 'old', api_key: 'old' }),
        secret({ bearer_token: 'new', api_key: 'new', signing_secrets: [OLDER_SIGNING_SECRET] }),
      );
      const { sent, headers } = await send([responded(401), responded(200)], { entry, secretOf: () => source });
      expect(sent).toMatchObject({ verdict: 'delivered' });
      expect(source.calls).toEqual(['read', 'refetch']);
      const signatures = headers.map((one) => one['webhook-signature']);
      expect(signatures).toEqual([signedWith([SIGNING_SECRET]), signedWith([OLDER_SIGNING_SECRET])]);
      expect(JSON.stringify(headers[1])).not.toContain('old');
    },
  );

  test('a second 401 is final', async () => {
    const { sent, requests } = await send([responded(401)]);
    expect(sent).toMatchObject({ verdict: 'dead', reason: 'HTTP 401, with fresh credentials too' });
    expect(requests).toHaveLength(2);
  });

  const hanging = { read: async () => secret(), refetch: () => new Promise<never>(() => undefined) };
  test.each([
    ['cannot be read again', secretSource(secret(), SECRETS_DOWN), 5000],
    ['is not read again before the deadline', hanging, 1],
  ])('it is retried later if the secret %s', async (_what, source, timeoutMs) => {
    const { sent, requests } = await send([responded(401)], { secretOf: () => source, webhook: { timeoutMs } });
    expect(sent).toMatchObject({ verdict: 'retry', reason: 'HTTP 401, and its secret cannot be read' });
    expect(requests).toHaveLength(1);
  });

  test('both requests share one deadline', async () => {
    let now = NOW;
    const timeouts: number[] = [];
    const sender: SendWebhookServices['sender'] = {
      async send({ timeoutMs }) {
        timeouts.push(timeoutMs);
        now += 3000;
        return responded(401);
      },
    };
    await send([], { now: () => now, sender });
    expect(timeouts).toEqual([5000, 2000]);
  });
});

const OAUTH = integrationSchema.shape.auth.parse({
  type: 'oauth2_client_credentials',
  token_url: 'https://token.example/oauth',
});

describe('a token server', () => {
  /** Sends to partners that respond with `results`, with tokens of a server that gives each of `tokens` once. */
  async function via(tokens: readonly TokenResult[], results = [responded(200)]) {
    const left = [...tokens];
    const dropped: string[] = [];
    const timeouts: number[] = [];
    const given: Given = {
      entry: { auth: OAUTH },
      holds: { client_id: 'us', client_secret: 'hidden' },
      tokens: {
        async token(_client, timeoutMs) {
          timeouts.push(timeoutMs);
          return left.shift() as TokenResult;
        },
        drop: (_client, refused) => dropped.push(refused),
      },
    };
    return { ...(await send(results, given)), dropped, timeouts };
  }
  const token = (text: string): TokenResult => ({ kind: 'token', token: text });
  const none = (result: SendResult, problem?: TokenProblem, error?: OAuthError): TokenResult => ({
    ...{ kind: 'none', result },
    ...(problem !== undefined && { problem }),
    ...(error !== undefined && { error }),
  });

  test('gives a new token after a 401, within the same deadline', async () => {
    const both = [token('stale'), token('fresh')];
    const { sent, headers, dropped, timeouts } = await via(both, [responded(401), responded(200)]);
    expect(sent).toMatchObject({ verdict: 'delivered' });
    expect([dropped, timeouts]).toEqual([['stale'], [5000, 5000]]);
    expect(headers.map(({ Authorization }) => Authorization)).toEqual(['Bearer stale', 'Bearer fresh']);
  });

  test.each([none(responded(400)), none(responded(401)), none(responded(200), 'refused')])(
    'that refuses the client is asked once more, with the secret read again: %j',
    async (refused) => {
      const { sent, requests } = await via([refused, token('good')]);
      expect(sent).toMatchObject({ verdict: 'delivered' });
      expect(requests).toHaveLength(1);
    },
  );

  const truncated = (responseFault: string) => none(responded(200, { responseFault }), 'no_token');
  test.each([
    ['retry', none(responded(503)), 'HTTP 503'],
    ['retry', none(failed('TIMEOUT')), 'no response: TIMEOUT'],
    ['retry', none(responded(400), undefined, 'temporarily_unavailable'), 'HTTP 400 temporarily_unavailable'],
    ['retry', none(responded(200), 'no_token'), 'the response has no access_token'],
    ['retry', none(responded(200), 'no_token', 'server_error'), 'HTTP 200 server_error'],
    ['retry', truncated('ECONNRESET'), 'the response has no access_token'],
    ['retry', truncated('TIMEOUT'), 'the response has no access_token'],
    ['dead', truncated('HPE_INVALID_CHUNK_SIZE'), 'the response cannot be read: HPE_INVALID_CHUNK_SIZE'],
    ['dead', none(responded(401)), 'HTTP 401, with fresh credentials too'],
    ['dead', none(responded(403)), 'HTTP 403'],
    ['dead', none(responded(410)), 'HTTP 410'],
    ['dead', none(failed('FORBIDDEN_ADDRESS')), 'no response: FORBIDDEN_ADDRESS'],
    ['dead', none(responded(200), 'not_bearer'), 'the server gives another token_type than Bearer'],
    ['dead', none(responded(403), undefined, 'access_denied'), 'HTTP 403 access_denied'],
    ['dead', none(responded(200), 'refused', 'invalid_client'), 'HTTP 200 invalid_client, with fresh credentials too'],
  ])('without a token makes the webhook %s, and nothing is sent: %j', async (verdict, result, reason) => {
    const { sent, requests } = await via([result, result]);
    expect(sent).toMatchObject({ verdict, reason: `token: ${reason}` });
    expect(requests).toEqual([]);
  });

  test('that refuses the form of the request: its error and the setting to try are in the result', async () => {
    const refusal = none(responded(400), undefined, 'invalid_request');
    const { sent } = await via([refusal, refusal]);
    const setting = { name: 'token_request', value: 'form' };
    expect(sent).toMatchObject({ verdict: 'dead', tokenRefusal: { error: 'invalid_request', setting } });
  });
});

describe('a client certificate', () => {
  const ENTRY = { client_certificate: true } as const;
  const ACME = { client_certificate: ACME_CERTIFICATE, client_key: ACME_KEY };
  const NEXT = { client_certificate: NEXT_CERTIFICATE, client_key: NEXT_KEY };
  const REFUSED = failed('ERR_SSL_TLSV1_ALERT_UNKNOWN_CA');
  const REASON = 'no response: ERR_SSL_TLSV1_ALERT_UNKNOWN_CA (the client certificate is refused)';
  const certificates = ({ requests }: { readonly requests: readonly WebhookRequest[] }) =>
    requests.map(({ clientCertificate }) => clientCertificate?.chain.trim());

  test('is presented where the entry says so, and the next pair in a test event', async () => {
    const holds = { ...ACME, next_client_certificate: NEXT_CERTIFICATE, next_client_key: NEXT_KEY };
    expect(certificates(await send([responded(200)], { holds }))).toEqual([undefined]);
    expect(certificates(await send([responded(200)], { entry: ENTRY, holds }))).toEqual([ACME_CERTIFICATE]);
    const webhook = { pair: 'next' } as const;
    expect(certificates(await send([responded(200)], { entry: ENTRY, holds, webhook }))).toEqual([NEXT_CERTIFICATE]);
  });

  test('that is refused is replaced by that of the secret, read again', async () => {
    const source = secretSource(secret(ACME), secret(NEXT));
    const all = await send([REFUSED, responded(200)], { entry: ENTRY, secretOf: () => source });
    expect(certificates(all)).toEqual([ACME_CERTIFICATE, NEXT_CERTIFICATE]);
    expect([all.sent, source.calls]).toMatchObject([{ verdict: 'delivered' }, ['read', 'refetch']]);
  });

  test.each<[string, IntegrationSecret, number, object]>([
    ['the same pair is not presented twice', secret(ACME), 1, { verdict: 'retry', reason: REASON }],
    ['two pairs are refused', secret(NEXT), 2, { verdict: 'retry', reason: REASON }],
    ['the secret has none any more', secret(), 1, { kind: 'unsent' }],
  ])('that is refused: %s', async (_what, refreshed, count, expected) => {
    const secretOf = () => secretSource(secret(ACME), refreshed);
    const { sent, requests } = await send([REFUSED], { entry: ENTRY, secretOf });
    expect([sent, requests.length]).toMatchObject([expected, count]);
  });

  test('is presented to the token server too, whose refusal has the same result', async () => {
    const clients: OAuthClient[] = [];
    const tokens: TokenSource = {
      token: async (client) => {
        clients.push(client);
        return { kind: 'none', result: REFUSED };
      },
      drop: () => {},
    };
    const holds = { ...ACME, client_id: 'me', client_secret: 'shh' };
    const { sent } = await send([], { entry: { ...ENTRY, auth: OAUTH }, holds, tokens });
    expect(sent).toMatchObject({ verdict: 'retry', reason: `token: ${REASON}` });
    expect(clients.map(({ clientCertificate }) => clientCertificate?.key.trim())).toEqual([ACME_KEY]);
  });
});

describe('nothing is sent', () => {
  const missing = new SecretUnusable('secret /test/integrations/acme does not exist');

  test.each<[string, Given, unknown]>([
    ['is unusable', { secretOf: () => brokenSource(missing) }, missing.message],
    ['lacks a value that auth needs', { entry: BEARER }, expect.stringContaining('bearer_token')],
  ])('if the secret %s', async (_what, given, reason) => {
    const { sent, requests } = await send([responded(200)], given);
    expect(sent).toEqual({ kind: 'unsent', reason });
    expect(requests).toEqual([]);
  });

  test('before an incomplete secret was read again', async () => {
    const source = secretSource(secret(), secret({ bearer_token: 'completed' }));
    const { sent, headers } = await send([responded(200)], { entry: BEARER, secretOf: () => source });
    expect(sent).toMatchObject({ verdict: 'delivered' });
    expect(source.calls).toEqual(['read', 'refetch']);
    expect(headers).toMatchObject([{ Authorization: 'Bearer completed' }]);
  });

  test('if the secret cannot be read: that is thrown, and spends no attempt', async () => {
    await expect(send([responded(200)], { secretOf: () => brokenSource(SECRETS_DOWN) })).rejects.toBe(SECRETS_DOWN);
  });
});
