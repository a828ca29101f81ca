import type { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { beforeEach, expect, test } from '@jest/globals';
import { readArchitecture } from '../../../commands/console/operations/architecture.ts';
import { openStage } from '../../../commands/shared/stage.ts';
import { METRICS, metricsNamespace } from '../../../lambdas/shared/metric-definitions.ts';
import { CLOUDWATCH_TARGET, cloudWatchApi } from '../../../local/cloudwatch/cloudwatch.ts';
import { LocalMetrics } from '../../../local/cloudwatch/metrics.ts';
import { eachTest } from '../../support/each-test.ts';
import { NOW } from '../../support/factories.ts';
import { intercept, startOperatorWorld } from '../operator-world.ts';

const world = eachTest(() =>
  startOperatorWorld({
    outputs: {
      ...{ EventsQueueUrl: 'http://sqs/0/events', DeliveriesQueueUrl: 'http://sqs/0/deliveries' },
      EventsDeadLetterQueueUrl: 'http://sqs/0/events-dead-letters',
      DeliveriesDeadLetterQueueUrl: 'http://sqs/0/deliveries-dead-letters',
      RetryWorkflowArn: 'arn:workflow',
    },
  }),
);
let metrics: LocalMetrics;

beforeEach(() => {
  metrics = new LocalMetrics();
  const api = cloudWatchApi(
    metrics,
    () => {},
    () => [],
  );
  world.plane.registerTarget(CLOUDWATCH_TARGET, api);
});

/** What the page receives. @param waiting messages by queue; without any, SQS denies the call */
async function numbers(waiting?: Readonly<Record<string, number>>) {
  const stage = await openStage('local', {}, world.stateFile);
  intercept(stage.sqs, (command) => {
    if (waiting === undefined)
      throw Object.assign(new Error('not authorized'), { name: 'AccessDenied', $fault: 'client' });
    const name = (command as GetQueueAttributesCommand).input.QueueUrl?.split('/').at(-1) ?? '';
    return { Attributes: { ApproximateNumberOfMessages: String(waiting[name] ?? 0) } };
  });
  try {
    return await readArchitecture.run(
      {},
      {
        ...{ stage, context: world.context, runProgram: async () => 0, signal: new AbortController().signal },
        ...{ now: () => NOW, report: async () => {} },
      },
    );
  } finally {
    stage.close();
  }
}

function publish(namespace: string, name: string, dimensions: Record<string, string>, value: number, at = NOW): void {
  metrics.record({ namespace, name, dimensions }, at, [value]);
}

const OWN = metricsNamespace('local');
const HOUR_MS = 3_600_000;

test('a stage without traffic has zeros', async () => {
  const { read_at, counts, queues, reconciler } = await numbers({});
  expect(read_at).toBe('2026-01-15T12:00:00.000Z');
  expect(new Set(Object.values(counts))).toEqual(new Set([0]));
  expect(Object.keys(counts)).toHaveLength(16);
  expect(queues).toMatchObject([{ waiting: 0 }, { waiting: 0 }, { waiting: 0 }, { waiting: 0 }]);
  expect(reconciler).toEqual({ last_run: null, unbalanced: null, is_balanced: null });
});

test('adds up the last hour, over kinds of events and ends of executions', async () => {
  publish('AWS/SQS', 'NumberOfMessagesSent', { QueueName: 'events' }, 70);
  publish('AWS/SQS', 'NumberOfMessagesSent', { QueueName: 'deliveries' }, 60);
  publish(OWN, METRICS.kindSuccess, { service: 'delivery', kind: 'course_completion' }, 50);
  publish(OWN, METRICS.kindSuccess, { service: 'delivery', kind: 'lead.hot' }, 5, NOW - HOUR_MS / 2);
  publish(OWN, METRICS.kindSuccess, { service: 'delivery', kind: 'lead.hot' }, 1000, NOW - 2 * HOUR_MS);
  publish(OWN, METRICS.kindFailure, { service: 'delivery', kind: 'lead.hot' }, 3);
  publish(OWN, METRICS.deliveryRetry, { service: 'delivery' }, 2);
  publish(OWN, METRICS.cacheHit, { service: 'enrichment' }, 40);
  publish(OWN, METRICS.cacheMiss, { service: 'enrichment' }, 10);
  publish(OWN, METRICS.ledgerResent, { service: 'operations' }, 4);
  publish('AWS/States', 'ExecutionsStarted', { StateMachineArn: 'arn:workflow' }, 9);
  publish('AWS/States', 'ExecutionsFailed', { StateMachineArn: 'arn:workflow' }, 1);
  publish('AWS/States', 'ExecutionsAborted', { StateMachineArn: 'arn:workflow' }, 1);
  const { counts, queues } = await numbers({ events: 12, 'deliveries-dead-letters': 2 });
  expect(counts).toMatchObject({
    ...{ eventsSent: 70, deliveriesSent: 60, succeeded: 55, failed: 3, retried: 2, cacheHits: 40, cacheMisses: 10 },
    ...{ resent: 4, executionsStarted: 9, executionsFailed: 2, dead: 0 },
  });
  expect(queues).toMatchObject([{ waiting: 12 }, { waiting: 0 }, { waiting: 0 }, { waiting: 2 }]);
});

test('a part that is denied says so, and hides no other', async () => {
  publish(OWN, METRICS.deliveryDead, { service: 'delivery' }, 1);
  const { counts, queues } = await numbers();
  expect(counts).toMatchObject({ dead: 1 });
  expect(queues).toEqual({ error: expect.stringContaining('not authorized') });
});
