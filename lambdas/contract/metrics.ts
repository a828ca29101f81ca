/** Names of the counts that functions publish (EMF). Document 001, section 7.1, where it names one. */
export const METRICS = {
  querySuccess: 'webhook.learning_time.query.success',
  queryFailure: 'webhook.learning_time.query.failure',
  cacheHit: 'webhook.learning_time.cache.hit',
  cacheMiss: 'webhook.learning_time.cache.miss',
  enrichmentRetry: 'webhook.enrichment.retry',
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
} as const;

export type MetricName = (typeof METRICS)[keyof typeof METRICS];

/** Counts within one invocation; what was counted is published when it ends. */
export interface Counter {
  count(name: MetricName, value?: number): void;
}
