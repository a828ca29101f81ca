import * as z from 'zod';

/**
 * Health and metrics, for operators and for Prometheus: what the gateway routes, the handler returns and the OpenAPI
 * document (`docs/status-api/openapi.json`) says. The health is shaped as document 003.
 */

export const OPERATIONS_PATHS = {
  /** With IAM. Also with `/{integration}` after it. */
  health: '/api/v1/webhooks/health',
  /** With the token of the secret `/<stage>/metrics-token`. */
  metrics: '/metrics',
} as const;

/** Attempts of so many hours make the health. */
export const HEALTH_WINDOW_HOURS = 24;

/** Share of attempts that succeed, from which on webhooks are healthy. Document 003: "success rate < 80%" is critical. */
export const HEALTHY_SUCCESS_RATE = 0.8;

/**
 * Seconds for which what was read is kept in a function's memory: CloudWatch charges for every metric that is read. Less
 * than a minute, so that a client that polls every minute never gets the same reading twice.
 */
export const HEALTH_CACHE_SECONDS = 50;

/** The same of what could not be read in full; and when to come again where nothing could. */
export const UNREAD_CACHE_SECONDS = 10;

/**
 * Integrations whose last error is read for one response on all of them: those with the most failures. Each costs up to 48
 * queries of the ledger; the response on a single integration always has its own.
 */
export const LAST_ERRORS_READ = 10;

/** Where a number is null, it is not known: it was not read, or (a rate) there was nothing to make it of. */
const count = z.int().min(0).nullable();

const health = {
  /** Attempts made, each to a partner's endpoint. */
  total_requests: count,
  success_count: count,
  error_count: count,
  /** 0 to 1, to three decimals; null where there was no attempt. */
  success_rate: z.number().min(0).max(1).nullable(),
  /** Of what failed and is not delivered yet; null where there is none, or where it cannot be read. */
  last_error_time: z.iso.datetime().nullable(),
  /** `HTTP 503`, `no response: TIMEOUT` or a reason of our own: never what a partner wrote. */
  last_error_message: z.string().nullable(),
  /** `unknown` where the counts cannot be read. Without any attempt it is `healthy`: nothing has failed. */
  status: z.enum(['healthy', 'degraded', 'unknown']),
};

const asOf = {
  window_hours: z.literal(HEALTH_WINDOW_HOURS),
  /** When it was read: up to a minute ago. */
  read_at: z.iso.datetime(),
};

export const healthSchema = z.strictObject(health);
export type Health = z.infer<typeof healthSchema>;

/** Of all integrations together, of each by its id, and of each kind of event. */
export const allHealthSchema = z.strictObject({
  ...health,
  ...asOf,
  integrations: z.record(z.string(), healthSchema),
  /** By name, `lead.hot`. The last error is always null: the ledger's index does not distinguish kinds. */
  kinds: z.record(z.string(), healthSchema),
});
export type AllHealth = z.infer<typeof allHealthSchema>;

export const integrationHealthSchema = z.strictObject({ integration: z.string(), ...health, ...asOf });
export type IntegrationHealth = z.infer<typeof integrationHealthSchema>;

/** Goes on after "the secret", as every fault of a secret does. */
const TOKEN_FAULT = 'has no token (a text of at least 32 characters), which every reader of the metrics needs';

/** The secret `/<stage>/metrics-token`, as the stack generates it. */
export const metricsTokenSchema = z.object({
  /** 32 characters at least, so that it cannot be guessed through 20 requests a second. */
  token: z.string(TOKEN_FAULT).trim().min(32, TOKEN_FAULT),
});
export type MetricsToken = z.infer<typeof metricsTokenSchema>;
