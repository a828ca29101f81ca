import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Operation, Work } from '../../../commands/console/operation.ts';
import { OPERATIONS } from '../../../commands/console/operations.ts';
import { waitingReasons } from '../../../commands/integration/integration-health.ts';
import { runProgram } from '../../../commands/main.ts';
import { METRICS, metricsNamespace } from '../../../lambdas/shared/metric-definitions.ts';
import { CLOUDWATCH_TARGET, cloudWatchApi } from '../../../local/cloudwatch/cloudwatch.ts';
import { LocalMetrics } from '../../../local/cloudwatch/metrics.ts';
import { eachTest } from '../../support/each-test.ts';
import { NOW } from '../../support/factories.ts';
import { ACME_CERTIFICATE, ACME_KEY, CLIENT_ISSUER } from '../../support/test-only-client-certificates.ts';
import { DEAD, SCHEDULED, startLedgerOperator } from '../ledger/ledger-operator.ts';

const MINUTE_MS = 60_000;
const SECRET = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
const ACME = {
  ...{
    id: 'acme',
    url: 'https://hooks.acme.example/token-in-path',
    auth: { type: 'bearer' },
    client_certificate: true,
  },
  ...{ headers: [{ name: 'X-Key', value: 'not to be shown' }], contacts: ['someone@acme.example'] },
};

const operator = eachTest(startLedgerOperator);
let metrics: LocalMetrics;

beforeEach(() => {
  const { world } = operator;
  metrics = new LocalMetrics();
  world.plane.registerTarget(
    CLOUDWATCH_TARGET,
    cloudWatchApi(
      metrics,
      () => {},
      () => [],
    ),
  );
  world.deploy({ integrations: [ACME, { id: 'globex', url: 'https://globex.example' }, { id: 'broken', url: 'x' }] });
  world.putSecret('acme', {
    ...{ signing_secrets: [SECRET], bearer_token: 'not to be shown' },
    ...{ client_certificate: `${ACME_CERTIFICATE}\n${CLIENT_ISSUER}`, client_key: ACME_KEY },
  });
});

async function call<I, O, P>({ input, run }: Operation<I, O, P>, given: I): Promise<O> {
  const { context } = operator.world;
  const work: Work<P> = {
    ...{ stage: await context.openStage('local'), context, runProgram, now: context.now },
    ...{ signal: new AbortController().signal, report: async () => {} },
  };
  return run(input.parse(given), work);
}

const { integrations, integrationStatus, integrationSecrets, integration, integrationHealth } = OPERATIONS;

test('the registry is what "integration list --json" prints', async () => {
  await runProgram(['integration', 'list', '--json'], operator.world.context);
  const { from, ...printed } = JSON.parse(operator.world.printed());
  expect(JSON.parse(JSON.stringify(await call(integrations, {})))).toEqual(printed);
  expect(printed.integrations[0]).toMatchObject({ id: 'acme', host: 'hooks.acme.example', auth: 'bearer' });
});

test('one entry: its host and the names of its headers only, its schedules, and how to read its signing secret', async () => {
  const read = await call(integration, { id: 'acme' });
  expect(read).toMatchObject({ faults: [], entry: { host: 'hooks.acme.example', headers: ['X-Key'], contacts: 1 } });
  expect(read.schedules[0]).toMatchObject({ kind: 'course_completion', attempts: { length: 10 } });
  expect(read.read_signing_secret).toContain('get-secret-value --secret-id /local/integrations/acme');
  expect(JSON.stringify(read)).not.toMatch(/token-in-path|not to be shown|someone/);
  expect(await call(integration, { id: 'broken' })).toMatchObject({
    ...{ entry: null, schedules: [], faults: [expect.stringMatching(/^url: /)] },
  });
  await expect(call(integration, { id: 'acne' })).rejects.toThrow('no integration has the id acne: there are acme,');
});

