import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createFeatureStatusClient } from '../../client/feature-status-client.ts';
import { FEATURE_NAME } from '../../lambdas/shared/metric-definitions.ts';
import { STATUS_PATHS } from '../../lambdas/status/feature-status-document.ts';
import { findStage } from '../../lib/stage.ts';
import { checkStage } from '../../lib/stage-schema.ts';
import { output } from '../../local/demo/operator.ts';
import { POLL_INTERVAL_MS } from '../../local/demo/session.ts';
import { startTokenIssuer } from '../../local/http-api/token-issuer.ts';
import { type Platform, startPlatform } from '../../local/platform.ts';
import { LOCAL_STACK } from '../../local/synthesize.ts';
import { ENTERPRISE, OTHER_ENTERPRISE } from '../support/factories.ts';
import { writeLocalAssembly } from '../support/local-assembly.ts';
import { deployFlag, SIGNED } from './running-session.ts';

const ORIGIN = 'https://lms.example';

const AUDIENCE = 'lms';
const issuer = await startTokenIssuer({ audience: AUDIENCE });
const local = findStage('local');
const browsers = {
  issuer: issuer.url,
  audiences: [AUDIENCE],
  origins: [ORIGIN],
  enterpriseClaim: 'enterprise_customer_uuid',
};
const assembly = writeLocalAssembly(checkStage({ ...local, statusApi: { ...local.statusApi, browsers } }));
let platform: Platform;

beforeAll(async () => {
  platform = await startPlatform({ assemblyDirectory: assembly.directory, stackName: LOCAL_STACK });
});
afterAll(async () => {
  await platform?.stop();
  await issuer.close();
  assembly.remove();
});

async function ask(path: string, authorization?: string) {
  const headers = { origin: ORIGIN, ...(authorization !== undefined && { authorization }) };
  const answer = await fetch(`${output(platform, 'StatusApiUrl')}${path}`, { headers });
  return { status: answer.status, headers: answer.headers, body: JSON.parse(await answer.text()) };
}

const askAsOperator = (query: string) => ask(`${STATUS_PATHS.operators}/${FEATURE_NAME}?${query}`, SIGNED);
const askAsBrowser = async (query: string, claims = {}) =>
  ask(`${STATUS_PATHS.browsers}/${FEATURE_NAME}?${query}`, `Bearer ${await issuer.token(claims)}`);

const of = (enterprise: string) => `enterprise_customer_uuid=${enterprise}`;

describe('operators', () => {
  test('see the seed: off', async () => {
    const { status, body } = await ask(`${STATUS_PATHS.operators}?user_id=user-123`, SIGNED);
    expect([status, body]).toEqual([
      200,
      {
        features: {
          [FEATURE_NAME]: expect.objectContaining({ enabled: false, reason: 'off', rollout_percentage: null }),
        },
        user_id: 'user-123',
        enterprise_customer_uuid: null,
      },
    ]);
  });

  test('must sign', async () => {
    expect(await ask(STATUS_PATHS.operators)).toMatchObject({ status: 403, body: { message: 'Forbidden' } });
  });

  test('see a flag that is switched within one poll interval, on and off again', async () => {
    for (const [values, expected] of [
      [
        { enabled: true, rollout_percentage: 0, pilot_enterprises: [ENTERPRISE] },
        { enabled: true, reason: 'pilot' },
      ],
      [{ enabled: false }, { enabled: false, reason: 'off' }],
    ] as const) {
      deployFlag(platform, values);
      await platform.skip(POLL_INTERVAL_MS);
      const { body } = await askAsOperator(of(ENTERPRISE));
      expect(body).toMatchObject({ ...expected, user_specific: true });
    }
  });
});

describe('browsers', () => {
  beforeAll(async () => {
    deployFlag(platform, { enabled: true, rollout_percentage: 0, pilot_enterprises: [ENTERPRISE] });
    await platform.skip(POLL_INTERVAL_MS);
  });

  test('get the state of their token’s enterprise, and the general one', async () => {
    const claims = { enterprise_customer_uuid: ENTERPRISE };
    const own = await askAsBrowser(of(ENTERPRISE), claims);
    expect(own).toMatchObject({ status: 200, body: { enabled: true, user_specific: true, reason: 'pilot' } });
    expect(own.headers.get('access-control-allow-origin')).toBe(ORIGIN);
    expect(own.headers.get('cache-control')).toBe('private, max-age=15');
    expect(await askAsBrowser('user_id=7')).toMatchObject({ body: { enabled: true, user_specific: false } });
  });

  test('need a token of the issuer for this audience', async () => {
    const unauthorized = { status: 401, body: { message: 'Unauthorized' } };
    expect(await ask(STATUS_PATHS.browsers)).toMatchObject(unauthorized);
    expect(await askAsBrowser('', { aud: 'another' })).toMatchObject(unauthorized);
    expect(await ask(STATUS_PATHS.browsers, SIGNED)).toMatchObject(unauthorized);
  });

  test('do not pass by the operators’ routes', async () => {
    const authorization = `Bearer ${await issuer.token()}`;
    expect(await ask(STATUS_PATHS.operators, authorization)).toMatchObject({ status: 403 });
  });
});

test('the function’s log has no requested ids', () => {
  const lines = platform.functions.find('feature-status').logs();
  const text = lines.map((line) => line.text).join('\n');
  expect(text).toContain('feature_status.responded');
  expect(text).not.toMatch(new RegExp(`user-123|${ENTERPRISE}|${OTHER_ENTERPRISE}`));
});

test('the client for pages understands it, and whom it is refused for', async () => {
  deployFlag(platform, { enabled: true, rollout_percentage: 100 });
  const client = createFeatureStatusClient({
    baseUrl: output(platform, 'StatusApiUrl'),
    getToken: () => issuer.token({ enterprise_customer_uuid: ENTERPRISE }),
  });
  const mine = { enterpriseCustomerUuid: ENTERPRISE };
  await platform.skip(POLL_INTERVAL_MS);
  expect(await client.feature(FEATURE_NAME, mine)).toMatchObject({ user_specific: true, reason: 'within_percentage' });
  expect(await client.feature(FEATURE_NAME, { userId: 'me' })).toMatchObject({ user_specific: false });
  const refused = (status: number) => ({ name: 'StatusRefused', status });
  await expect(client.features({ enterpriseCustomerUuid: OTHER_ENTERPRISE })).rejects.toMatchObject(refused(403));
  await expect(client.feature('no_feature', mine)).rejects.toMatchObject(refused(404));
  await expect(client.features({ userId: 'me@example.com' })).rejects.toMatchObject(refused(400));
  const expired = createFeatureStatusClient({ baseUrl: output(platform, 'StatusApiUrl'), getToken: () => 'expired' });
  await expect(expired.features(mine)).rejects.toMatchObject(refused(401));
});
