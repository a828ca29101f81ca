import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { secretFault } from '../../../commands/integration/needed-secrets.ts';
import { sendWebhook } from '../../../lambdas/delivery/send-webhook.ts';
import { integrationSecretSchema } from '../../../lambdas/partners/integration-secret.ts';
import { createSecretSource } from '../../../lambdas/shared/secrets-manager.ts';
import { type ControlPlane, startControlPlane } from '../../../local/control-plane/server.ts';
import { integration } from '../../support/factories.ts';
import { recordingLog } from '../../support/recording-log.ts';
import { answered, SIGNING_SECRET, sendingServices } from '../../support/sending.ts';

const ID = '/test/integrations/acme';
const SIGNING = { signing_secrets: [SIGNING_SECRET] };

let plane: ControlPlane;
let client: SecretsManagerClient;

beforeAll(async () => {
  plane = await startControlPlane();
  client = new SecretsManagerClient({
    endpoint: plane.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'x', secretAccessKey: 'x' },
    maxAttempts: 1,
  });
});

afterAll(async () => {
  client.destroy();
  await plane.close();
});

/** Sends one webhook with the secret as it is stored. */
async function send(settings: Readonly<Record<string, unknown>>, fields: unknown) {
  plane.secretsManager.put(ID, JSON.stringify(fields));
  const source = createSecretSource({ client, secretId: ID, parse: integrationSecretSchema, log: recordingLog() });
  const services = sendingServices([answered(200)], { secretOf: () => source });
  const sent = await sendWebhook(
    { id: 'wh_1', body: '{}', integration: integration(settings), timeoutMs: 1000 },
    services,
  );
  return { sent, requests: services.requests };
}

const BEARER = { auth: { type: 'bearer' } };

test.each([
  ['no signing secrets', {}, { signing_secrets: '' }],
  ['a word as signing secrets', {}, { signing_secrets: 'hunter2' }],
  ['an ill-formed signing secret', BEARER, { signing_secrets: [SIGNING_SECRET, 'hunter2'], bearer_token: 'x' }],
  ['no token', BEARER, { ...SIGNING, bearer_token: null }],
  ['an ill-formed token', BEARER, { ...SIGNING, bearer_token: 'hünter2' }],
  ['an ill-formed key', { encrypted_fields: ['a'] }, { ...SIGNING, encryption_key: 'hunter2' }],
])('of %s the commands say what the dead letter says', async (_, settings, fields) => {
  const { sent, requests } = await send(settings, fields);
  expect(requests).toEqual([]);
  expect(sent.kind).toBe('unsent');
  const sentence = secretFault(integration(settings), fields);
  expect(sent.reason.replace(`secret ${ID} has`, 'the secret has')).toBe(sentence);
  expect(sentence).toMatch(/^the secret has .* need/);
  expect(sentence).not.toMatch(/h[uü]nter2/);
});

test.each([
  [
    'empty and null',
    { api_key: '', bearer_token: null, client_id: '', client_secret: null, encryption_key: '', headers: null },
  ],
  [
    'anything else',
    { api_key: 'é', bearer_token: {}, client_id: [], client_secret: 5, encryption_key: 'x', headers: 'y' },
  ],
])('what an integration does not use may be %s: it is delivered', async (_, unused) => {
  const fields = { ...unused, ...SIGNING };
  expect(secretFault(integration({}), fields)).toBeUndefined();
  expect((await send({}, fields)).sent).toMatchObject({ kind: 'sent', verdict: 'delivered' });
});
