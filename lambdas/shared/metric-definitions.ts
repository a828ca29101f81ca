/** The feature that the flag controls, as the status API and `FEATURE_<NAME>_ENABLED` name it (requirement S2). */
export const FEATURE_NAME = 'webhook_learning_time_enrichment';

/** Why a feature is on or off for one enterprise. */
export const EVALUATION_REASONS = ['off', 'pilot', 'within_percentage', 'beyond_percentage'] as const;
export type EvaluationReason = (typeof EVALUATION_REASONS)[number];

/**
 * The CloudWatch namespace of a stage. Stages in one account and region share no percentiles and no alarms.
 */
export function metricsNamespace(stageName: string): string {
  return `LearningTimeWebhooks/${stageName}`;
}

export interface MetricDefinition {
  /** The metric's name in CloudWatch. */
  readonly name: string;
  /** `Number`: a current number of items, whose values must not be added up. */
  readonly unit: 'Count' | 'Number' | 'Milliseconds' | 'Seconds' | 'Days';
  /** The code bases that publish it: values of the dimension `service`, which all metrics have. */
  readonly services: readonly ('enrichment' | 'warming' | 'delivery' | 'operations' | 'status')[];
  /** For the operator, shown in docs/metrics.md. */
  readonly meaning: string;
  /** Further dimensions, each with its values. */
  readonly dimensions?: Readonly<Record<string, readonly string[] | typeof ANY_INTEGRATION | typeof ANY_EVENT_KIND>>;
}

/** Integration ids: operators add and remove them without a deployment. */
export const ANY_INTEGRATION = 'any integration';

/** Kinds of events, which the files of `events/event-types/` define. */
export const ANY_EVENT_KIND = 'any event kind';

/** Why a feature's flag cannot be evaluated. */
export const FEATURE_FAULTS = ['never_read', 'unavailable', 'faulty'] as const;
export type FeatureFault = (typeof FEATURE_FAULTS)[number];

/**
 * All metrics that the functions publish (EMF), with the names of requirement T9 where it has one. The cache hit rate is
 * computed where it is shown, from hits and misses: published rates cannot be aggregated.
 */
