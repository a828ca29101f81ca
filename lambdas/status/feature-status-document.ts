import * as z from 'zod';
import { enterpriseIdSchema } from '../events/event.ts';
import { EVALUATION_REASONS } from '../shared/metric-definitions.ts';

/**
 * The status API (requirement S1): the gateway's routes and the handler's responses, as described by the OpenAPI document
 * (`docs/status-api/openapi.json`).
 */

/** Paths for browsers, with a JWT, and for operators, with IAM. Each path also exists with `/{feature}`. */
export const STATUS_PATHS = {
  browsers: '/api/v1/features/status',
  operators: '/operations/v1/features/status',
} as const;

/** Seconds for which a response may be cached: functions poll the flag every 15 s. */
export const STATUS_MAX_AGE_SECONDS = 15;

/** Description for the caller. */
export const FEATURE_DESCRIPTION = 'Learning time in completion webhooks';

/**
 * Whose state is queried. With an enterprise, the response is specific; with only a user, or without parameters, it is the
 * general state, because the rollout is by enterprise. Unknown parameters are refused: with a misspelt one, the response would
 * be of the wrong scope.
 */
export const statusQuerySchema = z.strictObject({
  /** An id, not an e-mail address. Returned, and not used otherwise. */
  user_id: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1-64 of A-Z a-z 0-9 _ -')
    .optional(),
  enterprise_customer_uuid: enterpriseIdSchema.optional(),
});
export type StatusQuery = z.infer<typeof statusQuerySchema>;

/** Query of one feature. With `require=enabled`, the response is 403 if the feature is not enabled. */
export const featureQuerySchema = statusQuerySchema.safeExtend({
  require: z.literal('enabled', { error: 'must be enabled' }).optional(),
});
export type FeatureQuery = z.infer<typeof featureQuerySchema>;

const state = {
  /** Whether the feature is on for the enterprise; in a general response, for any enterprise. */
  enabled: z.boolean(),
  /** True for an enterprise's state, false for the general one. */
  user_specific: z.boolean(),
  /** Share of enterprises with the feature on, in whole percent; null while the flag is off. */
  rollout_percentage: z.int().min(0).max(100).nullable(),
  description: z.string(),
  reason: z.enum(EVALUATION_REASONS),
};

/** The query's parameters; null if absent. */
const asked = { user_id: z.string().nullable(), enterprise_customer_uuid: z.string().nullable() };

const featureStateSchema = z.strictObject(state);
export type FeatureState = z.infer<typeof featureStateSchema>;

/** All features, by their names. */
export const allStatusesSchema = z.strictObject({ features: z.record(z.string(), featureStateSchema), ...asked });
export type AllStatuses = z.infer<typeof allStatusesSchema>;

export const featureStatusSchema = z.strictObject({ feature: z.string(), ...state, ...asked });
export type FeatureStatus = z.infer<typeof featureStatusSchema>;

/** Every error of the handler. Those of the gateway are `{"message": …}`. */
export const statusErrorSchema = z.strictObject({ detail: z.strictObject({ error: z.string() }) });
