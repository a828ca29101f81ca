import { HOUR_MS, MINUTE_MS } from '../shared/durations.ts';
import { definitionOf, METRICS, type MetricName } from '../shared/metric-definitions.ts';
import type { MetricQuery, MetricSpan } from '../shared/metric-reader.ts';
import type { AttemptCounts } from './health.ts';

const HOUR_SECONDS = 3600;

/** Period for counts of a day: 96 data points per metric, because CloudWatch throttles by data points per second. */
export const DAY_PERIOD_SECONDS = 900;

/** Period for counts of an hour, and for latest values. */
export const HOUR_PERIOD_SECONDS = 300;

/**
 * The last hours until now, extended to the start of a period, because CloudWatch would omit an incomplete first period.
 */
export function spanUntil(nowMs: number, hours: number, periodSeconds: number): MetricSpan {
  const periodMs = periodSeconds * 1000;
  return {
    fromMs: Math.floor((nowMs - hours * HOUR_MS) / periodMs) * periodMs,
    untilMs: Math.ceil((nowMs + 1) / MINUTE_MS) * MINUTE_MS,
  };
}

/** Metrics of successful and failed attempts, by dimension. Both dimensions count the same attempts. */
const ATTEMPT_METRICS = {
  integration: { successes: METRICS.deliverySuccess, failures: METRICS.deliveryFailure },
  kind: { successes: METRICS.kindSuccess, failures: METRICS.kindFailure },
} as const;

/** Two queries for each integration, or each kind of event. */
export function attemptQueries(
  namespace: string,
  by: keyof typeof ATTEMPT_METRICS,
  all: readonly string[],
  periodSeconds: number,
): readonly MetricQuery[] {
  return all.flatMap((one) =>
    Object.values(ATTEMPT_METRICS[by]).map((name) => ({
      ...countQuery(namespace, name, periodSeconds),
      key: keyOf(name, one),
      dimensions: { service: serviceOf(name), [by]: one },
    })),
  );
}

/** Attempts of one integration, or one kind of event. @returns undefined if either count is unknown */
export function attemptsOf(
  values: ReadonlyMap<string, number>,
  by: keyof typeof ATTEMPT_METRICS,
  one: string,
): AttemptCounts | undefined {
  const successes = values.get(keyOf(ATTEMPT_METRICS[by].successes, one));
  const failures = values.get(keyOf(ATTEMPT_METRICS[by].failures, one));
  return successes === undefined || failures === undefined ? undefined : { successes, failures };
}

/** Query of a sum, with the metric's name as its key. */
export function countQuery(namespace: string, name: MetricName, periodSeconds: number): MetricQuery {
  const dimensions = { service: serviceOf(name) };
  return { key: name, namespace, name, dimensions, statistic: 'Sum', periodSeconds, take: 'sum' };
}

/** Query of a 95th percentile over one hour. If CloudWatch returns two data points, the larger one counts. */
export function p95Query(namespace: string, name: MetricName): MetricQuery {
  const dimensions = { service: serviceOf(name) };
  return { key: name, namespace, name, dimensions, statistic: 'p95', periodSeconds: HOUR_SECONDS, take: 'largest' };
}

export const QUEUE_METRICS = {
  messages: 'ApproximateNumberOfMessagesVisible',
  age: 'ApproximateAgeOfOldestMessage',
} as const;

/** Query of the latest value that SQS publishes for a queue. */
export function queueQuery(queueName: string, what: keyof typeof QUEUE_METRICS): MetricQuery {
  return {
    key: keyOf(QUEUE_METRICS[what], queueName),
    namespace: 'AWS/SQS',
    name: QUEUE_METRICS[what],
    dimensions: { QueueName: queueName },
    statistic: 'Maximum',
    periodSeconds: HOUR_PERIOD_SECONDS,
    take: 'latest',
  };
}

/** The key of a metric with a dimension in addition to the service. */
export function keyOf(name: string, of: string): string {
  return `${name} ${of}`;
}

function serviceOf(name: MetricName): string {
  return definitionOf(name).services[0] ?? '';
}
