import * as z from 'zod';
import { EnvironmentInvalid } from './errors.ts';
import { faultsOf } from './faults.ts';

/** How the warehouse's table writes enterprises' UUIDs: a text column compares letter by letter. */
export const ENTERPRISE_ID_FORMS = ['lower', 'upper', 'lower_undashed', 'upper_undashed'] as const;
export type EnterpriseIdForm = (typeof ENTERPRISE_ID_FORMS)[number];

/** `true` or `false`, for development only: for everybody, whatever the flag says (document 004). */
export const FEATURE_OVERRIDE = 'FEATURE_WEBHOOK_LEARNING_TIME_ENRICHMENT_ENABLED';

/**
 * The environment variables of each function. The stack's grants set them by these names, the handler's own file reads
 * them through these schemas: a name or a value that disagrees ends the first invocation with `EnvironmentInvalid`.
 */
const queueUrl = z.url();
const id = z.string().min(1);
const flagText = z.enum(['true', 'false']).transform((text) => text === 'true');

/** Unquoted Snowflake identifiers, up to three parts for a table: they are written into the query's text. */
export const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_$]{0,254}$/;
export const TABLE_IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_$]{0,254}(\.[A-Za-z_][A-Za-z0-9_$]{0,254}){0,2}$/;
const identifier = z.string().regex(IDENTIFIER, 'must be an unquoted identifier');

/** What every function has. */
const common = {
  /** Read by Powertools itself. */
  POWERTOOLS_SERVICE_NAME: id,
  POWERTOOLS_METRICS_NAMESPACE: id,
  /** Multiplies what a function waits for its services: 1 in AWS, more on one's own machine, which may be busy. */
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

/** What both delivery functions go by at the limiter, and so must agree on. */
const limiter = {
  /** The most attempts that a slow endpoint may have under way at a time, over all functions together. */
  SLOW_ENDPOINT_ATTEMPTS: count,
  /** How many environments may send at a time, of both functions together. */
  SENDING_ENVIRONMENTS: count,
};

const warehouse = {
  SNOWFLAKE_SECRET_ID: id,
  SNOWFLAKE_WAREHOUSE: identifier,
  SNOWFLAKE_ROLE: identifier,
  /** Beside each query in Snowflake's history, which takes at most 2000 characters. */
  SNOWFLAKE_QUERY_TAG: z.string().min(1).max(2000),
  WAREHOUSE_FAILURES_TO_OPEN: count,
  WAREHOUSE_OPEN_SECONDS: count,
  WAREHOUSE_SLOW_SECONDS: count,
  LEARNING_TIME_TABLE: z.string().regex(TABLE_IDENTIFIER, 'must be one to three identifiers, cut by dots'),
  LEARNING_TIME_USER_COLUMN: identifier,
  LEARNING_TIME_COURSE_COLUMN: identifier,
  LEARNING_TIME_ENTERPRISE_COLUMN: identifier,
  LEARNING_TIME_ENTERPRISE_FORM: z.enum(ENTERPRISE_ID_FORMS),
  LEARNING_TIME_DATE_COLUMN: identifier,
  LEARNING_TIME_SECONDS_COLUMN: identifier,
};

const ledger = {
  LEDGER_TABLE_NAME: id,
  /** How long events and excerpts of answers are held, in days. */
  LEDGER_PAYLOAD_DAYS: count,
  /** How long the facts without them are held, in days. */
  LEDGER_FACTS_DAYS: count,
  /** Lambda's own: where to look for the lines of whoever claimed a webhook. */
  AWS_LAMBDA_LOG_STREAM_NAME: z.string().default('unknown'),
};

/** What a function needs that must go on without the ledger. */
const guardedLedger = {
  ...ledger,
  LEDGER_FAILURES_TO_OPEN: count,
  LEDGER_OPEN_SECONDS: count,
  LEDGER_SLOW_MILLISECONDS: count,
  OUTCOMES_QUEUE_URL: queueUrl,
};

export const ledgerEnvironment = z.object({ ...common, ...guardedLedger });

/** Which way to partners a stage permits; never an integration. */
const partners = {
  ALLOW_PLAIN_HTTP: flagText,
  /** Networks that may be reached although they are not public, cut by commas; usually none. */
  ALLOWED_CIDRS: z.string().transform(listed),
  /** Ports, cut by commas, or `any`. */
  ALLOWED_PORTS: z
    .string()
    .regex(/^(any|\d{1,5}(,\d{1,5})*)$/, 'must be ports, cut by commas, or any')
    .transform((text) => (text === 'any' ? ('any' as const) : listed(text).map(Number))),
  /** What comes before an integration's id in the name of its secret. */
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

export const checkWarehouseEnvironment = z.object({ ...common, ...warehouse });

export const deliverBatchEnvironment = z.object({
  ...common,
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
  ...integrations,
  ...partners,
  ...cache,
  ...limiter,
  ...guardedLedger,
});

export const sendTestEnvironment = z.object({ ...common, ...integrations, ...partners });

export const rescueExecutionEnvironment = z.object({
  ...common,
  STATE_MACHINE_ARN: id,
  DELIVERIES_DEAD_LETTER_QUEUE_URL: queueUrl,
});

export const sweepExecutionsEnvironment = rescueExecutionEnvironment.extend({ LEDGER_TABLE_NAME: id });

export const reconcileEnvironment = z.object({
  ...common,
  ...integrations,
  ...ledger,
  DELIVERIES_QUEUE_URL: queueUrl,
  DELIVERIES_DEAD_LETTER_QUEUE_URL: queueUrl,
  OUTCOMES_QUEUE_URL: queueUrl,
});

export const settleOutcomesEnvironment = z.object({
  ...common,
  ...ledger,
  OUTCOMES_QUEUE_URL: queueUrl,
  OUTCOMES_DEAD_LETTER_QUEUE_URL: queueUrl,
});

export const credentialAgeEnvironment = z.object({ ...common, SNOWFLAKE_SECRET_ID: id });

export const featureStatusEnvironment = z.object({
  ...common,
  ...flags,
  /** The JWT claim that names a browser's enterprise; empty where the stage names none. */
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

/** Every variable some function reads: what the stack may set. */
export type EnvironmentName =
  | keyof z.infer<typeof enrichBatchEnvironment>
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
