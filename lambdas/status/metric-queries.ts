import { HOUR_MS, MINUTE_MS } from '../shared/durations.ts';
import { definitionOf, METRICS, type MetricName } from '../shared/metric-definitions.ts';
import type { MetricQuery, MetricSpan } from '../shared/metric-reader.ts';
import type { AttemptCounts } from './health.ts';

const HOUR_SECONDS = 3600;

/** Of the counts of a day: 96 points a metric, since CloudWatch throttles by points a second. */
export const DAY_PERIOD_SECONDS = 900;

/** Of the counts of an hour, and of what was last. */
export const HOUR_PERIOD_SECONDS = 300;

/**
 * The last hours until now, from the beginning of a period: up to a period more than was asked, since CloudWatch would cut
 * the first one off.
 */
export function spanUntil(nowMs: number, hours: number, periodSeconds: number): MetricSpan {
  const periodMs = periodSeconds * 1000;
  return {
    fromMs: Math.floor((nowMs - hours * HOUR_MS) / periodMs) * periodMs,
    untilMs: Math.ceil((nowMs + 1) / MINUTE_MS) * MINUTE_MS,
  };
}

/** The dimensions of the same attempts: those that succeeded, and those that failed. */
const ATTEMPT_METRICS = {
  integration: { successes: METRICS.deliverySuccess, failures: METRICS.deliveryFailure },
  kind: { successes: METRICS.kindSuccess, failures: METRICS.kindFailure },
} as const;

/** Two for each integration, or each kind of event. */
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

/** Of one integration, or one kind of event. @returns undefined where one of the two is not known */
export function attemptsOf(
  values: ReadonlyMap<string, number>,
  by: keyof typeof ATTEMPT_METRICS,
  one: string,
): AttemptCounts | undefined {
  const successes = values.get(keyOf(ATTEMPT_METRICS[by].successes, one));
  const failures = values.get(keyOf(ATTEMPT_METRICS[by].failures, one));
  return successes === undefined || failures === undefined ? undefined : { successes, failures };
}

/** A metric's name is its key. */
export function countQuery(namespace: string, name: MetricName, periodSeconds: number): MetricQuery {
  const dimensions = { service: serviceOf(name) };
  return { key: name, namespace, name, dimensions, statistic: 'Sum', periodSeconds, take: 'sum' };
}

/** Of an hour, as one point; where CloudWatch makes two of it, the worse one. */
export function p95Query(namespace: string, name: MetricName): MetricQuery {
  const dimensions = { service: serviceOf(name) };
  return { key: name, namespace, name, dimensions, statistic: 'p95', periodSeconds: HOUR_SECONDS, take: 'largest' };
}

export const QUEUE_METRICS = {
  messages: 'ApproximateNumberOfMessagesVisible',
  age: 'ApproximateAgeOfOldestMessage',
} as const;

/** What SQS itself publishes of a queue, as it was last. */
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

/** The key of a value whose metric has more dimensions than the service. */
export function keyOf(name: string, of: string): string {
  return `${name} ${of}`;
}

function serviceOf(name: MetricName): string {
  return definitionOf(name).services[0] ?? '';
}
