import { describe, expect, test } from '@jest/globals';
import { testIntegration } from '../../lambdas/delivery/send-test.ts';
import { signatureHeader } from '../../lambdas/partners/signature.ts';
import { SecretUnusable } from '../../lambdas/shared/errors.ts';
import { integration, NOW, registry } from '../support/factories.ts';
import {
  answered,
  brokenSource,
  failed,
  SECRETS_DOWN,
  SIGNING_SECRET,
  secret,
  secretSource,
  sendingServices,
} from '../support/sending.ts';

const REQUEST = { integration_id: 'acme' };
const known = registry(integration({ paused: true, active: false, timeout_seconds: 300 }));

function world(result = answered(200), more = {}) {
  const sending = sendingServices([result], more);
  const services = {
    ...sending,
    integrations: { read: async () => known },
    newId: () => '0b7f2c0e-8f0c-41f0-9d3c-0242ac120002',
    ...more,
  };
  return { services, requests: sending.requests };
}

describe('a connection test', () => {
  test('sends one signed test event, whether or not the integration is active, and reports what the partner can compare', async () => {
    const { services, requests } = world(
      answered(200, { timings: { totalMs: 12 }, responseStart: 'thanks', responseFault: 'TIMEOUT' }),
    );
    const report = await testIntegration(REQUEST, services);
    const id = 'wh_test_0b7f2c0e8f0c41f09d3c0242ac120002';
    expect(requests).toHaveLength(1);
    expect(requests[0]).toMatchObject({ headers: { 'webhook-id': id }, timeoutMs: 30_000 });
    expect(report).toEqual({
      integration_id: 'acme',
      webhook_id: id,
      webhook_timestamp: String(NOW / 1000),
      webhook_signature: signatureHeader([SIGNING_SECRET], id, NOW / 1000, report.body),
      body: requests[0]?.body,
      verdict: 'delivered',
      reason: 'HTTP 200',
      status: 200,
      response_fault: 'TIMEOUT',
      timings: { totalMs: 12 },
      response_start: 'thanks',
    });
    expect(JSON.parse(report.body)).toMatchObject({ test: true });
  });

  test('applies the integration’s own settings', async () => {
    const entry = { payload_format: 'percipio', duration_unit: 'minutes', encrypted_fields: ['learner.name'] };
    const { services, requests } = world(answered(200), {
      integrations: { read: async () => registry(integration(entry)) },
      secretOf: () => secretSource(secret({ encryption_key: Buffer.alloc(32).toString('base64') })),
      encryptFields: async (body: string) => body,
    });
    await testIntegration(REQUEST, services);
    expect(JSON.parse(requests[0]?.body ?? '')).toMatchObject({
      duration_spent: 309,
      learner: { name: 'connection test' },
    });
  });

  test('reports why there was no response', async () => {
    const report = await testIntegration(REQUEST, world(failed('CERT_HAS_EXPIRED')).services);
    expect(report).toMatchObject({ verdict: 'dead', code: 'CERT_HAS_EXPIRED' });
  });

  test.each([
    ['no integration is named', {}, {}, /names no integration/],
    ['it is unknown', { integration_id: 'unknown' }, {}, /no integration has the id unknown/],
    [
      'nothing was ever read',
      REQUEST,
      { integrations: { read: async () => undefined } },
      /cannot be read from AppConfig/,
    ],
    [
      'its entry does not fit',
      { integration_id: 'odd' },
      {
        integrations: {
          read: async () => ({
            ...registry(),
            broken: new Map([['odd', { reason: 'url: is missing', enterprise: 1, region: 1 }]]),
          }),
        },
      },
      /^its entry does not fit: url: is missing$/,
    ],
    [
      'the secret is missing',
      REQUEST,
      { secretOf: () => brokenSource(new SecretUnusable('no secret')) },
      /^no secret$/,
    ],
    ['the secret cannot be read', REQUEST, { secretOf: () => brokenSource(SECRETS_DOWN) }, /cannot be read$/],
    ['we have a bug', REQUEST, { secretOf: () => brokenSource(new TypeError('with a learner’s data')) }, /^TypeError$/],
  ])('sends nothing where %s, and says so', async (_what, request, more, reason) => {
    const { services, requests } = world(answered(200), more);
    const report = await testIntegration(request, services);
    expect(report).toMatchObject({ verdict: 'unsent', reason: expect.stringMatching(reason), body: '' });
    expect(requests).toEqual([]);
  });
});