const DEFINITIONS = {
  querySuccess: {
    name: 'webhook.learning_time.query.success',
    unit: 'Count',
    services: ['enrichment'],
    meaning: 'Queries that succeeded',
  },
  queryFailure: {
    name: 'webhook.learning_time.query.failure',
    unit: 'Count',
    services: ['enrichment'],
    meaning: 'Queries that failed or timed out',
  },
  querySkipped: {
    name: 'webhook.learning_time.query.skipped',
    unit: 'Count',
    services: ['enrichment'],
    meaning: 'Queries that were skipped because the warehouse circuit breaker was open',
  },
  queryDuration: {
    name: 'webhook.learning_time.query.duration',
    unit: 'Milliseconds',
    services: ['enrichment'],
    meaning: 'Duration of a query, including login, whether it succeeded or not',
  },
  cacheHit: {
    name: 'webhook.learning_time.cache.hit',
    unit: 'Count',
    services: ['enrichment'],
    meaning: 'Learners of completions found in the cache',
  },
  cacheMiss: {
    name: 'webhook.learning_time.cache.miss',
    unit: 'Count',
    services: ['enrichment'],
    meaning: 'Learners of completions not found in the cache',
  },
  warmBehind: {
    name: 'webhook.warming.behind',
    unit: 'Number',
    services: ['warming'],
    meaning: '1 if a run of WarmCache ended while the cache did not hold the table’s last version, else 0',
  },
  warmComplete: {
    name: 'webhook.warming.complete',
    unit: 'Count',
    services: ['warming'],
    meaning: 'Warm runs that loaded the last row',
  },
  warmIncomplete: {
    name: 'webhook.warming.incomplete',
    unit: 'Count',
    services: ['warming'],
    meaning:
      'Warm runs that ended before the last row: out of time, or Snowflake or Valkey failed; the next run continues',
  },
  warmShrunk: {
    name: 'webhook.warming.shrunk',
    unit: 'Count',
    services: ['warming'],
    meaning: 'Warm runs that stopped because the table had lost over 20% of its rows; the cache keeps its entries',
  },
  warmUnreadable: {
    name: 'webhook.warming.unreadable',
    unit: 'Count',
    services: ['warming'],
    meaning: 'Rows that a warm run skipped because they could not be read',
  },
  warmEntries: {
    name: 'webhook.warming.entries',
    unit: 'Number',
    services: ['warming'],
    meaning: 'Entries of the last complete warm run, measured in each run of WarmCache',
  },
  warmAge: {
    name: 'webhook.warming.age',
    unit: 'Seconds',
    services: ['warming'],
    meaning: 'Time since the change of the table that the cache holds, measured in each run of WarmCache',
  },
  warmReadThrough: {
    name: 'webhook.warming.read_through',
    unit: 'Number',
    services: ['warming'],
    meaning:
      'Active integrations without an enterprise, and enterprises above the limit: WarmCache does not know their learners',
  },
  taskQueued: {
    name: 'webhook.enrichment.task.queued',
    unit: 'Count',
    services: ['enrichment'],
    meaning: 'Events handed to the retry workflow because the query of their batch failed',
  },
  taskDuration: {
    name: 'webhook.enrichment.task.duration',
    unit: 'Seconds',
    services: ['enrichment'],
    meaning: 'Duration of an enrichment attempt in the retry workflow',
  },
  enrichmentFallback: {
    name: 'webhook.enrichment.fallback',
    unit: 'Count',
    services: ['delivery'],
    meaning: 'Webhooks delivered without learning time because all enrichment attempts failed',
  },
  eventRejected: {
    name: 'webhook.event.rejected',
    unit: 'Count',
    services: ['enrichment'],
    meaning: 'Invalid events, now in the dead letter queue',
  },
  eventFiltered: {
    name: 'webhook.event.filtered',
    unit: 'Count',
    services: ['enrichment', 'delivery'],
    meaning: 'Events dropped because their integration does not subscribe to them',
  },
  eventDuplicate: {
    name: 'webhook.event.duplicate',
    unit: 'Count',
    services: ['enrichment'],
    meaning: 'Events that are already in the ledger',
  },
  deliverySuccess: {
    name: 'webhook.delivery.success',
    unit: 'Count',
    services: ['delivery'],
    meaning: 'Attempts with a 2xx response',
    dimensions: { integration: ANY_INTEGRATION },
  },
  deliveryFailure: {
    name: 'webhook.delivery.failure',
    unit: 'Count',
    services: ['delivery'],
    meaning: 'Attempts that failed, with or without a retry',
    dimensions: { integration: ANY_INTEGRATION },
  },
  kindSuccess: {
    name: 'webhook.kind.success',
    unit: 'Count',
    services: ['delivery'],
    meaning: 'Attempts with a 2xx response, by kind of event',
    dimensions: { kind: ANY_EVENT_KIND },
  },
  kindFailure: {
    name: 'webhook.kind.failure',
    unit: 'Count',
    services: ['delivery'],
    meaning: 'Attempts that failed, with or without a retry, by kind of event',
    dimensions: { kind: ANY_EVENT_KIND },
  },
  deliveredWithLearningTime: {
    name: 'webhook.delivery.success_with_learning_time',
    unit: 'Count',
    services: ['delivery'],
    meaning: 'Webhooks delivered with learning time',
  },
  deliveredWithoutLearningTime: {
    name: 'webhook.delivery.success_without_learning_time',
    unit: 'Count',
    services: ['delivery'],
    meaning: 'Webhooks delivered without learning time, for any reason',
  },
  deliveryRetry: {
    name: 'webhook.delivery.retry',
    unit: 'Count',
    services: ['delivery'],
    meaning: 'Attempts that failed and will be retried',
  },
  deliveryThrottled: {
    name: 'webhook.delivery.throttled',
    unit: 'Count',
    services: ['delivery'],
    meaning:
      'Attempts that a partner throttled (429, or 503 with Retry-After); not counted as failures if a retry follows',
  },
  deliveryDeferred: {
    name: 'webhook.delivery.deferred',
    unit: 'Count',
    services: ['delivery'],
    meaning: 'Deliveries delayed by a rate limit or a circuit breaker; this spends no attempt',
  },
  deliveryParked: {
    name: 'webhook.delivery.parked',
    unit: 'Count',
    services: ['delivery'],
    meaning: 'Deliveries parked because their integration is paused, failing, gone or without a valid certificate',
  },
  integrationParked: {
    name: 'webhook.integration.parked',
    unit: 'Count',
    services: ['delivery'],
    // No dimension for the integration: one alarm watches all of them, and the log line has it.
    meaning:
      'Integrations parked because of a 410, or of an expired or incomplete certificate; counted again by each failed probe',
  },
  deliveryDead: {
    name: 'webhook.delivery.dead',
    unit: 'Count',
    services: ['delivery'],
    meaning: 'Deliveries that were dead-lettered',
  },
  criticalDead: {
    name: 'webhook.delivery.critical_dead',
    unit: 'Count',
    services: ['enrichment', 'delivery', 'operations'],
    // No dimension for the kind: one alarm watches all of them, and the log line has it.
    meaning: 'Events and deliveries of critical kinds that were dead-lettered; one may be counted twice',
  },
  timerMoved: {
    name: 'webhook.timer.moved',
    unit: 'Count',
    services: ['enrichment'],
    meaning: 'Scheduled events that were published again with another scheduled time',
  },
  timerCancelled: {
    name: 'webhook.timer.cancelled',
    unit: 'Count',
    services: ['delivery'],
    meaning:
      'Scheduled events that a later event of their user superseded, or that continue as a new generation with another time',
  },
  timerWaiting: {
    name: 'webhook.timer.waiting',
    unit: 'Number',
    services: ['operations'],
    meaning: 'Scheduled events, measured in each run of the reconciler',
  },
  timerOverdue: {
    name: 'webhook.timer.overdue',
    unit: 'Number',
    services: ['operations'],
    meaning: 'Scheduled events that are overdue by more than an hour',
  },
  deliveryDuplicate: {
    name: 'webhook.delivery.duplicate',
    unit: 'Count',
    services: ['delivery'],
    meaning: 'Deliveries that were already settled or are carried by another message or execution',
  },
  deliveryLatency: {
    name: 'webhook.delivery.latency',
    unit: 'Milliseconds',
    services: ['delivery'],
    // Requirement F3: from the completion to the webhook.
    meaning: 'Time from the event to the partner’s 2xx response, without resent webhooks and scheduled events',
  },
  executionRescued: {
    name: 'webhook.execution.rescued',
    unit: 'Count',
    services: ['operations'],
    meaning: 'Deliveries recovered from executions that failed or were stopped',
  },
  ledgerUnavailable: {
    name: 'webhook.ledger.unavailable',
    unit: 'Count',
    services: ['enrichment', 'delivery'],
    meaning: 'Calls to the ledger’s table that failed; deliveries continue without it',
  },
  ledgerSkipped: {
    name: 'webhook.ledger.skipped',
    unit: 'Count',
    services: ['enrichment', 'delivery'],
    meaning: 'Calls to the ledger’s table that were skipped because its circuit breaker was open',
  },
  outcomeQueued: {
    name: 'webhook.ledger.outcome_queued',
    unit: 'Count',
    services: ['enrichment', 'delivery'],
    meaning: 'Outcomes sent to the outcomes queue because the ledger’s table did not accept them',
  },
  outcomeLost: {
    name: 'webhook.ledger.outcome_lost',
    unit: 'Count',
    services: ['enrichment', 'delivery'],
    meaning:
      'Outcomes that neither the ledger’s table nor the outcomes queue accepted: the reconciler may resend their webhooks',
  },
  outcomeSettled: {
    name: 'webhook.ledger.outcome_settled',
    unit: 'Count',
    services: ['operations'],
    meaning: 'Outcomes from the queue that were written to the ledger, or that a later outcome made obsolete',
  },
  ledgerUnbalanced: {
    name: 'webhook.ledger.unbalanced',
    unit: 'Count',
    services: ['operations'],
    meaning: 'Accepted webhooks that no message or execution carries',
  },
  ledgerResent: {
    name: 'webhook.ledger.resent',
    unit: 'Count',
    services: ['operations'],
    meaning: 'Webhooks that no message or execution carried, resent by the reconciler',
  },
  ledgerReleased: {
    name: 'webhook.ledger.released',
    unit: 'Count',
    services: ['operations'],
    meaning: 'Parked deliveries released because their integration is active again',
  },
  ledgerEnded: {
    name: 'webhook.ledger.ended',
    unit: 'Count',
    services: ['operations'],
    meaning: 'Parked deliveries that were dead-lettered after 72 hours',
  },
  ledgerBehind: {
    name: 'webhook.ledger.behind',
    unit: 'Seconds',
    services: ['operations'],
    meaning:
      'Age of the oldest acceptance that the reconciler has not listed, or of its last complete review, at the end of a scheduled run',
  },
  operationalEventFailed: {
    name: 'webhook.operational_event.failed',
    unit: 'Count',
    services: ['delivery', 'operations'],
    meaning: 'Operational events that EventBridge did not accept; deliveries are not affected',
  },
  featureEvaluated: {
    name: 'webhook.feature.evaluation',
    unit: 'Count',
    services: ['enrichment', 'status'],
    meaning: 'Flag evaluations for completions and status requests, by result',
    dimensions: { feature: [FEATURE_NAME], result: EVALUATION_REASONS },
  },
  featureError: {
    name: 'webhook.feature.error',
    unit: 'Count',
    services: ['enrichment', 'warming', 'status'],
    meaning: 'Flag reads that failed or returned a faulty flag, by error',
    dimensions: { feature: [FEATURE_NAME], error: FEATURE_FAULTS },
  },
  credentialAge: {
    name: 'webhook.credential.age',
    unit: 'Days',
    services: ['operations'],
    meaning: 'Days since the Snowflake secret was last changed',
  },
  certificateDaysLeft: {
    name: 'webhook.certificate.days_left',
    unit: 'Days',
    services: ['operations'],
    // No dimension for the integration: one alarm watches all of them, and the log line has it.
    meaning: 'Days until the first client certificate of an active integration expires; negative since then',
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>;

type Definitions = typeof DEFINITIONS;

/** CloudWatch's metric names by the names in the code. */
export const METRICS = Object.fromEntries(Object.entries(DEFINITIONS).map(([key, { name }]) => [key, name])) as {
  readonly [Key in keyof Definitions]: Definitions[Key]['name'];
};

export type MetricName = Definitions[keyof Definitions]['name'];

/** Metrics that are no counts: each value is published. */
export type MeasureName = Exclude<Definitions[keyof Definitions], { readonly unit: 'Count' }>['name'];

export const METRIC_DEFINITIONS: readonly (MetricDefinition & { readonly name: MetricName })[] =
  Object.values(DEFINITIONS);

const BY_NAME = new Map<string, MetricDefinition>(
  METRIC_DEFINITIONS.map((definition) => [definition.name, definition]),
);

/** @throws Error for a name that is not defined here */
export function definitionOf(name: MetricName): MetricDefinition {
  const definition = BY_NAME.get(name);
  if (definition === undefined) throw new Error(`there is no metric ${name}`);
  return definition;
}

/** Dimensions of a count. CloudWatch bills each combination, so their values are few, and no persons or enterprises. */
export type Dimensions = Readonly<Record<string, string>>;

type DefinitionOf<Name> = Extract<Definitions[keyof Definitions], { readonly name: Name }>;

/** Counts with dimensions besides `service`. */
export type DimensionedName = Extract<Definitions[keyof Definitions], { readonly dimensions: object }>['name'];

/** Counts with the dimension `service` only. */
export type CountName = Exclude<MetricName, MeasureName | DimensionedName>;

/** The dimensions of a metric, each with its values in `DEFINITIONS`. */
export type DimensionsOf<Name extends DimensionedName> =
  DefinitionOf<Name> extends { readonly dimensions: infer Values }
    ? { readonly [Key in keyof Values]: Values[Key] extends readonly (infer Value)[] ? Value : string }
    : never;

/** Counts and measures of one invocation, published at its end. */
export interface Counter {
  count(name: CountName, value?: number): void;
  count<Name extends DimensionedName>(name: Name, value: number, dimensions: DimensionsOf<Name>): void;
  /** Records one value in the metric's unit; CloudWatch computes percentiles. */
  measure(name: MeasureName, value: number): void;
}
