import * as z from 'zod';

/**
 * Health and metrics, for operators and for Prometheus (requirements W5 and W7): the gateway's routes and the handler's
 * responses, as described by the OpenAPI document (`docs/status-api/openapi.json`).
 */

export const OPERATIONS_PATHS = {
  /** With IAM. Also exists with `/{integration}`. */
  health: '/api/v1/webhooks/health',
  /** With the token of the secret `/<stage>/metrics-token`. */
  metrics: '/metrics',
} as const;

/** Hours of attempts that the health covers. */
export const HEALTH_WINDOW_HOURS = 24;

/** Lowest success rate of a healthy integration (requirement W5). */
export const HEALTHY_SUCCESS_RATE = 0.8;

/**
 * Seconds for which a function caches readings, because CloudWatch charges for every metric read. Less than a minute, so that a
 * client that polls every minute never gets the same reading twice.
 */
export const HEALTH_CACHE_SECONDS = 50;

/** The same for incomplete readings, and the `retry-after` if nothing could be read. */
export const UNREAD_CACHE_SECONDS = 10;

/**
 * Number of integrations whose last error is read for a response about all: those with the most failures. Each costs up to 48
 * queries of the ledger. A response about a single integration always contains its last error.
 */
export const LAST_ERRORS_READ = 10;

/** Null if it could not be read. */
const count = z.int().min(0).nullable();

const health = {
  /** Number of attempts. */
  total_requests: count,
  success_count: count,
  error_count: count,
  /** 0 to 1, with three decimals; null without attempts, or if it could not be read. */
  success_rate: z.number().min(0).max(1).nullable(),
  /** Of the latest delivery that failed and has not succeeded since; null if there is none, or it cannot be read. */
  last_error_time: z.iso.datetime().nullable(),
  /** `HTTP 503`, `no response: TIMEOUT` or one of our own reasons; never a partner's text. */
  last_error_message: z.string().nullable(),
  /** `unknown` if the counts cannot be read. Without attempts it is `healthy`, because nothing has failed. */
  status: z.enum(['healthy', 'degraded', 'unknown']),
};

const asOf = {
  window_hours: z.literal(HEALTH_WINDOW_HOURS),
  /** When the counts were read, up to a minute ago. */
  read_at: z.iso.datetime(),
};

export const healthSchema = z.strictObject(health);
export type Health = z.infer<typeof healthSchema>;

/** Health of all integrations together, of each by id, and of each kind of event. */
export const allHealthSchema = z.strictObject({
  ...health,
  ...asOf,
  integrations: z.record(z.string(), healthSchema),
  /** By name, for example `lead.hot`. The last error is always null, because the ledger's index has no kinds. */
  kinds: z.record(z.string(), healthSchema),
});
export type AllHealth = z.infer<typeof allHealthSchema>;

export const integrationHealthSchema = z.strictObject({ integration: z.string(), ...health, ...asOf });
export type IntegrationHealth = z.infer<typeof integrationHealthSchema>;

/** Follows "the secret" in error texts. */
const TOKEN_FAULT = 'has no token (a text of at least 32 characters), which every reader of the metrics needs';

/** The secret `/<stage>/metrics-token`, as the stack generates it. */
export const metricsTokenSchema = z.object({
  /** At least 32 characters, so that it cannot be guessed at 20 requests a second. */
  token: z.string(TOKEN_FAULT).trim().min(32, TOKEN_FAULT),
});
export type MetricsToken = z.infer<typeof metricsTokenSchema>;
