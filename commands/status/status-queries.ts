import type { MetricDataQuery } from '@aws-sdk/client-cloudwatch';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../lambdas/shared/durations.ts';
import { definitionOf, METRICS, type MetricName, metricsNamespace } from '../../lambdas/shared/metric-definitions.ts';
import type { MeasuredSpan } from '../shared/metric-points.ts';

const PERIOD_SECONDS = 300;

interface QueryOptions {
  readonly periodSeconds?: number;
  /** More than the service that publishes it. */
  readonly dimensions?: Readonly<Record<string, string>>;
  /** `Maximum` for current numbers, whose values must not be added up. */
  readonly stat?: 'Sum' | 'Maximum' | 'p95';
}

/** The sum, or another statistic, of a metric that a stage's functions publish. @param Id by which its points are found */
export function ownQuery(
  Id: string,
  stageName: string,
  MetricName: MetricName,
  { periodSeconds: Period = PERIOD_SECONDS, dimensions = {}, stat: Stat = 'Sum' }: QueryOptions = {},
): MetricDataQuery {
  const [service = ''] = definitionOf(MetricName).services;
  const Dimensions = Object.entries({ service, ...dimensions }).map(([Name, Value]) => ({ Name, Value }));
  const Metric = { Namespace: metricsNamespace(stageName), MetricName, Dimensions };
  return { Id, MetricStat: { Metric, Period, Stat } };
}

/** Queries of the warehouse: that succeeded, failed, and skipped. */
export const WAREHOUSE_METRICS = [METRICS.querySuccess, METRICS.queryFailure, METRICS.querySkipped] as const;

/** The attempts of integrations, by their positions: `s0` those that succeeded, `f0` those that failed. */
export function integrationQueries(stageName: string, ids: readonly string[]): readonly MetricDataQuery[] {
  return ids.flatMap((integration, index) => [
    ownQuery(`s${index}`, stageName, METRICS.deliverySuccess, { dimensions: { integration } }),
    ownQuery(`f${index}`, stageName, METRICS.deliveryFailure, { dimensions: { integration } }),
  ]);
}

/** The age of a queue's oldest message in seconds, as SQS publishes it. */
export function ageQuery(Id: string, queue: string): MetricDataQuery {
  return queueQuery(Id, queue, 'ApproximateAgeOfOldestMessage', { stat: 'Maximum' });
}

/** A metric that SQS publishes of a queue. */
export function queueQuery(
  Id: string,
  queue: string,
  MetricName: 'ApproximateAgeOfOldestMessage' | 'ApproximateNumberOfMessagesVisible' | 'NumberOfMessagesSent',
  { periodSeconds: Period = PERIOD_SECONDS, stat: Stat = 'Sum' }: Omit<QueryOptions, 'dimensions'>,
): MetricDataQuery {
  const Dimensions = [{ Name: 'QueueName', Value: queue }];
  return { Id, MetricStat: { Metric: { Namespace: 'AWS/SQS', MetricName, Dimensions }, Period, Stat } };
}

/** Begins with a period: CloudWatch would cut off the first one otherwise. So it is up to five minutes longer. */
export function lastHour(nowMs: number): MeasuredSpan {
  return spanOf(nowMs, HOUR_MS);
}

/** As `lastHour`. */
export function lastDay(nowMs: number): MeasuredSpan {
  return spanOf(nowMs, DAY_MS);
}

export const WEEK_PERIOD_MS = 3 * HOUR_MS;

/** As `lastHour`, with periods of three hours. */
export function lastWeek(nowMs: number): MeasuredSpan {
  return spanOf(nowMs, 7 * DAY_MS, WEEK_PERIOD_MS);
}

function spanOf(nowMs: number, durationMs: number, periodMs = PERIOD_SECONDS * 1000): MeasuredSpan {
  const fromMs = Math.floor((nowMs - durationMs) / periodMs) * periodMs;
  return { fromMs, untilMs: Math.ceil((nowMs + 1) / MINUTE_MS) * MINUTE_MS };
}
