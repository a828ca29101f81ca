import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { handler } from '../../lambdas/operations/certificate-expiry.ts';
import { METRICS } from '../../lambdas/shared/metric-definitions.ts';
import { type ControlPlane, startControlPlane } from '../../local/control-plane/server.ts';
import { EVENTS_TARGET, eventsApi } from '../../local/event-bridge/put-events.ts';
import { type LedgerServer, startLedgerServer } from '../support/dynamodb.ts';
import { CONTEXT, wearEnvironment } from '../support/handler-wiring.ts';
import { SIGNING_SECRET } from '../support/sending.ts';
import { ACME_KEY, EXPIRED_CERTIFICATE } from '../support/test-only-client-certificates.ts';

// test/operations/publish-certificate-expiry.test.ts has its rules.
let controlPlane: ControlPlane;
let ledger: LedgerServer;
const announced: object[] = [];
beforeAll(async () => {
  [controlPlane, ledger] = await Promise.all([startControlPlane(), startLedgerServer()]);
  const rules = { hasBus: (name: string) => name === 'stage', put: (event: object) => void announced.push(event) };
  controlPlane.registerTarget(EVENTS_TARGET, eventsApi(rules));
  const { appConfig, secretsManager, endpoint } = controlPlane;
  appConfig.defineProfile('app', 'profile', 'AWS.Freeform');
  appConfig.store.defineEnvironment('app', 'env');
  const entry = { id: 'acme', url: 'https://acme.example', client_certificate: true };
  appConfig.deploy('app', 'env', 'profile', JSON.stringify({ integrations: [entry] }));
  const secret = { signing_secrets: [SIGNING_SECRET], client_certificate: EXPIRED_CERTIFICATE, client_key: ACME_KEY };
  secretsManager.put('/local/integrations/acme', JSON.stringify(secret));
  wearEnvironment({
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_ENDPOINT_URL_SECRETS_MANAGER: endpoint,
    AWS_ENDPOINT_URL_APPCONFIGDATA: endpoint,
    AWS_ENDPOINT_URL_EVENTBRIDGE: endpoint,
    AWS_ENDPOINT_URL_DYNAMODB: ledger.endpoint,
    EVENT_BUS_NAME: 'stage',
    LEDGER_TABLE_NAME: ledger.tableName,
    POWERTOOLS_SERVICE_NAME: 'operations',
    POWERTOOLS_METRICS_NAMESPACE: 'deliveries',
    IO_DEADLINE_FACTOR: '1',
    APPCONFIG_APPLICATION_ID: 'app',
    INTEGRATIONS_ENVIRONMENT_ID: 'env',
    INTEGRATIONS_PROFILE_ID: 'profile',
    INTEGRATION_SECRETS_PREFIX: '/local/integrations/',
  });
  // In development, Powertools writes log and metrics with the console, where the test reads them.
  Object.assign(process.env, {
    POWERTOOLS_DEV: 'true',
    POWERTOOLS_METRICS_DISABLED: 'false',
    POWERTOOLS_LOG_LEVEL: 'INFO',
  });
});
afterAll(() => Promise.all([controlPlane.close(), ledger.close()]));
afterEach(() => {
  jest.restoreAllMocks();
});

test('reads the deployed integrations and their secrets, publishes the days, announces once, and nothing of a secret', async () => {
  const written: string[] = [];
  for (const level of ['log', 'info', 'warn'] as const) {
    jest.spyOn(console, level).mockImplementation((line: string) => void written.push(line));
  }
  await handler({}, CONTEXT);
  await handler({}, CONTEXT);
  const detail = { integration_id: 'acme', expires_at: '2025-01-02T00:00:00.000Z' };
  expect(announced).toEqual([expect.objectContaining({ detail: expect.objectContaining(detail) })]);
  const lines = written.map((line) => JSON.parse(line));
  expect(lines.flatMap((line) => line[METRICS.certificateDaysLeft] ?? [])).toEqual([
    ...Array(2).fill(expect.closeTo((Date.UTC(2025, 0, 2) - Date.now()) / 86_400_000, 1)),
  ]);
  expect(lines).toContainEqual(
    expect.objectContaining({ message: 'certificate.expiring', integration_id: 'acme', state: 'expired' }),
  );
  expect(written.join('\n')).not.toMatch(/BEGIN|whsec_/);
});
