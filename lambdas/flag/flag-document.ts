import * as z from 'zod';
import { canonicalEnterpriseId } from '../events/event.ts';

/** The flag's key in the AppConfig feature-flag profile. */
export const FLAG_KEY = 'enable_webhook_learning_time_enrichment';

/** Time to live of cached learning times, in seconds, if the flag has no valid one (requirement T6: one hour). */
export const DEFAULT_CACHE_TTL_SECONDS = 3600;

/** Bounds that both AppConfig (as attribute constraints) and this schema enforce. */
export const FLAG_BOUNDS = {
  rolloutPercentage: { minimum: 0, maximum: 100 },
  cacheTtlSeconds: { minimum: 60, maximum: 86_400 },
} as const;

/**
 * The flag as `GetLatestConfiguration` returns it. It has attributes only while `enabled` is true, so each is optional.
 */
export const flagSchema = z.object({
  enabled: z.boolean(),
  /** Enterprises with enrichment, in whole percent. */
  rollout_percentage: z
    .int()
    .min(FLAG_BOUNDS.rolloutPercentage.minimum)
    .max(FLAG_BOUNDS.rolloutPercentage.maximum)
    .default(0),
  /** Enterprises with enrichment at any percentage; distinct, in canonical form. */
  pilot_enterprises: z
    .array(z.string())
    .transform((pasted) => [...new Set(pasted.map((id) => canonicalEnterpriseId(id.trim())))])
    .default([]),
  cache_ttl_seconds: z
    .int()
    .min(FLAG_BOUNDS.cacheTtlSeconds.minimum)
    .max(FLAG_BOUNDS.cacheTtlSeconds.maximum)
    .default(DEFAULT_CACHE_TTL_SECONDS),
});
export type Flag = z.infer<typeof flagSchema>;

/** A flag with the name of its version. */
export interface VersionedFlag extends Flag {
  /** The version's label in AppConfig; without one, `content-` and the first digits of a hash of its content. */
  readonly config_version: string;
}

/** Accepted version labels. AppConfig allows any 64 characters, which logs and ledger items must not contain. */
export const CONFIG_VERSION = /^[\w.:/-]{1,64}$/;

/** The flag that applies if none can be read: webhooks are sent without learning time. */
export const FLAG_OFF: VersionedFlag = { ...flagSchema.parse({ enabled: false }), config_version: 'none' };
