import * as z from 'zod';
import { enterpriseIdSchema } from '../events/event.ts';
import { EVALUATION_REASONS } from '../shared/metric-definitions.ts';

/**
 * The status API, shaped as document 004: what the gateway routes, the handler returns and the OpenAPI document
 * (`docs/status-api/openapi.json`) describes.
 */

/** Where browsers ask, with a JWT; and where operators do, with IAM. Each also with `/{feature}` after it. */
export const STATUS_PATHS = {
  browsers: '/api/v1/features/status',
  operators: '/operations/v1/features/status',
} as const;

/** Seconds for which a response may be reused: functions themselves poll the flag every 15 s. */
export const STATUS_MAX_AGE_SECONDS = 15;

/** What the feature does, for people. */
export const FEATURE_DESCRIPTION = 'Learning time in completion webhooks';

/**
 * Whose state is queried: an enterprise has a specific state; with a user only, or no parameter, it is the general one,
 * since the rollout goes by enterprise. Each parameter at most once, and no others: a misspelt one would return the state
 * of other callers.
 */
export const statusQuerySchema = z.strictObject({
  /** An id and no address. Returned, and otherwise not used. */
  user_id: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1-64 of A-Z a-z 0-9 _ -')
    .optional(),
  enterprise_customer_uuid: enterpriseIdSchema.optional(),
});
export type StatusQuery = z.infer<typeof statusQuerySchema>;

/** For one feature only: a caller who wants to be refused where it is not enabled says so. */
export const featureQuerySchema = statusQuerySchema.safeExtend({
  require: z.literal('enabled', { error: 'must be enabled' }).optional(),
});
export type FeatureQuery = z.infer<typeof featureQuerySchema>;

const state = {
  /** Of the enterprise; in a general response, whether it is on for any enterprise. */
  enabled: z.boolean(),
  /** True where the state is one enterprise's, false where it is the general one. */
  user_specific: z.boolean(),
  /** Share of enterprises with the feature on, in whole percent; null while the flag is off, since it has none then. */
  rollout_percentage: z.int().min(0).max(100).nullable(),
  description: z.string(),
  reason: z.enum(EVALUATION_REASONS),
};

/** The query's parameters; null where they were not given. */
const asked = { user_id: z.string().nullable(), enterprise_customer_uuid: z.string().nullable() };

export const featureStateSchema = z.strictObject(state);
export type FeatureState = z.infer<typeof featureStateSchema>;

/** All features, by their names. */
export const allStatusesSchema = z.strictObject({ features: z.record(z.string(), featureStateSchema), ...asked });
export type AllStatuses = z.infer<typeof allStatusesSchema>;

export const featureStatusSchema = z.strictObject({ feature: z.string(), ...state, ...asked });
export type FeatureStatus = z.infer<typeof featureStatusSchema>;

/** Every error of the handler's. The gateway's own are `{"message": …}`. */
export const statusErrorSchema = z.strictObject({ detail: z.strictObject({ error: z.string() }) });
export type StatusError = z.infer<typeof statusErrorSchema>;
