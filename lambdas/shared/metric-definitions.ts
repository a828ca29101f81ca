/** The feature that the flag switches, as clients of the status API and `FEATURE_<NAME>_ENABLED` name it (document 004). */
export const FEATURE_NAME = 'webhook_learning_time_enrichment';

/** Why a feature is on or off for one enterprise. */
export const EVALUATION_REASONS = ['off', 'pilot', 'within_percentage', 'beyond_percentage'] as const;
export type EvaluationReason = (typeof EVALUATION_REASONS)[number];

/**
 * Where a stage's metrics are: one namespace each, so that stages in one account and region neither mix in a percentile nor
 * ring each other's alarms.
 */
export function metricsNamespace(stageName: string): string {
  return `LearningTimeWebhooks/${stageName}`;
}

export interface MetricDefinition {
  /** What CloudWatch knows it by. */
  readonly name: string;
  /** `Number`: how many there are, which nobody adds up. */
  readonly unit: 'Count' | 'Number' | 'Milliseconds' | 'Seconds' | 'Days';
  /** The dimension that all have: code bases whose functions publish it. */
  readonly services: readonly ('enrichment' | 'delivery' | 'operations' | 'status')[];
  /** For the operator: docs/metrics.md has it. */
  readonly meaning: string;
  /** Its further dimensions, each with the values that are published. */
  readonly dimensions?: Readonly<Record<string, readonly string[] | typeof ANY_INTEGRATION | typeof ANY_EVENT_KIND>>;
}

/** Ids that operators choose, which come and go without a deploy. */
export const ANY_INTEGRATION = 'any integration';

/** Kinds of events: each file of `events/event-types/` may add some. */
export const ANY_EVENT_KIND = 'any event kind';

/** What keeps a feature's flag from deciding. */
export const FEATURE_FAULTS = ['never_read', 'unavailable', 'faulty'] as const;
export type FeatureFault = (typeof FEATURE_FAULTS)[number];

/**
 * Everything that functions publish (EMF). Names are document 001's (section 7.1) where it has one. Its
 * `webhook.learning_time.cache.hit_rate` is hits by hits and misses, and computed where it is shown: a rate that is
 * published cannot be added up.
 */
