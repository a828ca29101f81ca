import { afterEach, expect, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { type Partner, type Receipt, startPartner } from '../../../local/demo/partner.ts';
import type { Behaviour } from '../../../local/demo/partner-responses.ts';
import { newSigningSecret } from '../../../local/demo/signature.ts';
import { createTokenServer } from '../../../local/demo/token-server.ts';

const SECRET = newSigningSecret();
/** It verifies with any of them. */
const HELD = { acme: [newSigningSecret(), SECRET] };
const CLIENT = { client_id: 'client', client_secret: 'hush' };

let partner: Partner;
let received: (readonly [Receipt, number | 'hang'])[];

async function start(behaviour: Behaviour, signingSecrets: Record<string, readonly string[]> = HELD) {
  received = [];
  partner = await startPartner({
    behaviours: { '/acme': behaviour, '/oauth': 200 },
    signingSecrets: new Map(Object.entries(signingSecrets)),
    tokens: createTokenServer(new Map([['oauth', CLIENT]])),
    onReceipt: (...all) => received.push(all),
  });
}
afterEach(() => partner.close());

const BODY = '{"course": "Übung 😀", "grade": 1.0}';

/** A webhook as Standard Webhooks has it, with the signature of `secret`. */
function send(path: string, secret = SECRET, headers: Readonly<Record<string, string>> = {}, id = 'wh_1') {
  const at = new Date();
  const signed = {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': new Webhook(secret).sign(id, at, BODY),
  };
  return fetch(`${partner.url}${path}`, {
    method: 'POST',
    redirect: 'manual',
    headers: { ...signed, ...headers },
    body: BODY,
  });
}

const fetchToken = (body: object) =>
  fetch(`${partner.url}/oauth/token`, { method: 'POST', body: JSON.stringify(body) });

test('a receipt says whose it is, what the partner holds, and that the signature is right', async () => {
  await start(200);
  await send('/acme');
  expect(partner.receipts).toMatchObject([
    { path: '/acme', integration_id: 'acme', signing_secret: SECRET, verified: true, body: BODY },
  ]);
  expect(received.map(([receipt, answered]) => [receipt.verified, answered])).toEqual([[true, 200]]);
});

test.each([
  ['another secret', () => send('/acme', newSigningSecret())],
  ['no signature', () => send('/acme', SECRET, { 'webhook-signature': '' })],
  ['another id than the signed one', () => send('/acme', SECRET, { 'webhook-id': 'wh_2' })],
  [
    'a signature of ten minutes ago',
    () => send('/acme', SECRET, { 'webhook-timestamp': `${Date.now() / 1000 - 600}` }),
  ],
])('with %s it does not verify', async (_, sending) => {
  await start(200);
  await sending();
  expect(partner.receipts).toMatchObject([{ signing_secret: HELD.acme[0], verified: false }]);
});

test('a partner without a secret cannot verify', async () => {
  await start(200, {});
  await send('/acme');
  expect(partner.receipts[0]).toMatchObject({ verified: false });
  expect(partner.receipts[0]).not.toHaveProperty('signing_secret');
});

test('a list is gone through for each webhook, with headers', async () => {
  await start([
    { status: 429, headers: { 'retry-after': '2' } },
    { status: 201, afterMs: 5 },
  ]);
  const first = await send('/acme');
  expect([first.status, first.headers.get('retry-after')]).toEqual([429, '2']);
  expect((await send('/acme')).status).toBe(201);
  expect((await send('/acme', SECRET, {}, 'wh_other')).status).toBe(429);
  expect(received.map(([, answered]) => answered)).toEqual([429, 201, 429]);
});

test('hang: received, not answered; down: reset, nothing received', async () => {
  await start('hang');
  const aborted = AbortSignal.timeout(200);
  await expect(fetch(`${partner.url}/acme`, { method: 'POST', body: BODY, signal: aborted })).rejects.toThrow();
  expect(received.map(([, answered]) => answered)).toEqual(['hang']);
  partner.setBehaviour('/acme', 'down');
  await expect(send('/acme')).rejects.toThrow();
  expect(partner.receipts).toHaveLength(1);
});

test('Percipio’s way: a token for credentials, and no webhook without one', async () => {
  await start(200);
  expect((await send('/oauth')).status).toBe(401);
  const answer = await fetchToken({ ...CLIENT, grant_type: 'client_credentials', scope: 'api' });
  const { access_token, expires_in } = (await answer.json()) as Readonly<Record<string, unknown>>;
  expect([answer.status, expires_in]).toEqual([200, 3600]);
  expect((await send('/oauth', SECRET, { authorization: `Bearer ${access_token}` })).status).toBe(200);
  expect((await send('/oauth', SECRET, { authorization: 'Bearer other' })).status).toBe(401);
  // Requests for tokens are no webhooks, and carry a client's secret.
  expect(partner.receipts.map(({ path }) => path)).toEqual(['/oauth', '/oauth', '/oauth']);
});

test.each([
  [{ ...CLIENT, client_secret: 'wrong', grant_type: 'client_credentials' }, 401],
  [{}, 400],
])('no token for %p', async (body, status) => {
  await start(200);
  expect((await fetchToken(body)).status).toBe(status);
});
