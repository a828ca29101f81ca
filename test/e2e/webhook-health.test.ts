import { beforeAll, describe, expect, test } from '@jest/globals';
import { METRICS, metricsNamespace } from '../../lambdas/shared/metric-definitions.ts';
import { allHealthSchema, integrationHealthSchema, OPERATIONS_PATHS } from '../../lambdas/status/health-document.ts';
import { GAUGES } from '../../lambdas/status/prometheus.ts';
import { LocalMetrics } from '../../local/cloudwatch/metrics.ts';
import { output } from '../../local/demo/operator.ts';
import { lead } from '../../local/demo/sample-events.ts';
import { awaitQuiet } from '../../local/soak/await-quiet.ts';
import { parsePrometheus } from '../support/parse-prometheus.ts';
import { describeWithPromtool, promtool } from '../support/promtool.ts';
import { deadLettersOf, logged, publishTo, receiptsOf, runningSession, SIGNED, until } from './running-session.ts';

/** One accepts everything, one rejects everything, one has no events. */
const session = runningSession({
  partners: { takes: { answers: 200 }, refuses: { answers: 400 }, silent: { answers: 200 } },
});

async function ask(path: string, authorization?: string) {
  const headers = authorization === undefined ? {} : { authorization };
  const answer = await fetch(`${output(session().platform, 'StatusApiUrl')}${path}`, { headers });
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
}

async function health(rest = '') {
  const { status, text } = await ask(`${OPERATIONS_PATHS.health}${rest}`, SIGNED);
  return { status, body: JSON.parse(text) };
}

/** As an operator finds it. */
function token(): string {
  const { platform } = session();
  const name = output(platform, 'MetricsTokenSecretName');
  return JSON.parse(platform.controlPlane.secretsManager.current(name) ?? '{}').token;
}

const scrape = () => ask(OPERATIONS_PATHS.metrics, `Bearer ${token()}`);

/** What functions have published so far of one metric of an integration. */
function published(name: string, integration: string): number {
  const metrics = new LocalMetrics();
  for (const { text } of session().platform.functions.find('deliver-batch').logs()) metrics.recordLine(text);
  const id = { namespace: metricsNamespace('local'), name, dimensions: { service: 'delivery', integration } };
  return metrics.between(id, 0, Number.POSITIVE_INFINITY).reduce((sum, { value }) => sum + value, 0);
}

let publishedAt: string;

beforeAll(async () => {
  publishedAt = new Date().toISOString();
  await publishTo(session(), 'takes', ['taken-1', 'taken-2', 'taken-3']);
  await publishTo(session(), 'refuses', ['refused-1']);
  await awaitQuiet(session());
  const waits = lead('waits-1', 'takes', 4711, 'calculated', publishedAt, { delay_minutes: 180 });
  await session().publish([JSON.stringify(waits)]);
  await until(session(), async () => (await logged(session(), 'events.enriched')).some(({ timed }) => timed === 1));
  expect(published(METRICS.deliverySuccess, 'takes')).toBe(3);
  expect(published(METRICS.deliveryFailure, 'refuses')).toBe(1);
  expect(receiptsOf(session(), 'takes', 'taken-3')).toHaveLength(1);
  expect(await deadLettersOf(session(), 'refuses')).toHaveLength(1);
});

describe('the health', () => {
  test('counts the attempts that were made, and tells the last error, in all and of each integration', async () => {
    const { status, body } = await health();
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
    expect(all.integrations.refuses?.last_error_time).toBe(all.last_error_time);
  });

  test('of one integration is the same', async () => {
    const { body } = await health('/refuses');
    const { integration, ...one } = integrationHealthSchema.parse(body);
    const { window_hours, read_at, ...own } = one;
    expect({ integration, own }).toEqual({
      integration: 'refuses',
      own: (await health()).body.integrations.refuses,
    });
  });

  test('requires a signature and an existing integration', async () => {
    expect(await ask(OPERATIONS_PATHS.health)).toMatchObject({ status: 403 });
    expect(await ask(OPERATIONS_PATHS.health, `Bearer ${token()}`)).toMatchObject({ status: 403 });
    expect(await health('/nobody')).toMatchObject({ status: 404 });
  });
});

