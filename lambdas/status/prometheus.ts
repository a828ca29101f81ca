/** A metric for Prometheus: every one is a gauge (docs/decisions/0019). */
export interface GaugeDefinition {
  /** As Prometheus' conventions have it: snake case, base units, the unit last. */
  readonly name: string;
  /** In one line. */
  readonly help: string;
  readonly labels?: readonly string[];
}

const DEFINITIONS = {
  attempts: {
    name: 'learning_time_webhooks_last_hour_delivery_attempts',
    help: 'Attempts made in the last hour. Result is success (2xx) or failure.',
    labels: ['integration', 'result'],
  },
  attemptsOfKinds: {
    name: 'learning_time_webhooks_last_hour_kind_attempts',
    help: 'The same attempts by kind of event. Result is success (2xx) or failure.',
    labels: ['kind', 'result'],
  },
  successRatio: {
    name: 'learning_time_webhooks_last_hour_delivery_success_ratio',
    help: 'Of all attempts of the last hour, those that a partner answered with 2xx. Absent without an attempt.',
  },
  latency: {
    name: 'learning_time_webhooks_last_hour_delivery_latency_p95_seconds',
    help: 'From when an event occurred until the partner took its webhook, in the last hour. Absent without a delivery.',
  },
  delivered: {
    name: 'learning_time_webhooks_last_hour_delivered_webhooks',
    help: 'Webhooks delivered in the last hour, with or without learning time.',
    labels: ['learning_time'],
  },
  fallbackRatio: {
    name: 'learning_time_webhooks_last_hour_fallback_ratio',
    help: 'Of the webhooks of the last hour, those without learning time since the warehouse did not answer. Absent without a delivery.',
  },
  dead: {
    name: 'learning_time_webhooks_last_hour_dead_webhooks',
    help: 'Webhooks given up in the last hour, now in the dead letter queue.',
  },
  lookups: {
    name: 'learning_time_webhooks_last_hour_cache_lookups',
    help: 'Learners looked up in the cache in the last hour. Result is hit or miss.',
    labels: ['result'],
  },
  hitRatio: {
    name: 'learning_time_webhooks_last_hour_cache_hit_ratio',
    help: 'Of the look-ups of the last hour, those that the cache answered. Absent without a look-up.',
  },
  queries: {
    name: 'learning_time_webhooks_last_hour_warehouse_queries',
    help: 'Queries of the last hour. Result is success, failure, or skipped while the warehouse is left alone.',
    labels: ['result'],
  },
  queryDuration: {
    name: 'learning_time_webhooks_last_hour_warehouse_query_p95_seconds',
    help: 'Time that a query took, login included, in the last hour. Absent without a query.',
  },
  queueMessages: {
    name: 'learning_time_webhooks_queue_messages',
    help: 'Messages that wait in a queue. Absent where the queue has been idle for hours.',
    labels: ['queue'],
  },
  queueAge: {
    name: 'learning_time_webhooks_queue_oldest_message_age_seconds',
    help: 'Age of the oldest message of a queue. Absent where the queue has been idle for hours.',
    labels: ['queue'],
  },
  waitingTimers: {
    name: 'learning_time_webhooks_waiting_timers',
    help: 'Events that wait for their moment.',
  },
  overdueTimers: {
    name: 'learning_time_webhooks_overdue_timers',
    help: 'Of these, due for over an hour: nobody woke.',
  },
  sourceUp: {
    name: 'learning_time_webhooks_source_up',
    help: 'Whether all of a source could be read: 1, or 0. What it did not tell is absent.',
    labels: ['source'],
  },
  readAt: {
    name: 'learning_time_webhooks_read_timestamp_seconds',
    help: 'When the sources were read: answers are kept for a minute.',
  },
} as const satisfies Readonly<Record<string, GaugeDefinition>>;

export type GaugeKey = keyof typeof DEFINITIONS;

/**
 * Everything that `GET /metrics` shows, in its order. Labels have few values each: integrations by their ids, kinds of
 * events, and words that stand here. What cannot be read is left out, and never 0.
 */
export const GAUGES: Readonly<Record<GaugeKey, GaugeDefinition>> = DEFINITIONS;

/** One value of a gauge. */
export interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  /** Undefined: it is not known, and is left out. */
  readonly value: number | undefined;
}

/** What the text is served as. */
export const PROMETHEUS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';
