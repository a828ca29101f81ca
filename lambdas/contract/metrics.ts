/**
 * Where a stage's metrics are: one namespace each, so that stages in one account and region neither mix in a percentile nor
 * ring each other's alarms.
 */
export function metricsNamespace(stageName: string): string {
  return `LearningTimeWebhooks/${stageName}`;
}

/** Names of what functions publish (EMF). Document 001, section 7.1, where it names one. */
export const METRICS = {
  querySuccess: 'webhook.learning_time.query.success',
  queryFailure: 'webhook.learning_time.query.failure',
  /** Asks that were not made, because the warehouse had failed or been slow again and again. */
  querySkipped: 'webhook.learning_time.query.skipped',
  cacheHit: 'webhook.learning_time.cache.hit',
  cacheMiss: 'webhook.learning_time.cache.miss',
  enrichmentRetry: 'webhook.enrichment.retry',
  /** Delivered without learning time, since the warehouse did not answer in all its tries. */
  enrichmentFallback: 'webhook.enrichment.fallback',
  eventRejected: 'webhook.event.rejected',
  eventUnwanted: 'webhook.event.unwanted',
  eventDuplicate: 'webhook.event.duplicate',
  deliveredWithLearningTime: 'webhook.delivery.success_with_learning_time',
  deliveredWithoutLearningTime: 'webhook.delivery.success_without_learning_time',
  deliveryRetry: 'webhook.delivery.retry',
  deliveryDeferred: 'webhook.delivery.deferred',
  deliveryParked: 'webhook.delivery.parked',
  deliveryDead: 'webhook.delivery.dead',
  deliveryDuplicate: 'webhook.delivery.duplicate',
  executionRescued: 'webhook.execution.rescued',
  ledgerUnavailable: 'webhook.ledger.unavailable',
  ledgerUnbalanced: 'webhook.ledger.unbalanced',
  ledgerRepublished: 'webhook.ledger.republished',
  ledgerReleased: 'webhook.ledger.released',
  ledgerEnded: 'webhook.ledger.ended',
  /** Of each completion: `feature`, and why it is on or off for the enterprise (`result`). */
  featureEvaluated: 'webhook.feature.evaluation',
  /** `feature`, and what kept it from being read or understood (`error`). */
  featureError: 'webhook.feature.error',
  /** Milliseconds of one query, login included, answered or not. */
  queryDuration: 'webhook.learning_time.query.duration',
  /**
   * Milliseconds from when the event occurred until the partner took the webhook: "time from course completion to webhook
   * sent" (document 000). Webhooks that are sent anew are left out, whose events may be days old.
   */
  deliveryLatency: 'webhook.delivery.latency',
} as const;

export type MetricName = (typeof METRICS)[keyof typeof METRICS];

/** Metrics that are durations and no counts. */
export type DurationName = typeof METRICS.queryDuration | typeof METRICS.deliveryLatency;

/** What a count is told apart by; of few values each, and never a person or an enterprise: CloudWatch bills by them. */
export type Dimensions = Readonly<Record<string, string>>;

/** What keeps a feature's flag from deciding. */
export type FeatureFault = 'never_read' | 'unavailable' | 'faulty';

/** Counts and measures within one invocation; all of it is published when that ends. */
export interface Counter {
  count(name: Exclude<MetricName, DurationName>, value?: number, dimensions?: Dimensions): void;
  /** One duration in milliseconds, of which CloudWatch makes percentiles. */
  measure(name: DurationName, milliseconds: number): void;
}
