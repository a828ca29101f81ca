import { beforeAll, describe, expect, test } from '@jest/globals';
import { createFeatureStatusClient } from '../../client/feature-status-client.ts';
import { FEATURE_NAME } from '../../lambdas/shared/metric-definitions.ts';
import { STATUS_PATHS } from '../../lambdas/status/feature-status-document.ts';
import { allHealthSchema, integrationHealthSchema, OPERATIONS_PATHS } from '../../lambdas/status/health-document.ts';
import { GAUGES } from '../../lambdas/status/prometheus.ts';
import { output } from '../../local/demo/operator.ts';
import { ENTERPRISE, lead } from '../../local/demo/sample-events.ts';
import { awaitQuiet } from '../../local/soak/await-quiet.ts';
import { OTHER_ENTERPRISE } from '../support/factories.ts';
import { parsePrometheus } from '../support/parse-prometheus.ts';
import { deployFlag, logged, publishTo, runningSession, SIGNED, until } from './running-session.ts';

/** One accepts everything, one rejects everything, one has no events. */
const session = runningSession({
  partners: { takes: { behaviour: 200 }, refuses: { behaviour: 400 }, silent: { behaviour: 200 } },
});

const ORIGIN = 'http://127.0.0.1:9999';
const apiUrl = () => output(session().platform, 'StatusApiUrl');

async function ask(path: string, authorization?: string) {
  const headers = { origin: ORIGIN, ...(authorization !== undefined && { authorization }) };
  const answer = await fetch(`${apiUrl()}${path}`, { headers });
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
}

async function askJson(path: string, authorization?: string) {
  const { status, headers, text } = await ask(path, authorization);
  return { status, headers, body: JSON.parse(text) };
}

