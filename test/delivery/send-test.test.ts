import { describe, expect, test } from '@jest/globals';
import { type TestIntegrationServices, testIntegration } from '../../lambdas/delivery/send-test.ts';
import { signatureHeader } from '../../lambdas/partners/signature.ts';
import { SecretUnusable } from '../../lambdas/shared/errors.ts';
import { integration, NOW, registry } from '../support/factories.ts';
import {
  brokenSource,
  failed,
  responded,
  SECRETS_DOWN,
  SIGNING_SECRET,
  secret,
  secretSource,
  sendingServices,
} from '../support/sending.ts';
import { ACME_KEY, EXPIRED_CERTIFICATE, NEXT_CERTIFICATE, NEXT_KEY } from '../support/test-only-client-certificates.ts';

const REQUEST = { integration_id: 'acme' };
const known = registry(integration({ paused: true, active: false, timeout_seconds: 300 }));

/** Tests the connection to a partner that responds with `result`. */
async function run(result = responded(200), more: Partial<TestIntegrationServices> = {}, request: object = REQUEST) {
  const sending = sendingServices([result], more);
  const newId = () => '0b7f2c0e-8f0c-41f0-9d3c-0242ac120002';
  const services = { ...sending, integrations: { read: async () => known }, newId, ...more };
  return { report: await testIntegration(request, services), requests: sending.requests };
}

test('a connection test sends one signed event, also to an inactive integration, and reports what the partner can compare', async () => {
  const response = { timings: { totalMs: 12 }, responseStart: 'thanks', responseFault: 'TIMEOUT' };
  const { report, requests } = await run(responded(200, response));
  const id = 'wh_test_0b7f2c0e8f0c41f09d3c0242ac120002';
  expect(requests).toMatchObject([
    { headers: { 'webhook-id': id, 'event-type': 'course_completion' }, body: report.body, timeoutMs: 30_000 },
  ]);
  expect(report).toEqual({
    integration_id: 'acme',
    webhook_id: id,
    webhook_timestamp: String(NOW / 1000),
    webhook_signature: signatureHeader([SIGNING_SECRET], id, NOW / 1000, report.body),
    body: expect.stringContaining('"test":true'),
    verdict: 'delivered',
    reason: 'HTTP 200',
    status: 200,
    response_fault: 'TIMEOUT',
    timings: { totalMs: 12 },
    response_start: 'thanks',
  });
});

test('a connection test applies the integration’s own settings', async () => {
  const entry = { payload_format: 'percipio', duration_unit: 'minutes', encrypted_fields: ['learner.name'] };
  const { requests } = await run(responded(200), {
    integrations: { read: async () => registry(integration(entry)) },
    secretOf: () => secretSource(secret({ encryption_key: Buffer.alloc(32).toString('base64') })),
  });
  const expected = { duration_spent: 309, learner: { name: expect.stringMatching(/^ey/) } };
  expect(JSON.parse(requests[0]?.body ?? '')).toMatchObject(expected);
  expect(requests).toMatchObject([{ headers: { 'payload-format': 'percipio' } }]);
});

describe('a client certificate', () => {
  const presenting = { integrations: { read: async () => registry(integration({ client_certificate: true })) } };
  const pairs = {
    ...{ client_certificate: EXPIRED_CERTIFICATE, client_key: ACME_KEY },
    ...{ next_client_certificate: NEXT_CERTIFICATE, next_client_key: NEXT_KEY },
  };

  test.each([
    ['current', ACME_KEY, { expires_at: '2025-01-02T00:00:00.000Z', fault: expect.stringMatching(/expired on 2025-/) }],
    ['next', NEXT_KEY, { expires_at: '2125-12-31T00:00:00.000Z' }],
  ])('is presented: the %s one, with its dates', async (pair, key, dates) => {
    const source = secretSource(secret(pairs));
    const request = { ...REQUEST, client_certificate: pair };
    const { report, requests } = await run(responded(200), { ...presenting, secretOf: () => source }, request);
    expect(requests.map(({ clientCertificate }) => clientCertificate?.key.trim())).toEqual([key]);
    expect(report).toMatchObject({ verdict: 'delivered' });
    expect(report.client_certificate).toEqual({ pair, ...dates });
    expect(JSON.stringify(report)).not.toContain('BEGIN');
  });

  test.each<[string, Partial<TestIntegrationServices>, RegExp]>([
    ['the secret has no next pair', presenting, /^the secret has no next_client_certificate /],
    ['the entry presents none', {}, /^its entry presents no client certificate/],
  ])('is not presented if %s', async (_what, more, reason) => {
    const { report, requests } = await run(responded(200), more, { ...REQUEST, client_certificate: 'next' });
    expect([report, requests]).toMatchObject([{ verdict: 'unsent', reason: expect.stringMatching(reason) }, []]);
  });
});

test('a connection test reports why there was no response', async () => {
  const { report } = await run(failed('CERT_HAS_EXPIRED'));
  expect(report).toMatchObject({ verdict: 'retry', code: 'CERT_HAS_EXPIRED' });
});

test('a connection test reports a token server’s error, and the setting to try', async () => {
  const auth = { type: 'oauth2_client_credentials', token_url: 'https://partner.example/token' };
  const { report, requests } = await run(responded(200), {
    integrations: { read: async () => registry(integration({ auth })) },
    secretOf: () => secretSource(secret({ client_id: 'us', client_secret: 'hidden' })),
    tokens: {
      token: async () => ({ kind: 'none', result: responded(400), error: 'invalid_request' }),
      drop: () => {},
    },
  });
  expect(report).toMatchObject({
    ...{ verdict: 'dead', reason: 'token: HTTP 400 invalid_request, with fresh credentials too', status: 400 },
    ...{ token_error: 'invalid_request', token_setting: { name: 'token_request', value: 'form' } },
  });
  expect(requests).toEqual([]);
});

const broken = new Map([['odd', { reason: 'url: is missing', enterprise: 1, region: 1 }]]);
test.each<[string, RegExp, Partial<TestIntegrationServices>, object?]>([
  ['no integration is named', /names no integration/, {}, {}],
  ['it is unknown', /^no integration has the id unknown$/, {}, { integration_id: 'unknown' }],
  ['no integrations were read', /cannot be read from AppConfig/, { integrations: { read: async () => undefined } }],
  [
    'its entry does not fit',
    /^its entry does not fit: url: is missing$/,
    { integrations: { read: async () => ({ ...registry(), broken }) } },
    { integration_id: 'odd' },
  ],
  ['the secret is missing', /^no secret$/, { secretOf: () => brokenSource(new SecretUnusable('no secret')) }],
  ['the secret cannot be read', /cannot be read$/, { secretOf: () => brokenSource(SECRETS_DOWN) }],
  ['there is a bug', /^TypeError$/, { secretOf: () => brokenSource(new TypeError('with a learner’s data')) }],
])('a connection test sends nothing and reports why if %s', async (...[, reason, more, request = REQUEST]) => {
  const { report, requests } = await run(responded(200), more, request);
  expect(report).toMatchObject({ verdict: 'unsent', reason: expect.stringMatching(reason), body: '' });
  expect(requests).toEqual([]);
});
