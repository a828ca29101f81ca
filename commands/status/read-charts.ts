import type { MetricDataQuery } from '@aws-sdk/client-cloudwatch';
import { MINUTE_MS } from '../../lambdas/shared/durations.ts';
import { EVALUATION_REASONS, FEATURE_NAME, METRICS } from '../../lambdas/shared/metric-definitions.ts';
import { queueName } from '../../lambdas/shared/queue-name.ts';
import { largest, type MeasuredSpan, type Points, readPoints } from '../shared/metric-points.ts';
import type { Stage } from '../shared/stage.ts';
import { lastHour, lastWeek, ownQuery, queueQuery, WEEK_PERIOD_MS } from './status-queries.ts';

export const CHART_SPANS = ['hour', 'week'] as const;
export type ChartSpan = (typeof CHART_SPANS)[number];

/** At most 65 points: as many bars as a small chart can draw. */
const PERIODS_MS: Readonly<Record<ChartSpan, number>> = { hour: MINUTE_MS, week: WEEK_PERIOD_MS };

/** CloudWatch may show a metric so much later than it was published. */
const LATE_MS = 2 * MINUTE_MS;

/** One value for each period. Null: there is none. */
export type Series = readonly (number | null)[];

/** The span as one number; a rate or percentile is null where there was nothing to measure. */
export interface Totals {
  readonly events: number;
  readonly delivered: number;
  /** Attempts that failed, without those that a partner throttled. */
  readonly failed: number;
  /** 0 to 1: attempts with a 2xx response of all attempts. */
  readonly successRate: number | null;
  readonly p95Ms: number | null;
  readonly parked: number;
  readonly dead: number;
  /** Completions for which the flag was on, and off. */
  readonly flagOn: number;
  readonly flagOff: number;
}

export interface Charts {
  readonly span: ChartSpan;
  /** ISO 8601, UTC; the last period is not over. */
  readonly from: string;
  readonly readAt: string;
  readonly periodMs: number;
  /** When each period begins, in epoch milliseconds. */
  readonly times: readonly number[];
  readonly series: {
    readonly events: Series;
    readonly delivered: Series;
    /** In percent. */
    readonly successRate: Series;
    readonly p95Ms: Series;
    readonly eventsWaiting: Series;
    readonly deliveriesWaiting: Series;
    readonly parked: Series;
    readonly dead: Series;
    readonly flagOn: Series;
    readonly flagOff: Series;
  };
  readonly totals: Totals;
}

/**
 * Reads how a stage did over time, with 14 metrics in one call. The hour is that of `./ltw status`: both count the same.
 *
 * Functions publish no zeros, so a count without a value is 0. So is the length of a queue: SQS publishes it as long as the
 * queue has messages. A rate or percentile without a value stays without one.
 *
 * @param nowMs epoch milliseconds
 * @throws CommandFailed where CloudWatch withholds a metric; the client's errors
 */
export async function readCharts(stage: Stage, span: ChartSpan, nowMs: number): Promise<Charts> {
  const measured = span === 'hour' ? lastHour(nowMs) : lastWeek(nowMs);
  const queries = chartQueries(stage, PERIODS_MS[span], measured);
  const points = await readPoints(stage.cloudWatch, queries, measured);
  return chartsOf(points, span, measured, nowMs);
}

const ATTEMPTS = {
  enriched: METRICS.deliveredWithLearningTime,
  plain: METRICS.deliveredWithoutLearningTime,
  retried: METRICS.deliveryRetry,
  dead: METRICS.deliveryDead,
} as const;

function chartQueries(
  stage: Pick<Stage, 'name' | 'output'>,
  periodMs: number,
  { fromMs, untilMs }: MeasuredSpan,
): readonly MetricDataQuery[] {
  const periodSeconds = periodMs / 1000;
  const events = queueName(stage.output('EventsQueueUrl'));
  const deliveries = queueName(stage.output('DeliveriesQueueUrl'));
  const latency = (id: string, seconds: number) =>
    ownQuery(id, stage.name, METRICS.deliveryLatency, { periodSeconds: seconds, stat: 'p95' });
  const waiting = { periodSeconds, stat: 'Maximum' } as const;
  return [
    queueQuery('events', events, 'NumberOfMessagesSent', { periodSeconds, stat: 'Sum' }),
    ...Object.entries(ATTEMPTS).map(([id, name]) => ownQuery(id, stage.name, name, { periodSeconds })),
    ownQuery('parked', stage.name, METRICS.deliveryParked, { periodSeconds }),
    latency('p95', periodSeconds),
    // The percentiles of the periods do not give that of the span.
    latency('p95OfSpan', (untilMs - fromMs) / 1000),
    queueQuery('eventsWaiting', events, 'ApproximateNumberOfMessagesVisible', waiting),
    queueQuery('deliveriesWaiting', deliveries, 'ApproximateNumberOfMessagesVisible', waiting),
    ...EVALUATION_REASONS.map((result) =>
      ownQuery(result, stage.name, METRICS.featureEvaluated, {
        periodSeconds,
        dimensions: { feature: FEATURE_NAME, result },
      }),
    ),
  ];
}

/** Computes the charts from the points of their queries. */
export function chartsOf(points: Points, span: ChartSpan, { fromMs, untilMs }: MeasuredSpan, nowMs: number): Charts {
  const periodMs = PERIODS_MS[span];
  const times = Array.from(
    { length: Math.ceil((untilMs - fromMs) / periodMs) },
    (_, index) => fromMs + index * periodMs,
  );
  const measures = (id: string): Series => {
    const values = new Map(points(id).map(({ at, value }) => [at, value]));
    return times.map((at) => values.get(at) ?? null);
  };
  const isSettled = (at: number) => at + periodMs <= nowMs - LATE_MS;
  const counts = (...ids: readonly string[]): Series => {
    const each = ids.map(measures);
    return times.map((at, index) => {
      const values = each.flatMap((series) => series[index] ?? []);
      return values.length === 0 && !isSettled(at) ? null : total(values);
    });
  };
  const delivered = counts('enriched', 'plain');
  const failed = counts('retried', 'dead');
  const series = {
    events: counts('events'),
    delivered,
    successRate: times.map((_, index) => {
      const rate = rateOf(delivered[index] ?? 0, failed[index] ?? 0);
      return rate === null ? null : rate * 100;
    }),
    p95Ms: measures('p95'),
    eventsWaiting: counts('eventsWaiting'),
    deliveriesWaiting: counts('deliveriesWaiting'),
    parked: counts('parked'),
    dead: counts('dead'),
    flagOn: counts('pilot', 'within_percentage'),
    flagOff: counts('off', 'beyond_percentage'),
  };
  const sums = { delivered: total(delivered), failed: total(failed) };
  return {
    ...{ span, periodMs, times, series },
    from: new Date(fromMs).toISOString(),
    readAt: new Date(nowMs).toISOString(),
    totals: {
      ...sums,
      events: total(series.events),
      successRate: rateOf(sums.delivered, sums.failed),
      // CloudWatch may return two points, where a period of its own begins within the span.
      p95Ms: largest(points('p95OfSpan')) ?? null,
      parked: total(series.parked),
      dead: total(series.dead),
      flagOn: total(series.flagOn),
      flagOff: total(series.flagOff),
    },
  };
}

function total(values: Series): number {
  return values.reduce<number>((sum, value) => sum + (value ?? 0), 0);
}

function rateOf(successes: number, failures: number): number | null {
  const attempts = successes + failures;
  return attempts === 0 ? null : successes / attempts;
}
