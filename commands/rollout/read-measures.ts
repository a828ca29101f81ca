import type { MetricDataQuery } from '@aws-sdk/client-cloudwatch';
import { METRICS, type MetricName, metricsNamespace } from '../../lambdas/shared/metric-definitions.ts';
import { largest, type MeasuredSpan, type Point, readPoints, sum } from '../shared/metric-points.ts';
import type { Stage } from '../shared/stage.ts';

/** Shortest period of counts: CloudWatch keeps shorter ones for 15 days only, and these for 63. */
export const PERIOD_SECONDS = 300;

/** Longest period of a percentile. */
const DAY_SECONDS = 86_400;

/** Code bases that publish (POWERTOOLS_SERVICE_NAME). */
export type Service = 'enrichment' | 'delivery';

/** Counts that are read, and who publishes them. */
export const COUNTS = {
  deliveredWith: ['delivery', METRICS.deliveredWithLearningTime],
  deliveredWithout: ['delivery', METRICS.deliveredWithoutLearningTime],
  dead: ['delivery', METRICS.deliveryDead],
  retried: ['delivery', METRICS.deliveryRetry],
  fallbacks: ['delivery', METRICS.enrichmentFallback],
  cacheHits: ['enrichment', METRICS.cacheHit],
  cacheMisses: ['enrichment', METRICS.cacheMiss],
  querySuccesses: ['enrichment', METRICS.querySuccess],
  queryFailures: ['enrichment', METRICS.queryFailure],
} as const satisfies Readonly<Record<string, readonly [Service, MetricName]>>;

/** Durations of which the p95 is read. */
export const DURATIONS = {
  latencyP95Ms: ['delivery', METRICS.deliveryLatency],
  queryP95Ms: ['enrichment', METRICS.queryDuration],
} as const satisfies Readonly<Record<string, readonly [Service, MetricName]>>;

/**
 * What CloudWatch knows of a span.
 *
 * @param span both ends at a multiple of `PERIOD_SECONDS`
 * @param queueNames those whose messages may pile up
 * @throws CommandFailed where CloudWatch withholds a metric; what the client throws
 */
export async function readMeasures(
  { cloudWatch, name: stageName }: Pick<Stage, 'cloudWatch' | 'name'>,
  queueNames: readonly string[],
  span: MeasuredSpan,
): Promise<Measures> {
  const points = await readPoints(cloudWatch, metricQueries(stageName, queueNames, span), span);
  const count = (id: keyof typeof COUNTS) => sum(points(id));
  return {
    deliveredWith: count('deliveredWith'),
    deliveredWithout: count('deliveredWithout'),
    dead: count('dead'),
    retried: count('retried'),
    fallbacks: count('fallbacks'),
    cacheHits: count('cacheHits'),
    cacheMisses: count('cacheMisses'),
    ...recentLookUps(points('cacheHits'), points('cacheMisses'), span),
    querySuccesses: count('querySuccesses'),
    queryFailures: count('queryFailures'),
    busiestHourQueries: busiestHour([...points('querySuccesses'), ...points('queryFailures')]),
    // One value for each day; should CloudWatch cut them at other times, all the same the worst.
    latencyP95Ms: largest(points('latencyP95Ms')),
    queryP95Ms: largest(points('queryP95Ms')),
    deepestQueue: largest(queueNames.flatMap((_, index) => points(queueId(index)))),
  };
}

export function metricQueries(
  stageName: string,
  queueNames: readonly string[],
  { fromMs, untilMs }: MeasuredSpan,
): MetricDataQuery[] {
  const Namespace = metricsNamespace(stageName);
  const percentilePeriod = Math.min((untilMs - fromMs) / 1000, DAY_SECONDS);
  const ours = (Id: string, [service, MetricName]: readonly [Service, MetricName], Period: number, Stat: string) => {
    const Dimensions = [{ Name: 'service', Value: service }];
    return { Id, MetricStat: { Metric: { Namespace, MetricName, Dimensions }, Period, Stat } };
  };
  const queues = queueNames.map((name, index) => {
    const Dimensions = [{ Name: 'QueueName', Value: name }];
    const Metric = { Namespace: 'AWS/SQS', MetricName: 'ApproximateNumberOfMessagesVisible', Dimensions };
    return { Id: queueId(index), MetricStat: { Metric, Period: PERIOD_SECONDS, Stat: 'Maximum' } };
  });
  return [
    ...Object.entries(COUNTS).map(([id, metric]) => ours(id, metric, PERIOD_SECONDS, 'Sum')),
    ...Object.entries(DURATIONS).map(([id, metric]) => ours(id, metric, percentilePeriod, 'p95')),
    ...queues,
  ];
}

function queueId(index: number): string {
  return `queue${index}`;
}

/** The metrics of a span. A count is 0, and any other figure undefined, if nothing was published. */
export interface Measures {
  readonly deliveredWith: number;
  readonly deliveredWithout: number;
  readonly dead: number;
  /** Attempts that failed and are retried. */
  readonly retried: number;
  readonly fallbacks: number;
  readonly cacheHits: number;
  readonly cacheMisses: number;
  /** Of the last hour, or of as many hours as have 20 look-ups. */
  readonly recentCacheHits: number;
  readonly recentCacheMisses: number;
  readonly querySuccesses: number;
  readonly queryFailures: number;
  /** Queries in the hour that had most of them; of a shorter span, in all of it. */
  readonly busiestHourQueries: number;
  readonly latencyP95Ms: number | undefined;
  readonly queryP95Ms: number | undefined;
  /** Messages that were visible at once in the longer of the two queues. */
  readonly deepestQueue: number | undefined;
}

const HOUR_MS = 3600_000;

/** The largest sum that any 60 minutes in a row have. @param points in any order */
export function busiestHour(points: readonly Point[]): number {
  const sums = points.map(({ at: from }) => sum(points.filter(({ at }) => at >= from && at < from + HOUR_MS)));
  return Math.max(0, ...sums);
}

/** Fewer say nothing about a share. */
const ENOUGH_LOOK_UPS = 20;

/**
 * Cache look-ups of the last hour. A quiet stage has few, so the span is extended by whole hours until there are 20.
 *
 * @param hits in any order, all in `span`, and so are `misses`
 */
export function recentLookUps(
  hits: readonly Point[],
  misses: readonly Point[],
  { fromMs, untilMs }: MeasuredSpan,
): Pick<Measures, 'recentCacheHits' | 'recentCacheMisses'> {
  for (let sinceMs = untilMs - HOUR_MS; ; sinceMs -= HOUR_MS) {
    const recentCacheHits = sum(hits.filter(({ at }) => at >= sinceMs));
    const recentCacheMisses = sum(misses.filter(({ at }) => at >= sinceMs));
    if (recentCacheHits + recentCacheMisses >= ENOUGH_LOOK_UPS || sinceMs <= fromMs) {
      return { recentCacheHits, recentCacheMisses };
    }
  }
}
