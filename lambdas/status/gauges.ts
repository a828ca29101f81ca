import { KINDS } from '../events/event-types/event-types.ts';
import type { TimerCount } from '../ledger/ports.ts';
import { METRICS } from '../shared/metric-definitions.ts';
import type { MetricQuery } from '../shared/metric-reader.ts';
import { type AttemptCounts, summed } from './health.ts';
import {
  attemptQueries,
  attemptsOf,
  countQuery,
  HOUR_PERIOD_SECONDS,
  keyOf,
  p95Query,
  QUEUE_METRICS,
  queueQuery,
} from './metric-queries.ts';
import type { Sample } from './prometheus.ts';
import type { Samples } from './prometheus-text.ts';

const COUNTS = [
  METRICS.deliveredWithLearningTime,
  METRICS.deliveredWithoutLearningTime,
  METRICS.enrichmentFallback,
  METRICS.deliveryDead,
  METRICS.cacheHit,
  METRICS.cacheMiss,
  METRICS.querySuccess,
  METRICS.queryFailure,
  METRICS.querySkipped,
];

/** Queue names by value of the label `queue`. */
export interface QueueNames {
  readonly events: string;
  readonly deliveries: string;
  readonly events_dead_letters: string;
  readonly deliveries_dead_letters: string;
}

/** Queues whose messages' age is reported; dead-letter messages wait for an operator. */
const TIMELY_QUEUES = ['events', 'deliveries'] as const;

/** CloudWatch queries of all gauges: 17, and 2 for each integration and each kind of event. */
export function gaugeQueries(
  namespace: string,
  integrationIds: readonly string[],
  queues: QueueNames,
): readonly MetricQuery[] {
  return [
    ...attemptQueries(namespace, 'integration', integrationIds, HOUR_PERIOD_SECONDS),
    ...attemptQueries(namespace, 'kind', KINDS, HOUR_PERIOD_SECONDS),
    ...COUNTS.map((name) => countQuery(namespace, name, HOUR_PERIOD_SECONDS)),
    p95Query(namespace, METRICS.deliveryLatency),
    p95Query(namespace, METRICS.queryDuration),
    ...Object.values(queues).map((name) => queueQuery(name, 'messages')),
    ...TIMELY_QUEUES.map((queue) => queueQuery(queues[queue], 'age')),
  ];
}

interface Readings {
  /** Undefined if the integrations could not be read. */
  readonly integrationIds: readonly string[] | undefined;
  /** By query key. */
  readonly values: ReadonlyMap<string, number>;
  readonly queues: QueueNames;
  /** Undefined if the ledger did not respond. */
  readonly timers: TimerCount | undefined;
  /** Epoch milliseconds. */
  readonly readAtMs: number;
}

/** The samples of all gauges. */
export function gaugeSamples({ integrationIds, values, queues, timers, readAtMs }: Readings): Samples {
  const value = (name: string) => values.get(name);
  const withTime = value(METRICS.deliveredWithLearningTime);
  const withoutTime = value(METRICS.deliveredWithoutLearningTime);
  const delivered = plus(withTime, withoutTime);
  const hits = value(METRICS.cacheHit);
  const misses = value(METRICS.cacheMiss);
  const attemptsBy = (by: 'integration' | 'kind', ids: readonly string[]) =>
    ids.map((id) => ({ id, counts: attemptsOf(values, by, id) }));
  const attempts = attemptsBy('integration', integrationIds ?? []);
  const attemptsOfKinds = attemptsBy('kind', KINDS);
  const all = integrationIds && summed(attempts.map(({ counts }) => counts));
  return {
    attempts: attempts.flatMap(({ id, counts }) => ofResults({ integration: id }, counts)),
    attemptsOfKinds: attemptsOfKinds.flatMap(({ id, counts }) => ofResults({ kind: id }, counts)),
    successRatio: one(ratio(all?.successes, all && all.successes + all.failures)),
    latency: one(seconds(value(METRICS.deliveryLatency))),
    delivered: labelled('learning_time', { with: withTime, without: withoutTime }),
    fallbackRatio: one(ratio(value(METRICS.enrichmentFallback), delivered)),
    dead: one(value(METRICS.deliveryDead)),
    lookups: labelled('result', { hit: hits, miss: misses }),
    hitRatio: one(ratio(hits, plus(hits, misses))),
    queries: labelled('result', {
      success: value(METRICS.querySuccess),
      failure: value(METRICS.queryFailure),
      skipped: value(METRICS.querySkipped),
    }),
    queryDuration: one(seconds(value(METRICS.queryDuration))),
    queueMessages: Object.entries(queues).map(([queue, name]) => ({
      labels: { queue },
      value: value(keyOf(QUEUE_METRICS.messages, name)),
    })),
    queueAge: TIMELY_QUEUES.map((queue) => ({
      labels: { queue },
      value: value(keyOf(QUEUE_METRICS.age, queues[queue])),
    })),
    waitingTimers: one(timers?.waiting),
    overdueTimers: one(timers?.overdue),
    sourceUp: labelled('source', {
      integrations: integrationIds === undefined ? 0 : 1,
      metrics:
        COUNTS.every((name) => values.has(name)) &&
        [...attempts, ...attemptsOfKinds].every(({ counts }) => counts !== undefined)
          ? 1
          : 0,
      ledger: timers === undefined ? 0 : 1,
    }),
    readAt: one(readAtMs / 1000),
  };
}

function one(value: number | undefined): readonly Sample[] {
  return [{ value }];
}

function ofResults(labels: NonNullable<Sample['labels']>, counts: AttemptCounts | undefined): readonly Sample[] {
  return [
    { labels: { ...labels, result: 'success' }, value: counts?.successes },
    { labels: { ...labels, result: 'failure' }, value: counts?.failures },
  ];
}

function labelled(label: string, values: Readonly<Record<string, number | undefined>>): readonly Sample[] {
  return Object.entries(values).map(([text, value]) => ({ labels: { [label]: text }, value }));
}

/** Converts milliseconds, which functions publish, to seconds. */
function seconds(milliseconds: number | undefined): number | undefined {
  return milliseconds === undefined ? undefined : milliseconds / 1000;
}

function plus(one: number | undefined, other: number | undefined): number | undefined {
  return one === undefined || other === undefined ? undefined : one + other;
}

/** At most 1, because CloudWatch may show a part before its whole. */
function ratio(part: number | undefined, whole: number | undefined): number | undefined {
  return part === undefined || whole === undefined || whole === 0 ? undefined : Math.min(1, part / whole);
}