describe('health and metrics', () => {
  let publishedAt: string;

  beforeAll(async () => {
    publishedAt = new Date().toISOString();
    await publishTo(session(), 'takes', ['taken-1', 'taken-2', 'taken-3']);
    await publishTo(session(), 'refuses', ['refused-1']);
    await awaitQuiet(session());
    const waits = lead('waits-1', 'takes', 4711, 'calculated', publishedAt, { delay_minutes: 180 });
    await session().publish([JSON.stringify(waits)]);
    await until(session(), async () =>
      (await logged(session(), 'events.enriched')).some(({ scheduled }) => scheduled === 1),
    );
  });

  /** As an operator finds it. */
  function token(): string {
    const { platform } = session();
    const name = output(platform, 'MetricsTokenSecretName');
    return JSON.parse(platform.controlPlane.secretsManager.current(name) ?? '{}').token;
  }

  test('health counts the attempts that were made, and has the last error, in all and of each integration', async () => {
    const { status, body } = await askJson(OPERATIONS_PATHS.health, SIGNED);
    expect(status).toBe(200);
    const all = allHealthSchema.parse(body);
    expect(all).toMatchObject({
      total_requests: 4,
      success_count: 3,
      error_count: 1,
      success_rate: 0.75,
      last_error_message: 'HTTP 400',
      status: 'degraded',
      integrations: {
        takes: { total_requests: 3, error_count: 0, last_error_time: null, status: 'healthy' },
        refuses: { total_requests: 1, success_rate: 0, last_error_message: 'HTTP 400', status: 'degraded' },
        silent: { total_requests: 0, success_rate: null, last_error_message: null, status: 'healthy' },
      },
      kinds: {
        course_enrollment: { total_requests: 4, success_rate: 0.75, status: 'degraded' },
        'lead.hot': { total_requests: 0, success_rate: null, status: 'healthy' },
      },
    });
    expect(String(all.last_error_time) >= publishedAt).toBe(true);
    const one = integrationHealthSchema.parse((await askJson(`${OPERATIONS_PATHS.health}/refuses`, SIGNED)).body);
    expect(one).toMatchObject({ integration: 'refuses', ...all.integrations.refuses });
    expect(await askJson(`${OPERATIONS_PATHS.health}/unknown`, SIGNED)).toMatchObject({ status: 404 });
  });

  test('metrics have the same of the last hour', async () => {
    const { status, headers, text } = await ask(OPERATIONS_PATHS.metrics, `Bearer ${token()}`);
    expect([status, headers.get('content-type')]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
    const metrics = parsePrometheus(text);
    const samples = (gauge: { readonly name: string }) => metrics.get(gauge.name)?.samples;
    const attempts = [
      ['takes', 3, 0],
      ['refuses', 0, 1],
      ['silent', 0, 0],
    ].flatMap(([integration, successes, failures]) => [
      { labels: { integration, result: 'success' }, value: successes },
      { labels: { integration, result: 'failure' }, value: failures },
    ]);
    expect(samples(GAUGES.attempts)).toEqual(attempts);
    expect(samples(GAUGES.attemptsOfKinds)).toContainEqual({
      labels: { kind: 'course_enrollment', result: 'success' },
      value: 3,
    });
    expect(samples(GAUGES.successRatio)).toEqual([{ labels: {}, value: 0.75 }]);
    expect(samples(GAUGES.delivered)).toContainEqual({ labels: { learning_time: 'without' }, value: 3 });
    expect(samples(GAUGES.dead)).toEqual([{ labels: {}, value: 1 }]);
    expect(samples(GAUGES.queueMessages)).toContainEqual({ labels: { queue: 'deliveries_dead_letters' }, value: 1 });
    expect(samples(GAUGES.queueAge)).toEqual([
      { labels: { queue: 'events' }, value: 0 },
      { labels: { queue: 'deliveries' }, value: 0 },
    ]);
    expect(samples(GAUGES.waitingTimers)).toEqual([{ labels: {}, value: 1 }]);
    expect(samples(GAUGES.overdueTimers)).toEqual([{ labels: {}, value: 0 }]);
    expect(samples(GAUGES.sourceUp)?.map(({ value }) => value)).toEqual([1, 1, 1]);
  });

  test('health requires a signature, metrics require the token; none is logged', async () => {
    expect(await ask(OPERATIONS_PATHS.health)).toMatchObject({ status: 403 });
    expect(await ask(OPERATIONS_PATHS.health, `Bearer ${token()}`)).toMatchObject({ status: 403 });
    for (const authorization of [undefined, 'Bearer guessed', SIGNED]) {
      const { status, headers } = await ask(OPERATIONS_PATHS.metrics, authorization);
      expect([status, headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    }
    const log = textOfLog('webhook-health');
    expect(log).toContain('operations.responded');
    expect(log).not.toMatch(new RegExp(`${token()}|guessed`));
  });
});

/** All that a function has logged. */
function textOfLog(functionName: string): string {
  const lines = session().platform.functions.find(functionName).logs();
  return lines.map(({ text }) => text).join('\n');
}

describe('the status API', () => {
  const PILOT = { enabled: true, rollout_percentage: 0, pilot_enterprises: [ENTERPRISE] };
  const featureOf = (start: string) => `${start}/${FEATURE_NAME}?enterprise_customer_uuid=${ENTERPRISE}`;

  /** A token of the issuer with these claims. */
  async function tokenWith(claims: Readonly<Record<string, string>> = {}): Promise<string> {
    return (await fetch(`${session().platform.issuerUrl}/token?${new URLSearchParams(claims)}`)).text();
  }

  const tokenOfEnterprise = () => tokenWith({ enterprise_customer_uuid: ENTERPRISE });

  async function deploy(values: object): Promise<void> {
    deployFlag(session().platform, values);
    await session().skipPollInterval();
  }

  test('operators see a switched flag within one poll interval, on and off again', async () => {
    for (const [values, expected] of [
      [PILOT, { enabled: true, reason: 'pilot' }],
      [{ enabled: false }, { enabled: false, reason: 'off' }],
    ] as const) {
      await deploy(values);
      const { body } = await askJson(featureOf(STATUS_PATHS.operators), SIGNED);
      expect(body).toMatchObject({ ...expected, user_specific: true });
    }
  });

  test('browsers get the state of their token’s enterprise, and no other', async () => {
    await deploy(PILOT);
    const path = featureOf(STATUS_PATHS.browsers);
    const own = await askJson(path, `Bearer ${await tokenOfEnterprise()}`);
    expect(own).toMatchObject({ status: 200, body: { enabled: true, user_specific: true, reason: 'pilot' } });
    expect(own.headers.get('access-control-allow-origin')).toBe(ORIGIN);
    expect(own.headers.get('cache-control')).toBe('private, max-age=15');
    const other = await tokenWith({ enterprise_customer_uuid: OTHER_ENTERPRISE });
    expect(await ask(path, `Bearer ${other}`)).toMatchObject({ status: 403 });
  });

  test('browsers need a token of the issuer for this audience, operators a signature', async () => {
    for (const authorization of [undefined, SIGNED, `Bearer ${await tokenWith({ aud: 'another' })}`]) {
      expect(await ask(STATUS_PATHS.browsers, authorization)).toMatchObject({ status: 401 });
    }
    for (const authorization of [undefined, `Bearer ${await tokenWith()}`]) {
      expect(await ask(STATUS_PATHS.operators, authorization)).toMatchObject({ status: 403 });
    }
  });

  test('the client for pages understands it, and whom it is refused for', async () => {
    await deploy({ enabled: true, rollout_percentage: 100 });
    const client = createFeatureStatusClient({ baseUrl: apiUrl(), getToken: tokenOfEnterprise });
    const mine = { enterpriseCustomerUuid: ENTERPRISE };
    const refused = (status: number) => ({ name: 'StatusRefused', status });
    expect(await client.feature(FEATURE_NAME, mine)).toMatchObject({
      user_specific: true,
      reason: 'within_percentage',
    });
    expect(await client.feature(FEATURE_NAME, { userId: 'me' })).toMatchObject({ user_specific: false });
    await expect(client.features({ enterpriseCustomerUuid: OTHER_ENTERPRISE })).rejects.toMatchObject(refused(403));
    await expect(client.feature('no_feature', mine)).rejects.toMatchObject(refused(404));
    await expect(client.features({ userId: 'me@example.com' })).rejects.toMatchObject(refused(400));
    const expired = createFeatureStatusClient({ baseUrl: apiUrl(), getToken: () => 'expired' });
    await expect(expired.features(mine)).rejects.toMatchObject(refused(401));
  });

  test('the function’s log has no requested ids', async () => {
    await ask(`${STATUS_PATHS.operators}?user_id=user-123&enterprise_customer_uuid=${ENTERPRISE}`, SIGNED);
    const log = textOfLog('feature-status');
    expect(log).toContain('feature_status.responded');
    expect(log).not.toMatch(new RegExp(`user-123|${ENTERPRISE}`));
  });
});
