import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { expect, test } from '@jest/globals';
import { secretFault } from '../../../commands/integration/needed-secrets.ts';
import { sendWebhook } from '../../../lambdas/delivery/send-webhook.ts';
import { integrationSecretSchema } from '../../../lambdas/partners/integration-secret.ts';
import { createSecretSource } from '../../../lambdas/shared/secrets-manager.ts';
import { integration, NOW } from '../../support/factories.ts';
import { recordingLog } from '../../support/recording-log.ts';
import { responded, SIGNING_SECRET, sendingServices } from '../../support/sending.ts';
import { ACME_CERTIFICATE } from '../../support/test-only-client-certificates.ts';

const ID = '/test/integrations/acme';
const SIGNING = { signing_secrets: [SIGNING_SECRET] };

/** Sends one webhook with the secret as it is stored. */
async function send(settings: Readonly<Record<string, unknown>>, fields: unknown) {
  const client = { send: async () => ({ SecretString: JSON.stringify(fields) }) } as unknown as SecretsManagerClient;
  const source = createSecretSource({ client, secretId: ID, parse: integrationSecretSchema, log: recordingLog() });
  const services = sendingServices([responded(200)], { secretOf: () => source });
  const webhook = {
    id: 'wh_1',
    eventType: 'course_completion',
    body: '{}',
    integration: integration(settings),
    timeoutMs: 1000,
  } as const;
  return { sent: await sendWebhook(webhook, services), requests: services.requests };
}

const CERTIFICATE = { client_certificate: true };
const BEARER = { auth: { type: 'bearer' } };

test.each([
  ['no signing secrets', {}, { signing_secrets: '' }],
  ['an ill-formed signing secret', BEARER, { signing_secrets: [SIGNING_SECRET, 'hunter2'], bearer_token: 'x' }],
  ['no token', BEARER, { ...SIGNING, bearer_token: null }],
  ['an ill-formed token', BEARER, { ...SIGNING, bearer_token: 'hünter2' }],
  ['a certificate without its key', CERTIFICATE, { ...SIGNING, client_certificate: ACME_CERTIFICATE }],
  ['an ill-formed key', { encrypted_fields: ['a'] }, { ...SIGNING, encryption_key: 'hunter2' }],
])('%s: the commands print the reason of the dead-letter message', async (_, settings, fields) => {
  const { sent, requests } = await send(settings, fields);
  expect(requests).toEqual([]);
  const fault = secretFault(integration(settings), fields, NOW);
  expect({ ...sent, reason: sent.reason.replace(`secret ${ID} has`, 'the secret has') }).toMatchObject({
    kind: 'unsent',
    reason: fault,
  });
  expect(fault).toMatch(/^the secret has (?!.*h[uü]nter2).* need/);
});

test.each([
  [{ api_key: '', bearer_token: null, client_id: '', client_secret: null, encryption_key: '', headers: null }],
  [{ api_key: 'é', bearer_token: {}, client_id: [], client_secret: 5, encryption_key: 'x', headers: 'y' }],
])('an integration is delivered to whatever the keys hold that it does not use: %j', async (unused) => {
  const fields = { ...unused, ...SIGNING };
  expect(secretFault(integration({}), fields, NOW)).toBeUndefined();
  expect((await send({}, fields)).sent).toMatchObject({ kind: 'sent', verdict: 'delivered' });
});
