/** A metric for Prometheus: every one is a gauge (docs/decisions/0019). */
export interface GaugeDefinition {
  /** By Prometheus' naming conventions: snake case, base units, unit last. */
  readonly name: string;
  /** One line. */
  readonly help: string;
  readonly labels?: readonly string[];
}

const DEFINITIONS = {
  attempts: {
    name: 'learning_time_webhooks_last_hour_delivery_attempts',
    help: 'Attempts in the last hour. Result is success (2xx) or failure.',
    labels: ['integration', 'result'],
  },
  attemptsOfKinds: {
    name: 'learning_time_webhooks_last_hour_kind_attempts',
    help: 'The same attempts by kind of event. Result is success (2xx) or failure.',
    labels: ['kind', 'result'],
  },
  successRatio: {
    name: 'learning_time_webhooks_last_hour_delivery_success_ratio',
    help: 'Share of attempts with a 2xx response, in the last hour. Absent without attempts.',
  },
  latency: {
    name: 'learning_time_webhooks_last_hour_delivery_latency_p95_seconds',
    help: 'Time from an event until its webhook was delivered, in the last hour. Absent without deliveries.',
  },
  delivered: {
    name: 'learning_time_webhooks_last_hour_delivered_webhooks',
    help: 'Webhooks delivered in the last hour, with or without learning time.',
    labels: ['learning_time'],
  },
  fallbackRatio: {
    name: 'learning_time_webhooks_last_hour_fallback_ratio',
    help: 'Share of webhooks without learning time because the warehouse was unavailable, in the last hour. Absent without deliveries.',
  },
  dead: {
    name: 'learning_time_webhooks_last_hour_dead_webhooks',
    help: 'Webhooks dead-lettered in the last hour.',
  },
  lookups: {
    name: 'learning_time_webhooks_last_hour_cache_lookups',
    help: 'Learners looked up in the cache in the last hour. Result is hit or miss.',
    labels: ['result'],
  },
  hitRatio: {
    name: 'learning_time_webhooks_last_hour_cache_hit_ratio',
    help: 'Share of look-ups that were cache hits, in the last hour. Absent without look-ups.',
  },
  queries: {
    name: 'learning_time_webhooks_last_hour_warehouse_queries',
    help: 'Queries in the last hour. Result is success, failure, or skipped while the circuit breaker is open.',
    labels: ['result'],
  },
  queryDuration: {
    name: 'learning_time_webhooks_last_hour_warehouse_query_p95_seconds',
    help: 'Duration of queries, login included, in the last hour. Absent without queries.',
  },
  queueMessages: {
    name: 'learning_time_webhooks_queue_messages',
    help: 'Messages in a queue. Absent if the queue has been idle for hours.',
    labels: ['queue'],
  },
  queueAge: {
    name: 'learning_time_webhooks_queue_oldest_message_age_seconds',
    help: 'Age of the oldest message in a queue. Absent if the queue has been idle for hours.',
    labels: ['queue'],
  },
  waitingTimers: {
    name: 'learning_time_webhooks_waiting_timers',
    help: 'Scheduled events that wait for their scheduled time.',
  },
  overdueTimers: {
    name: 'learning_time_webhooks_overdue_timers',
    help: 'Scheduled events that are more than an hour overdue.',
  },
  sourceUp: {
    name: 'learning_time_webhooks_source_up',
    help: '1 if a source could be read in full, 0 if not. Values that could not be read are absent.',
    labels: ['source'],
  },
  readAt: {
    name: 'learning_time_webhooks_read_timestamp_seconds',
    help: 'When the sources were read. Responses are cached for up to a minute.',
  },
} as const satisfies Readonly<Record<string, GaugeDefinition>>;

export type GaugeKey = keyof typeof DEFINITIONS;

/**
 * All gauges of `GET /metrics`, in their order. Label values are few: integration ids, kinds of events, and the constants
 * here. A value that cannot be read is omitted, and never reported as 0.
 */
export const GAUGES: Readonly<Record<GaugeKey, GaugeDefinition>> = DEFINITIONS;

/** One value of a gauge. */
export interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  /** Undefined if unknown: the sample is omitted. */
  readonly value: number | undefined;
}

/** Media type of the response. */
export const PROMETHEUS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';
