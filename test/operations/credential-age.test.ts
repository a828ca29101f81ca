import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { handler } from '../../lambdas/operations/credential-age.ts';
import { METRICS } from '../../lambdas/shared/metric-definitions.ts';
import { type ControlPlane, startControlPlane } from '../../local/control-plane/server.ts';
import { CONTEXT, wearEnvironment } from '../support/handler-wiring.ts';

const SECRET = '/local/snowflake';
const DAY_MS = 24 * 3600_000;

let controlPlane: ControlPlane;
let written: string[];
beforeAll(async () => {
  controlPlane = await startControlPlane();
  wearEnvironment({
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_ENDPOINT_URL_SECRETS_MANAGER: controlPlane.endpoint,
    POWERTOOLS_SERVICE_NAME: 'operations',
    POWERTOOLS_METRICS_NAMESPACE: 'deliveries',
    IO_DEADLINE_FACTOR: '1',
    SNOWFLAKE_SECRET_ID: SECRET,
  });
  // In development, Powertools writes log and metrics with the console, where the test reads them.
  Object.assign(process.env, {
    POWERTOOLS_DEV: 'true',
    POWERTOOLS_METRICS_DISABLED: 'false',
    POWERTOOLS_LOG_LEVEL: 'INFO',
  });
});
afterAll(() => controlPlane.close());
beforeEach(() => {
  written = [];
  for (const level of ['log', 'info', 'warn'] as const) {
    jest.spyOn(console, level).mockImplementation((line: string) => void written.push(line));
  }
});
afterEach(() => {
  jest.restoreAllMocks();
});

/** The published ages, in days. */
function ages(): unknown[] {
  return written
    .map((line) => JSON.parse(line)[METRICS.credentialAge])
    .filter((age) => age !== undefined)
    .flat();
}

test('a secret without a value has no age, which is logged', async () => {
  controlPlane.secretsManager.define(SECRET);
  await handler({}, CONTEXT);
  expect(ages()).toEqual([]);
  expect(written.join('\n')).toContain('credential.missing');
});

test('publishes the days since the current value was written, and nothing of the value', async () => {
  controlPlane.secretsManager.put(SECRET, '{"private_key":"an old one"}');
  controlPlane.secretsManager.put(SECRET, '{"private_key":"the new one"}');
  jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 81.5 * DAY_MS);
  await handler({}, CONTEXT);
  expect(ages()).toEqual([expect.closeTo(81.5, 2)]);
  expect(written.join('\n')).not.toMatch(/private_key|an old one|the new one/);
});

test('fails if Secrets Manager does not respond, so that Lambda retries', async () => {
  controlPlane.secretsManager.setDown(true);
  await expect(handler({}, CONTEXT)).rejects.toThrow();
  controlPlane.secretsManager.setDown(false);
  expect(ages()).toEqual([]);
});
