import * as z from 'zod';
import { EnvironmentInvalid } from './errors.ts';
import { faultsOf } from './faults.ts';

/** How the warehouse's table writes enterprise UUIDs. Text columns compare case-sensitively, and with their dashes. */
export const ENTERPRISE_ID_FORMS = ['lower', 'upper', 'lower_undashed', 'upper_undashed'] as const;
export type EnterpriseIdForm = (typeof ENTERPRISE_ID_FORMS)[number];

/** `true` or `false` overrides the flag for all enterprises; for development only (requirement S2). */
export const FEATURE_OVERRIDE = 'FEATURE_WEBHOOK_LEARNING_TIME_ENRICHMENT_ENABLED';

/**
 * The environment variables of each function. The stack's grants set them by these names, and the handler's file reads
 * them with these schemas. A missing or invalid variable fails the first invocation with `EnvironmentInvalid`.
 */
const queueUrl = z.url();
const id = z.string().min(1);
const flagText = z.enum(['true', 'false']).transform((text) => text === 'true');

/** Unquoted Snowflake identifiers, with up to three parts for a table: they become part of the query's text. */
export const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_$]{0,254}$/;
export const TABLE_IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_$]{0,254}(\.[A-Za-z_][A-Za-z0-9_$]{0,254}){0,2}$/;
const identifier = z.string().regex(IDENTIFIER, 'must be an unquoted identifier');

/** Variables of every function. */
const common = {
  /** Read by Powertools itself. */
  POWERTOOLS_SERVICE_NAME: id,
  POWERTOOLS_METRICS_NAMESPACE: id,
  /** Multiplies the deadlines of `io-deadlines.ts`: 1 in AWS, more on a developer's machine, which may be busy. */
  IO_DEADLINE_FACTOR: z.coerce.number().min(1).max(100),
};

const flags = {
  APPCONFIG_APPLICATION_ID: id,
  FLAGS_ENVIRONMENT_ID: id,
  FLAGS_PROFILE_ID: id,
  [FEATURE_OVERRIDE]: flagText.optional(),
};
const integrations = { APPCONFIG_APPLICATION_ID: id, INTEGRATIONS_ENVIRONMENT_ID: id, INTEGRATIONS_PROFILE_ID: id };

const cache = {
  CACHE_HOST: id,
  CACHE_PORT: z.coerce.number().int().min(1).max(65_535),
  CACHE_TLS: flagText,
};

const count = z.coerce.number().int().min(1);

/** Limiter settings, which both delivery functions must agree on. */
const limiter = {
  /** Maximum number of concurrent attempts at a slow endpoint, over all functions together. */
  SLOW_ENDPOINT_ATTEMPTS: count,
  /** Maximum number of execution environments that send at the same time, of both functions together. */
  SENDING_ENVIRONMENTS: count,
};

const warehouse = {
  SNOWFLAKE_SECRET_ID: id,
  SNOWFLAKE_WAREHOUSE: identifier,
  SNOWFLAKE_ROLE: identifier,
  /** Shown with each query in Snowflake's query history; Snowflake allows 2000 characters. */
  SNOWFLAKE_QUERY_TAG: z.string().min(1).max(2000),
  WAREHOUSE_FAILURES_TO_OPEN: count,
  WAREHOUSE_OPEN_SECONDS: count,
  WAREHOUSE_SLOW_SECONDS: count,
  LEARNING_TIME_TABLE: z.string().regex(TABLE_IDENTIFIER, 'must be one to three identifiers, separated by dots'),
  LEARNING_TIME_USER_COLUMN: identifier,
  LEARNING_TIME_COURSE_COLUMN: identifier,
  LEARNING_TIME_ENTERPRISE_COLUMN: identifier,
  LEARNING_TIME_ENTERPRISE_FORM: z.enum(ENTERPRISE_ID_FORMS),
  LEARNING_TIME_DATE_COLUMN: identifier,
  LEARNING_TIME_SECONDS_COLUMN: identifier,
};

const ledger = {
  LEDGER_TABLE_NAME: id,
  /** Retention of events and response excerpts, in days. */
  LEDGER_PAYLOAD_DAYS: count,
  /** Retention of all other facts, in days. */
  LEDGER_FACTS_DAYS: count,
  /** Set by Lambda. The ledger stores it with a claim, so that operators find the log lines of the claimant. */
  AWS_LAMBDA_LOG_STREAM_NAME: z.string().default('unknown'),
};

/** For functions that continue without the ledger. */
const guardedLedger = {
  ...ledger,
  /** Set by Lambda. */
  AWS_REGION: id,
  /** The SDK's variable for another endpoint than the region's: of the local platform. */
  AWS_ENDPOINT_URL_DYNAMODB: z.url().optional(),
  LEDGER_FAILURES_TO_OPEN: count,
  LEDGER_OPEN_SECONDS: count,
  LEDGER_SLOW_MILLISECONDS: count,
  OUTCOMES_QUEUE_URL: queueUrl,
};

export const ledgerEnvironment = z.object({ ...common, ...guardedLedger });

/** Network rules of the stage for requests to partners. Integrations cannot change them. */
const partners = {
  ALLOW_PLAIN_HTTP: flagText,
  /** Networks that may be reached although they are not public, separated by commas; usually none. */
  ALLOWED_CIDRS: z.string().transform(listed),
  /** Ports, separated by commas, or `any`. */
  ALLOWED_PORTS: z
    .string()
    .regex(/^(any|\d{1,5}(,\d{1,5})*)$/, 'must be ports, separated by commas, or any')
    .transform((text) => (text === 'any' ? ('any' as const) : listed(text).map(Number))),
  /** The name of an integration's secret is this prefix and the integration's id. */
  INTEGRATION_SECRETS_PREFIX: z.string().regex(/^\/.*\/$/, 'must begin and end with a slash'),
};