describe('the metrics', () => {
  test('say the same of the last hour', async () => {
    const { status, headers, text } = await scrape();
    expect([status, headers.get('content-type')]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
    const metrics = parsePrometheus(text);
    const samples = (gauge: { readonly name: string }) => metrics.get(gauge.name)?.samples;
    expect(samples(GAUGES.attempts)).toEqual(
      [
        ['takes', 3, 0],
        ['refuses', 0, 1],
        ['silent', 0, 0],
      ].flatMap(([integration, successes, failures]) => [
        { labels: { integration, result: 'success' }, value: successes },
        { labels: { integration, result: 'failure' }, value: failures },
      ]),
    );
    expect(samples(GAUGES.attemptsOfKinds)).toEqual(
      expect.arrayContaining([
        { labels: { kind: 'course_enrollment', result: 'success' }, value: 3 },
        { labels: { kind: 'course_enrollment', result: 'failure' }, value: 1 },
        { labels: { kind: 'lead.hot', result: 'failure' }, value: 0 },
      ]),
    );
    expect(samples(GAUGES.successRatio)).toEqual([{ labels: {}, value: 0.75 }]);
    expect(samples(GAUGES.delivered)).toContainEqual({ labels: { learning_time: 'without' }, value: 3 });
    expect(samples(GAUGES.dead)).toEqual([{ labels: {}, value: 1 }]);
    expect(samples(GAUGES.queueMessages)).toContainEqual({ labels: { queue: 'deliveries_dead_letters' }, value: 1 });
    expect(samples(GAUGES.queueAge)).toEqual([
      { labels: { queue: 'events' }, value: 0 },
      { labels: { queue: 'deliveries' }, value: 0 },
    ]);
    expect([samples(GAUGES.waitingTimers), samples(GAUGES.overdueTimers)]).toEqual([
      [{ labels: {}, value: 1 }],
      [{ labels: {}, value: 0 }],
    ]);
    expect(samples(GAUGES.sourceUp)?.map(({ value }) => value)).toEqual([1, 1, 1]);
    // Without lookups there is no share.
    expect(samples(GAUGES.hitRatio)).toBeUndefined();
  });

  test.each(['nothing', 'another token', 'a signature'])('are refused to %s', async (what) => {
    const authorization = { nothing: undefined, 'another token': 'Bearer guessed', 'a signature': SIGNED }[what];
    const { status, headers } = await ask(OPERATIONS_PATHS.metrics, authorization);
    expect([status, headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
  });

  test('take the token that an operator has put in the place of the first', async () => {
    const first = token();
    const { platform } = session();
    const replaced = JSON.stringify({ token: 'another-token-of-32-characters-and-more' });
    platform.secrets.put(output(platform, 'MetricsTokenSecretName'), replaced);
    // After a wrong token the secret is read again 5 s later.
    await session().skip(5000);
    expect(await scrape()).toMatchObject({ status: 200 });
    expect(await ask(OPERATIONS_PATHS.metrics, `Bearer ${first}`)).toMatchObject({ status: 401 });
  });

  test('and the token are in no log', () => {
    const text = session()
      .platform.functions.find('webhook-health')
      .logs()
      .map((line) => line.text)
      .join('\n');
    expect(text).toContain('operations.responded');
    expect(text).not.toContain(token());
    expect(text).not.toContain('guessed');
  });
});

describeWithPromtool('Prometheus’ own checker', () => {
  test('finds nothing wrong with what the platform shows', async () => {
    expect(promtool(['check', 'metrics'], (await scrape()).text)).toEqual({ status: 0, output: '' });
  });
});