const DEFINITIONS = {
  querySuccess: {
    name: 'webhook.learning_time.query.success',
    unit: 'Count',
    services: ['enrichment'],
    meaning: 'Queries that Snowflake answered',
  },
  queryFailure: {
    name: 'webhook.learning_time.query.failure',
    unit: 'Count',
    services: ['enrichment'],
    meaning: 'Queries that failed, or were not answered in time',
  },
  querySkipped: {
    name: 'webhook.learning_time.query.skipped',
    unit: 'Count',
    services: ['enrichment'],
    meaning: 'Queries that were not made, because the warehouse had failed or been slow again and again',
  },
  queryDuration: {
    name: 'webhook.learning_time.query.duration',
    unit: 'Milliseconds',
    services: ['enrichment'],
    meaning: 'Of one query, login included, answered or not',
  },
  cacheHit: {
    name: 'webhook.learning_time.cache.hit',
    unit: 'Count',
    services: ['enrichment'],
    meaning: 'Learners of completions that the cache knew',
  },
  cacheMiss: {
    name: 'webhook.learning_time.cache.miss',
    unit: 'Count',
    services: ['enrichment'],
    meaning: 'Learners of completions that the cache did not know',
  },
  taskQueued: {
    name: 'webhook.enrichment.task.queued',
    unit: 'Count',
    services: ['enrichment'],
    meaning: 'Events handed to the workflow, since Snowflake did not answer their batch',
  },
  taskDuration: {
    name: 'webhook.enrichment.task.duration',
    unit: 'Seconds',
    services: ['enrichment'],
    meaning: 'Of one try to enrich in the workflow',
  },
  enrichmentFallback: {
    name: 'webhook.enrichment.fallback',
    unit: 'Count',
    services: ['delivery'],
    meaning: 'Delivered without learning time, since the warehouse did not answer in all its tries',
  },
  eventRejected: {
    name: 'webhook.event.rejected',
    unit: 'Count',
    services: ['enrichment'],
    meaning: 'Events that are not as the contract has them, now in the dead letter queue',
  },
  eventFiltered: {
    name: 'webhook.event.filtered',
    unit: 'Count',
    services: ['enrichment', 'delivery'],
    meaning: 'Events for an integration that does not take them, dropped',
  },
  eventDuplicate: {
    name: 'webhook.event.duplicate',
    unit: 'Count',
    services: ['enrichment'],
    meaning: 'Events that the ledger knows already',
  },
  deliverySuccess: {
    name: 'webhook.delivery.success',
    unit: 'Count',
    services: ['delivery'],
    meaning: 'Tries that a partner answered with 2xx',
    dimensions: { integration: ANY_INTEGRATION },
  },
  deliveryFailure: {
    name: 'webhook.delivery.failure',
    unit: 'Count',
    services: ['delivery'],
    meaning: 'Tries that failed, whatever becomes of the delivery',
    dimensions: { integration: ANY_INTEGRATION },
  },
  kindSuccess: {
    name: 'webhook.kind.success',
    unit: 'Count',
    services: ['delivery'],
    meaning: 'The same tries that a partner answered with 2xx, by kind of event',
    dimensions: { kind: ANY_EVENT_KIND },
  },
  kindFailure: {
    name: 'webhook.kind.failure',
    unit: 'Count',
    services: ['delivery'],
    meaning: 'The same tries that failed, by kind of event',
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
    meaning: 'Webhooks delivered without learning time, for whatever reason',
  },
  deliveryRetry: {
    name: 'webhook.delivery.retry',
    unit: 'Count',
    services: ['delivery'],
    meaning: 'Tries that failed and will be repeated',
  },
  deliveryThrottled: {
    name: 'webhook.delivery.throttled',
    unit: 'Count',
    services: ['delivery'],
    meaning:
      'Attempts that a partner refused as too many (429, or 503 with Retry-After); no failures while others follow',
  },
  deliveryDeferred: {
    name: 'webhook.delivery.deferred',
    unit: 'Count',
    services: ['delivery'],
    meaning: 'Deliveries that wait for a partner’s limit or pause; no try is spent',
  },
  deliveryParked: {
    name: 'webhook.delivery.parked',
    unit: 'Count',
    services: ['delivery'],
    meaning: 'Deliveries that sleep, since their integration is paused or its endpoint gone',
  },
  deliveryDead: {
    name: 'webhook.delivery.dead',
    unit: 'Count',
    services: ['delivery'],
    meaning: 'Deliveries given up, now in the dead letter queue',
  },
  criticalDead: {
    name: 'webhook.delivery.critical_dead',
    unit: 'Count',
    services: ['enrichment', 'delivery', 'operations'],
    // Not told apart by kind: one alarm looks at all of them, and the log line names it.
    meaning: 'Events and deliveries of critical kinds given up, for whatever reason; one may be counted twice',
  },
  timerMoved: {
    name: 'webhook.timer.moved',
    unit: 'Count',
    services: ['enrichment'],
    meaning: 'Events that wait for their moment, published again with another one',
  },
  timerCancelled: {
    name: 'webhook.timer.cancelled',
    unit: 'Count',
    services: ['delivery'],
    meaning:
      'Events that waited for their moment, and whose place a later event of their user took, or that another generation carries because they were moved',
  },
  timerWaiting: {
    name: 'webhook.timer.waiting',
    unit: 'Number',
    services: ['operations'],
    meaning: 'Events that wait for their moment, once in each run of the reconciler',
  },
  timerOverdue: {
    name: 'webhook.timer.overdue',
    unit: 'Number',
    services: ['operations'],
    meaning: 'Of these, due for over an hour: nobody woke',
  },
  deliveryDuplicate: {
    name: 'webhook.delivery.duplicate',
    unit: 'Count',
    services: ['delivery'],
    meaning: 'Deliveries that were dealt with already',
  },
  deliveryLatency: {
    name: 'webhook.delivery.latency',
    unit: 'Milliseconds',
    services: ['delivery'],
    // Document 000: "time from course completion to webhook sent".
    meaning:
      'From when the event occurred until the partner took the webhook; webhooks sent anew, or that wait for their moment, are left out',
  },
  executionRescued: {
    name: 'webhook.execution.rescued',
    unit: 'Count',
    services: ['operations'],
    meaning: 'Executions that failed or were stopped, and whose delivery was carried on',
  },
  ledgerUnavailable: {
    name: 'webhook.ledger.unavailable',
    unit: 'Count',
    services: ['enrichment', 'delivery'],
    meaning: 'Calls that the ledger’s table did not answer; deliveries go on without it',
  },
  ledgerSkipped: {
    name: 'webhook.ledger.skipped',
    unit: 'Count',
    services: ['enrichment', 'delivery'],
    meaning: 'Calls that were not made, because the ledger’s table had failed or been slow again and again',
  },
  outcomeQueued: {
    name: 'webhook.ledger.outcome_queued',
    unit: 'Count',
    services: ['enrichment', 'delivery'],
    meaning: 'Outcomes that the ledger’s table did not take, now in the outcomes queue',
  },
  outcomeLost: {
    name: 'webhook.ledger.outcome_lost',
    unit: 'Count',
    services: ['enrichment', 'delivery'],
    meaning:
      'Outcomes that neither the ledger’s table nor the outcomes queue took: the reconciler may send their webhooks again',
  },
  outcomeSettled: {
    name: 'webhook.ledger.outcome_settled',
    unit: 'Count',
    services: ['operations'],
    meaning: 'Outcomes from the queue that are in the ledger now, or that a later one has overtaken',
  },
  ledgerUnbalanced: {
    name: 'webhook.ledger.unbalanced',
    unit: 'Count',
    services: ['operations'],
    meaning: 'Webhooks that were accepted, and that nobody carries',
  },
  ledgerRepublished: {
    name: 'webhook.ledger.republished',
    unit: 'Count',
    services: ['operations'],
    meaning: 'Of these, sent anew by the reconciler',
  },
  ledgerReleased: {
    name: 'webhook.ledger.released',
    unit: 'Count',
    services: ['operations'],
    meaning: 'Parked deliveries sent on, since their integration is active again',
  },
  ledgerEnded: {
    name: 'webhook.ledger.ended',
    unit: 'Count',
    services: ['operations'],
    meaning: 'Parked deliveries given up after their 72 hours',
  },
  featureEvaluated: {
    name: 'webhook.feature.evaluation',
    unit: 'Count',
    services: ['enrichment', 'status'],
    meaning: 'Completions and status requests for which the flag decided, by why it is on or off',
    dimensions: { feature: [FEATURE_NAME], result: EVALUATION_REASONS },
  },
  featureError: {
    name: 'webhook.feature.error',
    unit: 'Count',
    services: ['enrichment', 'status'],
    meaning: 'Times that the flag could not be read or understood, by what kept it',
    dimensions: { feature: [FEATURE_NAME], error: FEATURE_FAULTS },
  },
  credentialAge: {
    name: 'webhook.credential.age',
    unit: 'Days',
    services: ['operations'],
    meaning: 'Since the Snowflake secret was last changed',
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>;

type Definitions = typeof DEFINITIONS;

/** The metrics' names, by what the code calls them. */
export const METRICS = Object.fromEntries(Object.entries(DEFINITIONS).map(([key, { name }]) => [key, name])) as {
  readonly [Key in keyof Definitions]: Definitions[Key]['name'];
};

export type MetricName = Definitions[keyof Definitions]['name'];

/** Metrics that are no counts: each value is kept. */
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

/** What a count is told apart by; of few values each, and never a person or an enterprise: CloudWatch bills by them. */
export type Dimensions = Readonly<Record<string, string>>;

type DefinitionOf<Name> = Extract<Definitions[keyof Definitions], { readonly name: Name }>;

/** Counts that have more dimensions than the service. */
export type DimensionedName = Extract<Definitions[keyof Definitions], { readonly dimensions: object }>['name'];

/** Counts that the service alone tells apart. */
export type CountName = Exclude<MetricName, MeasureName | DimensionedName>;

/** The dimensions of a metric, each with the values that the table has for it. */
export type DimensionsOf<Name extends DimensionedName> =
  DefinitionOf<Name> extends { readonly dimensions: infer Values }
    ? { readonly [Key in keyof Values]: Values[Key] extends readonly (infer Value)[] ? Value : string }
    : never;

/** Counts and measures within one invocation; all of it is published when that ends. */
export interface Counter {
  count(name: CountName, value?: number): void;
  count<Name extends DimensionedName>(name: Name, value: number, dimensions: DimensionsOf<Name>): void;
  /** One value in the metric's unit, of which CloudWatch makes percentiles. */
  measure(name: MeasureName, value: number): void;
}