function listed(text: string): string[] {
  return text.split(',').filter((item) => item !== '');
}

export const enrichBatchEnvironment = z.object({
  ...common,
  ...flags,
  ...integrations,
  ...cache,
  ...warehouse,
  ...guardedLedger,
  EVENTS_QUEUE_URL: queueUrl,
  EVENTS_DEAD_LETTER_QUEUE_URL: queueUrl,
  DELIVERIES_QUEUE_URL: queueUrl,
  STATE_MACHINE_ARN: id,
});

export const enrichTaskEnvironment = z.object({ ...common, ...flags, ...cache, ...warehouse });

export const warmCacheEnvironment = z.object({
  ...common,
  ...flags,
  ...integrations,
  ...cache,
  ...warehouse,
  /** The cache's limit, of which a run uses half. */
  CACHE_MAX_ECPU_PER_SECOND: count,
  /** Learners with activity in this number of days are loaded. */
  WARM_ACTIVE_DAYS: count,
  /** Maximum number of rows, those with the newest activity. */
  WARM_MAX_ROWS: count,
});

export const checkWarehouseEnvironment = z.object({ ...common, ...warehouse });

/** The event bus of operational events. */
const operationalEvents = { EVENT_BUS_NAME: id };

export const deliverBatchEnvironment = z.object({
  ...common,
  ...operationalEvents,
  ...integrations,
  ...partners,
  ...cache,
  ...limiter,
  ...guardedLedger,
  DELIVERIES_QUEUE_URL: queueUrl,
  DELIVERIES_DEAD_LETTER_QUEUE_URL: queueUrl,
  STATE_MACHINE_ARN: id,
});

export const deliverTaskEnvironment = z.object({
  ...common,
  ...operationalEvents,
  ...integrations,
  ...partners,
  ...cache,
  ...limiter,
  ...guardedLedger,
});

export const sendTestEnvironment = z.object({ ...common, ...integrations, ...partners });

export const rescueExecutionEnvironment = z.object({
  ...common,
  ...operationalEvents,
  STATE_MACHINE_ARN: id,
  DELIVERIES_DEAD_LETTER_QUEUE_URL: queueUrl,
});

export const sweepExecutionsEnvironment = rescueExecutionEnvironment.extend({ LEDGER_TABLE_NAME: id });

export const reconcileEnvironment = z.object({
  ...common,
  ...operationalEvents,
  ...integrations,
  ...ledger,
  DELIVERIES_QUEUE_URL: queueUrl,
  DELIVERIES_DEAD_LETTER_QUEUE_URL: queueUrl,
  OUTCOMES_QUEUE_URL: queueUrl,
});

export const settleOutcomesEnvironment = z.object({
  ...common,
  ...operationalEvents,
  ...ledger,
  OUTCOMES_QUEUE_URL: queueUrl,
  OUTCOMES_DEAD_LETTER_QUEUE_URL: queueUrl,
});

export const credentialAgeEnvironment = z.object({ ...common, SNOWFLAKE_SECRET_ID: id });

export const certificateExpiryEnvironment = z.object({
  ...common,
  ...operationalEvents,
  LEDGER_TABLE_NAME: id,
  ...integrations,
  INTEGRATION_SECRETS_PREFIX: partners.INTEGRATION_SECRETS_PREFIX,
});

export const featureStatusEnvironment = z.object({
  ...common,
  ...flags,
  /** The JWT claim with a browser's enterprise; empty if the stage has none. */
  ENTERPRISE_CLAIM: z.string().transform((text) => text || undefined),
});

export const webhookHealthEnvironment = z.object({
  ...common,
  ...integrations,
  LEDGER_TABLE_NAME: id,
  EVENTS_QUEUE_URL: queueUrl,
  EVENTS_DEAD_LETTER_QUEUE_URL: queueUrl,
  DELIVERIES_QUEUE_URL: queueUrl,
  DELIVERIES_DEAD_LETTER_QUEUE_URL: queueUrl,
  METRICS_TOKEN_SECRET_ID: id,
});

/** The names of all variables, for the stack. */
export type EnvironmentName =
  | keyof z.infer<typeof enrichBatchEnvironment>
  | keyof z.infer<typeof warmCacheEnvironment>
  | keyof z.infer<typeof deliverBatchEnvironment>
  | keyof z.infer<typeof deliverTaskEnvironment>
  | keyof z.infer<typeof rescueExecutionEnvironment>
  | keyof z.infer<typeof settleOutcomesEnvironment>
  | keyof z.infer<typeof featureStatusEnvironment>
  | keyof z.infer<typeof webhookHealthEnvironment>;

/**
 * Reads a function's environment.
 *
 * @throws EnvironmentInvalid naming each variable that is missing or wrong; values are not repeated
 */
export function readEnvironment<T>(schema: z.ZodType<T>, environment: Record<string, string | undefined>): T {
  const result = schema.safeParse(environment);
  if (result.success) return result.data;
  throw new EnvironmentInvalid(`environment variables do not fit: ${faultsOf(result.error, 'all of them')}`);
}
