import * as z from 'zod';
import { canonicalEnterpriseId } from '../events/event.ts';

/** The flag's key in the AppConfig feature-flag profile. */
export const FLAG_KEY = 'enable_webhook_learning_time_enrichment';

/** Cache time of an answer in seconds where the flag says nothing usable: document 001, one hour. */
export const DEFAULT_CACHE_TTL_SECONDS = 3600;

/** Bounds that AppConfig enforces in the console (attribute constraints of the seed) and the schema enforces here. */
export const FLAG_BOUNDS = {
  rolloutPercentage: { minimum: 0, maximum: 100 },
  cacheTtlSeconds: { minimum: 60, maximum: 86_400 },
} as const;

/**
 * The flag as `GetLatestConfiguration` answers it. Attributes come only while `enabled` is true, so each is optional.
 */
export const flagSchema = z.object({
  enabled: z.boolean(),
  /** Share of enterprises with enrichment on, in whole percent. */
  rollout_percentage: z
    .int()
    .min(FLAG_BOUNDS.rolloutPercentage.minimum)
    .max(FLAG_BOUNDS.rolloutPercentage.maximum)
    .default(0),
  /** Enterprises with enrichment on whatever the percentage: each once, in canonical form, however the console has them. */
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

/** The flag as functions go by it, and which of its versions that is. */
export interface VersionedFlag extends Flag {
  /** The version's label in AppConfig; without one, `content-` and the first digits of a hash of what it says. */
  readonly config_version: string;
}

/** What a label must be to be taken: AppConfig allows any 64 characters, logs and the ledger's small items do not. */
export const CONFIG_VERSION = /^[\w.:/-]{1,64}$/;

/** What holds where the flag cannot be read: no enrichment, the webhook is still sent. */
export const FLAG_OFF: VersionedFlag = { ...flagSchema.parse({ enabled: false }), config_version: 'none' };