describe('secrets', () => {
  const acme = async () => {
    const [state] = await call(integrationSecrets, { id: 'acme' });
    expect(JSON.stringify(state)).not.toMatch(/whsec_\w|BEGIN|not to be shown/);
    return state;
  };

  test('age, certificate and no value; a secret that is missing is a fault of its own integration only', async () => {
    operator.world.nowMs = NOW + 40 * 24 * 60 * MINUTE_MS;
    expect(await acme()).toMatchObject({
      ...{ id: 'acme', name: '/local/integrations/acme', age_days: 40, fault: null, warning: null },
      signing: { signing: 1, next_step: 'make', all_sign_at: null, old_ends_at: null },
      certificates: [{ pair: 'current', state: 'valid', expires_at: '2125-12-31T00:00:00.000Z' }],
    });
    const all = await call(integrationSecrets, {});
    expect(all.map(({ id, fault }) => [id, fault])).toEqual([
      ['acme', null],
      ['globex', 'secret /local/integrations/globex: is not there, or has no value'],
    ]);
    expect(all[1]).toMatchObject({ written_at: null, age_days: null, signing: null, certificates: [] });
  });

  test('a rotation: where it stands is read from the secret, so another operator sees it too', async () => {
    const { world } = operator;
    await runProgram(['integration', 'rotate', 'acme', '--grace', '24h'], world.context);
    expect((await acme())?.signing).toEqual({
      ...{ signing: 2, next_step: 'wait', all_sign_at: '2026-01-15T12:20:00.000Z' },
      old_ends_at: '2026-01-16T12:00:00.000Z',
    });
    world.nowMs += 20 * MINUTE_MS;
    expect((await acme())?.signing).toMatchObject({ next_step: 'switch' });
    await runProgram(['integration', 'rotate', 'acme', '--partner-has-switched'], world.context);
    expect((await acme())?.signing).toMatchObject({ signing: 1, next_step: 'make', all_sign_at: null });
  });

  test('a next certificate is there beside the current one, usable or not', async () => {
    const { world } = operator;
    world.putSecret('acme', { ...world.secret('acme'), next_client_certificate: 'no PEM' });
    expect((await acme())?.certificates).toEqual([
      expect.objectContaining({ pair: 'current', state: 'valid' }),
      { pair: 'next', state: 'faulty', expires_at: null, days_left: null },
    ]);
  });

  test('a secret without a signing secret has no rotation', async () => {
    operator.world.putSecret('acme', { bearer_token: 'not to be shown' });
    expect(await acme()).toMatchObject({ signing: null, fault: expect.stringContaining('signing_secrets') });
  });
});

describe('state', () => {
  const parked = {
    progress: { ...SCHEDULED.progress, reason: 'parked: integration acme is failing' },
  };

  test('of one integration only it is read, with the number of parked deliveries', async () => {
    await operator.delivery({ integration_id: 'acme', event_id: 'e-1' }, parked as never);
    await operator.delivery({ integration_id: 'acme', event_id: 'e-2' }, parked as never);
    await operator.delivery({ integration_id: 'acme', event_id: 'e-3' }, SCHEDULED);
    const states = await call(integrationStatus, { id: 'acme' });
    expect(states).toEqual([expect.objectContaining({ id: 'acme', parked: 2 })]);
    expect((await call(integrationStatus, {})).map(({ id }) => id)).toEqual(['acme', 'globex', 'broken']);
  });

  test('health: attempts of the last day and hour, and why deliveries wait', async () => {
    const record = (name: string, agoMs: number, value: number) =>
      metrics.record(
        { namespace: metricsNamespace('local'), name, dimensions: { service: 'delivery', integration: 'acme' } },
        NOW - agoMs,
        [value],
      );
    record(METRICS.deliverySuccess, 10 * MINUTE_MS, 3);
    record(METRICS.deliveryFailure, 10 * MINUTE_MS, 1);
    record(METRICS.deliveryFailure, 600 * MINUTE_MS, 16);
    await operator.delivery({ integration_id: 'acme', event_id: 'e-1' }, parked as never);
    await operator.delivery({ integration_id: 'acme', event_id: 'e-2' }, DEAD);
    expect(await call(integrationHealth, { id: 'acme' })).toMatchObject({
      last_day: { status: 'degraded', total_requests: 20, success_rate: 0.15 },
      last_hour: [{ at: '2026-01-15T11:50:00.000Z', successes: 3, failures: 1 }],
      notice: null,
      waiting: [{ reason: 'parked: integration acme is failing', deliveries: 1 }],
    });
  });

  test('a delivery that is read twice waits once, and the most frequent reason is the first', () => {
    const waiting = (webhook_id: string, reason: string, due_at?: string) =>
      ({ webhook_id, reason, state: 'scheduled', ...(due_at && { due_at }) }) as never;
    const later = waiting('wh_2', 'over the rate limit', '2026-01-15T12:02:00.000Z');
    const reasons = waitingReasons([
      waiting('wh_1', 'HTTP 503'),
      later,
      { ...(later as object) } as never,
      waiting('wh_3', 'over the rate limit', '2026-01-15T12:01:00.000Z'),
    ]);
    expect(reasons).toEqual([
      { reason: 'over the rate limit', deliveries: 2, next_at: '2026-01-15T12:01:00.000Z' },
      { reason: 'HTTP 503', deliveries: 1, next_at: null },
    ]);
  });
});
