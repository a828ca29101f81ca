import type { MetricDataQuery } from '@aws-sdk/client-cloudwatch';
import * as z from 'zod';
import { KINDS } from '../../../lambdas/events/event-types/event-types.ts';
import { METRICS, type MetricName } from '../../../lambdas/shared/metric-definitions.ts';
import { queueName } from '../../../lambdas/shared/queue-name.ts';
import { readPoints, sum } from '../../shared/metric-points.ts';
import type { Stage } from '../../shared/stage.ts';
import {
  type Part,
  partOf,
  type QueueStatus,
  type ReconcilerStatus,
  readQueues,
  readReconciler,
  readWarehouse,
  readWarming,
  type WarehouseStatus,
  type WarmingStatus,
} from '../../status/read-status.ts';
import { lastHour, ownQuery } from '../../status/status-queries.ts';
import { operation } from '../operation.ts';

/** The functions' own metrics that the diagram shows. */
const OWN = {
  rejected: METRICS.eventRejected,
  /** Events that the retry workflow took because the query of their batch failed. */
  queryRetries: METRICS.taskQueued,
  /** Attempts that failed and will be retried. */
  retried: METRICS.deliveryRetry,
  parked: METRICS.deliveryParked,
  deferred: METRICS.deliveryDeferred,
  dead: METRICS.deliveryDead,
  rescued: METRICS.executionRescued,
  resent: METRICS.ledgerResent,
  cacheHits: METRICS.cacheHit,
  cacheMisses: METRICS.cacheMiss,
} as const satisfies Readonly<Record<string, MetricName>>;

/** Counts of the last hour. */
export interface PipelineCounts extends Readonly<Record<keyof typeof OWN, number>> {
  /** Messages that the events queue accepted: those of the LMS. */
  readonly eventsSent: number;
  /** Messages that the deliveries queue accepted, from any sender. */
  readonly deliveriesSent: number;
  /** Attempts with a 2xx response, of both delivery functions. */
  readonly succeeded: number;
  /** Other attempts. */
  readonly failed: number;
  readonly executionsStarted: number;
  /** Failed, timed out or stopped. */
  readonly executionsFailed: number;
}

/** What the arrows of the diagram show. A part that could not be read hides no other. */
export interface ArchitectureNumbers {
  /** By the stage's clock. */
  readonly read_at: string;
  readonly counts: Part<PipelineCounts>;
  readonly queues: Part<readonly QueueStatus[]>;
  readonly warehouse: Part<WarehouseStatus>;
  readonly warming: Part<WarmingStatus>;
  readonly reconciler: Part<ReconcilerStatus>;
}

/** The numbers of the page "Architecture": from the metrics and queues that `./ltw status` reads. */
export const readArchitecture = operation(
  z.strictObject({}),
  async (_input, { stage, now }): Promise<ArchitectureNumbers> => {
    const nowMs = now();
    const [counts, queues, warehouse, warming, reconciler] = await Promise.all([
      partOf(stage, () => readCounts(stage, nowMs)),
      partOf(stage, () => readQueues(stage, nowMs)),
      partOf(stage, () => readWarehouse(stage, nowMs)),
      partOf(stage, () => readWarming(stage, nowMs)),
      partOf(stage, () => readReconciler(stage, nowMs)),
    ]);
    return { read_at: new Date(nowMs).toISOString(), counts, queues, warehouse, warming, reconciler };
  },
);

const ENDS_OF_FAILED_EXECUTIONS = ['ExecutionsFailed', 'ExecutionsTimedOut', 'ExecutionsAborted'] as const;

async function readCounts(stage: Stage, nowMs: number): Promise<PipelineCounts> {
  const groups: Readonly<Record<keyof PipelineCounts, readonly ((id: string) => MetricDataQuery)[]>> = {
    ...ownQueries(stage.name),
    eventsSent: [(id) => sentQuery(id, stage.output('EventsQueueUrl'))],
    deliveriesSent: [(id) => sentQuery(id, stage.output('DeliveriesQueueUrl'))],
    succeeded: KINDS.map((kind) => (id) => ownQuery(id, stage.name, METRICS.kindSuccess, { dimensions: { kind } })),
    failed: KINDS.map((kind) => (id) => ownQuery(id, stage.name, METRICS.kindFailure, { dimensions: { kind } })),
    executionsStarted: [(id) => executionQuery(id, stage, 'ExecutionsStarted')],
    executionsFailed: ENDS_OF_FAILED_EXECUTIONS.map((name) => (id) => executionQuery(id, stage, name)),
  };
  const named = Object.entries(groups).map(
    ([key, queries]) => [key, queries.map((query, index) => query(`${key}${index}`))] as const,
  );
  const points = await readPoints(
    stage.cloudWatch,
    named.flatMap(([, queries]) => queries),
    lastHour(nowMs),
  );
  const counts = named.map(([key, queries]) => [key, sum(queries.flatMap(({ Id = '' }) => points(Id)))]);
  return Object.fromEntries(counts);
}

function ownQueries(stageName: string) {
  const queries = Object.entries(OWN).map(([key, name]) => [key, [(id: string) => ownQuery(id, stageName, name)]]);
  return Object.fromEntries(queries) as Record<keyof typeof OWN, ((id: string) => MetricDataQuery)[]>;
}

const PERIOD_SECONDS = 300;

function sentQuery(Id: string, queueUrl: string): MetricDataQuery {
  const Dimensions = [{ Name: 'QueueName', Value: queueName(queueUrl) }];
  const Metric = { Namespace: 'AWS/SQS', MetricName: 'NumberOfMessagesSent', Dimensions };
  return { Id, MetricStat: { Metric, Period: PERIOD_SECONDS, Stat: 'Sum' } };
}

function executionQuery(Id: string, stage: Stage, MetricName: string): MetricDataQuery {
  const Dimensions = [{ Name: 'StateMachineArn', Value: stage.output('RetryWorkflowArn') }];
  const Metric = { Namespace: 'AWS/States', MetricName, Dimensions };
  return { Id, MetricStat: { Metric, Period: PERIOD_SECONDS, Stat: 'Sum' } };
}
