import type { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { runProgram } from '../../../commands/main.ts';
import type { Context } from '../../../commands/shared/context.ts';
import { configuredState, statusOf } from '../../../commands/status/read-integrations.ts';
import type { ListedDelivery } from '../../../lambdas/ledger/ports.ts';
import { METRICS, metricsNamespace } from '../../../lambdas/shared/metric-definitions.ts';
import { FLAG_SEED } from '../../../lib/flag-seed.ts';
import type { DescribedAlarm } from '../../../local/cloudwatch/alarms.ts';
import { CLOUDWATCH_TARGET, cloudWatchApi } from '../../../local/cloudwatch/cloudwatch.ts';
import { LocalMetrics } from '../../../local/cloudwatch/metrics.ts';
import { eachTest } from '../../support/each-test.ts';
import { NOW } from '../../support/factories.ts';
import { DEAD, DELIVERED, SCHEDULED, startLedgerOperator } from '../ledger/ledger-operator.ts';
import { intercept } from '../operator-world.ts';

const MINUTE_MS = 60_000;

const operator = eachTest(() =>
  startLedgerOperator({
    outputs: {
      ...{ FlagsEnvironmentId: 'flags-env', FlagsProfileId: 'flags', FlagsStrategyId: 'at-once' },
      ...{ EventsQueueUrl: 'http://sqs/0/events', DeliveriesQueueUrl: 'http://sqs/0/deliveries' },
      EventsDeadLetterQueueUrl: 'http://sqs/0/events-dead-letters',
      DeliveriesDeadLetterQueueUrl: 'http://sqs/0/deliveries-dead-letters',
    },
  }),
);
let metrics: LocalMetrics;
let alarms: DescribedAlarm[];
let context: Context;
/** Messages by queue: waiting, in flight, delayed. */
let messages: Record<string, readonly [number, number, number]>;

beforeEach(() => {
  const { plane, context: plain } = operator.world;
  metrics = new LocalMetrics();
  alarms = [];
  messages = {};
  plane.registerTarget(
    CLOUDWATCH_TARGET,
    cloudWatchApi(
      metrics,
      () => {},
      () => alarms,
    ),
  );
  plane.appConfig.defineProfile('app', 'flags', 'AWS.AppConfig.FeatureFlags');
  plane.appConfig.deploy('app', 'flags-env', 'flags', JSON.stringify(FLAG_SEED));
  context = {
    ...plain,
    async openStage(name) {
      const stage = await plain.openStage(name);
      intercept(stage.sqs, (command) => {
        const { QueueUrl = '' } = (command as GetQueueAttributesCommand).input;
        const [waiting, inFlight, delayed] = messages[QueueUrl.split('/').at(-1) ?? ''] ?? [0, 0, 0];
        const Attributes = {
          ApproximateNumberOfMessages: String(waiting),
          ApproximateNumberOfMessagesNotVisible: String(inFlight),
          ApproximateNumberOfMessagesDelayed: String(delayed),
        };
        return { Attributes };
      });
      return stage;
    },
  };
});

const run = (...words: readonly string[]) => runProgram(['status', ...words], context);

const lastDocument = () => JSON.parse(operator.world.printed().split('\n').at(-1) ?? '');

async function document() {
  await run('--json');
  return lastDocument();
}

function publish(service: string, name: string, values: readonly number[], more = {}, at = NOW): void {
  metrics.record({ namespace: metricsNamespace('local'), name, dimensions: { service, ...more } }, at, values);
}

function age(queue: string, seconds: number, at = NOW): void {
  metrics.record(
    { namespace: 'AWS/SQS', name: 'ApproximateAgeOfOldestMessage', dimensions: { QueueName: queue } },
    at,
    [seconds],
  );
}

function deploy(...integrations: readonly object[]): void {
  const entry = { url: 'https://partner.example/hook' };
  operator.world.deploy({ integrations: integrations.map((one) => ({ ...entry, ...one })) });
}

const LISTED: ListedDelivery = {
  ...{ webhook_id: 'wh_1', integration_id: 'acme', event_type: 'course_completion', state: 'delivered' },
  ...{ generation: 0, attempt: 1, reason: 'HTTP 200' },
  ...{ accepted_at: '2026-01-15T10:00:00.000Z', changed_at: '2026-01-15T10:00:00.000Z' },
};

const FAILED_TRIES: DescribedAlarm = {
  name: 'learning-time-webhooks-local-failed-tries',
  arn: 'arn:aws:cloudwatch:us-east-1:000000000000:alarm:failed-tries',
  description: 'Over 20% of attempts failed. Impact: late. What to do: docs/runbook.md#failed-tries',
  state: 'ALARM',
  sinceMs: NOW - 5 * MINUTE_MS,
  values: [33.333, 25],
  threshold: 20,
  isComposite: false,
};

test('a stage without traffic: 0, and every part is there', async () => {
  deploy({ id: 'acme' });
  expect(await run()).toBe(0);
  expect(operator.world.printed()).toBe(`stage local, 2026-01-15T12:00:00Z

0 of 0 alarms in ALARM

flag        off; version 1, deployment 1 COMPLETE
warehouse   0 queries in the last hour, 0 failed, 0 skipped; circuit breaker closed
cache       WarmCache has not run in the last day
reconciler  no run in the last day
contacts    none

queue                         waiting  in flight  delayed  oldest
events                        0        0          0        -
deliveries                    0        0          0        -
events dead-letter queue      0        0          0        -
deliveries dead-letter queue  0        0          0        -

integration  state   attempts (1 h)  success  last response  at  next attempt
acme         active  0               -        -              -   -`);
});

test('alarms: 1, since when, value and runbook heading of those in ALARM; the others with alarms --all', async () => {
  const name = 'learning-time-webhooks-local-quiet';
  alarms = [{ ...FAILED_TRIES, name, state: 'OK', sinceMs: undefined }, FAILED_TRIES];
  expect(await run()).toBe(1);
  expect(operator.world.printed()).toContain(`
1 of 2 alarms in ALARM
alarm         state  since                 value  threshold  runbook                       means
failed-tries  ALARM  2026-01-15T11:55:00Z  33.3   20         docs/runbook.md#failed-tries  Over 20% of attempts failed. Impact: late
`);
  expect(await runProgram(['alarms', '--all'], context)).toBe(1);
  expect(operator.world.printed()).toMatch(/\nquiet +ok +- /);
  expect(operator.world.printed()).toContain('1 of 2 alarms of stage local in ALARM: see the runbook');
  const found = {
    ...{ name: 'failed-tries', state: 'ALARM', since: '2026-01-15T11:55:00.000Z', value: 33.333, threshold: 20 },
    ...{ means: 'Over 20% of attempts failed. Impact: late', runbook: 'docs/runbook.md#failed-tries' },
  };
  expect((await document()).alarms.in_alarm).toEqual([found]);
  alarms.pop();
  expect(await runProgram(['alarms', '--json'], context)).toBe(0);
  expect(lastDocument()).toEqual({ stage: 'local', total: 1, in_alarm: 0, alarms: [] });
});

test('what WarmCache loaded, of which version of the table, and whether that is the last', async () => {
  expect((await document()).warming).toEqual({
    ...{ last_run: null, is_behind: null, last_complete: null, entries: null, table_changed: null, unreadable: 0 },
  });
  const early = NOW - 120 * MINUTE_MS;
  publish('warming', METRICS.warmComplete, [1], {}, early);
  publish('warming', METRICS.warmUnreadable, [2, 1], {}, early);
  publish('warming', METRICS.warmBehind, [0], {}, early);
  publish('warming', METRICS.warmEntries, [1234], {}, NOW - 15 * MINUTE_MS);
  publish('warming', METRICS.warmAge, [7200], {}, NOW - 15 * MINUTE_MS);
  publish('warming', METRICS.warmBehind, [1], {}, NOW - 15 * MINUTE_MS);
  expect((await document()).warming).toEqual({
    ...{ last_run: '2026-01-15T11:45:00.000Z', is_behind: true, last_complete: '2026-01-15T10:00:00.000Z' },
    ...{ entries: 1234, table_changed: '2026-01-15T09:45:00.000Z', unreadable: 3 },
  });
  await run();
  expect(operator.world.printed()).toContain(
    'cache       1,234 entries of the table of 2026-01-15T09:45:00Z, behind the table, loaded 2026-01-15T10:00:00Z, 3 rows unreadable',
  );
});

test('flag, warehouse with its circuit breaker, and the reconciler’s last run', async () => {
  const { enable_webhook_learning_time_enrichment: off } = FLAG_SEED.values;
  const on = { ...off, enabled: true, rollout_percentage: 20, pilot_enterprises: ['ent-a'] };
  const flag = { ...FLAG_SEED, values: { enable_webhook_learning_time_enrichment: on } };
  operator.world.plane.appConfig.deploy('app', 'flags-env', 'flags', JSON.stringify(flag));
  publish('enrichment', METRICS.querySuccess, [7]);
  publish('enrichment', METRICS.queryFailure, [3], {}, NOW - 50 * MINUTE_MS);
  publish('enrichment', METRICS.querySkipped, [4], {}, NOW - 30 * MINUTE_MS);
  publish('operations', METRICS.ledgerUnbalanced, [2], {}, NOW - 125 * MINUTE_MS);
  publish('operations', METRICS.ledgerUnbalanced, [0], {}, NOW - 65 * MINUTE_MS);
  expect(await document()).toMatchObject({
    flag: { enabled: true, rollout_percentage: 20, pilots: 1, version: 2, deployment: 2, deployment_state: 'COMPLETE' },
    warehouse: { queries: 10, failed: 3, skipped: 4, circuit_breaker: 'closed' },
    reconciler: { last_run: '2026-01-15T10:55:00.000Z', unbalanced: 0, is_balanced: true },
  });
  publish('enrichment', METRICS.querySkipped, [1]);
  publish('operations', METRICS.ledgerUnbalanced, [5]);
  expect(await document()).toMatchObject({
    warehouse: { skipped: 5, circuit_breaker: 'open' },
    reconciler: { last_run: '2026-01-15T12:00:00.000Z', unbalanced: 5, is_balanced: false },
  });
});

test('queues: what SQS counts, and the age that it published last, unless the queue is empty', async () => {
  messages.events = [12, 3, 1];
  age('events', 400, NOW - 6 * MINUTE_MS);
  age('events', 90);
  age('deliveries', 30);
  await run();
  expect(operator.world.printed()).toMatch(/\nevents +12 +3 +1 +90 s\ndeliveries +0 +0 +0 +-\n/);
});

describe('integrations', () => {
  const integrations = async () => (await document()).integrations;

  test('attempts and success rate of the last hour, the last response of all, and the next attempt', async () => {
    deploy({ id: 'acme' }, { id: 'globex', paused: true });
    publish('delivery', METRICS.deliverySuccess, [2], { integration: 'acme' });
    publish('delivery', METRICS.deliveryFailure, [1], { integration: 'acme' }, NOW - 55 * MINUTE_MS);
    publish('delivery', METRICS.deliveryFailure, [9], { integration: 'acme' }, NOW - 70 * MINUTE_MS);
    for (const [hoursAgo, event_id, left] of [
      [30, 'yesterday', DEAD],
      [2, 'delivered', DELIVERED],
      [1, 'scheduled', SCHEDULED],
    ] as const) {
      operator.at(hoursAgo);
      await operator.delivery({ event_id }, left);
    }
    operator.at(0);
    const acme = {
      ...{ state: 'active', attempts: 3, success_rate: 0.667, last_response: 'HTTP 503' },
      ...{ last_response_at: '2026-01-15T11:00:00.000Z', next_attempt_at: '2026-01-15T12:01:00.000Z' },
    };
    const globex = { state: 'paused', attempts: 0, success_rate: null, last_response: null, next_attempt_at: null };
    expect(await integrations()).toMatchObject([acme, globex]);
  });

  test.each([
    ['active', {}],
    ['paused', { paused: true }],
    ['off', { active: false }],
    ['faulty', { url: 'nowhere' }],
  ] as const)('is %s where its entry has %j', (state, fields) => {
    const entry = { id: 'acme', url: 'https://partner.example', ...fields };
    expect(configuredState(entry, undefined)).toBe(state);
    expect(configuredState(entry, true)).toBe(state === 'active' ? 'paused' : state);
  });

  test.each([
    ['active', 'integration acme is failing', 'failing'],
    ['active', 'HTTP 410, the endpoint is gone', 'gone'],
    ['active', 'integration acme is gone', 'gone'],
    ['active', 'the certificate of integration acme has expired', 'certificate_expired'],
    ['active', 'the certificate of integration acme is incomplete', 'certificate_incomplete'],
    ['active', 'integration acme is paused', 'active'],
    ['paused', 'integration acme is failing', 'paused'],
    ['off', 'integration acme is failing', 'off'],
    ['faulty', 'integration acme is failing', 'faulty'],
  ] as const)('one that is %s, its latest delivery parked for “%s”, is %s', (configured, why, state) => {
    const delivery = (more: object) => ({ ...LISTED, ...more });
    const parked = delivery({ state: 'parked', reason: `parked: ${why}`, changed_at: '2026-01-15T11:00:00.000Z' });
    expect(statusOf(configured, [delivery({}), parked], NOW).state).toBe(state);
    const later = delivery({ changed_at: '2026-01-15T11:30:00.000Z' });
    expect(statusOf(configured, [later, parked], NOW).state).toBe(configured);
  });
});

test('a part that is denied says so, and hides no other', async () => {
  deploy({ id: 'acme' });
  const answer = { __type: 'AccessDeniedException', message: 'you are not authorized to perform dynamodb:Query' };
  operator.front.behave({ status: 400, answer });
  expect(await run()).toBe(0);
  expect(operator.world.printed()).toMatch(/\n\nnot known: .*dynamodb:Query/);
  expect(operator.world.printed()).toContain('\nflag        off;');
});
