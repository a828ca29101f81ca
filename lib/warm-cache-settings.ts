import * as z from 'zod';

/** The part of `cache.maxStorageGigabytes` that warmed entries may fill: the rest is for read-through entries and the limiter. */
const WARM_SHARE = 0.6;

/**
 * Bytes of a warmed entry, rounded up: a key of 100 (with a course id of 40), a value of 60, and 100 that Valkey needs for a key
 * that expires. Course ids may have 255 characters.
 */
const WARM_ENTRY_BYTES = 400;

/** Most rows of a warm run, by the cache's storage. */
export function mostWarmRows(maxStorageGigabytes: number): number {
  return Math.floor((WARM_SHARE * maxStorageGigabytes * 1e9) / WARM_ENTRY_BYTES);
}

/** The load of the cache after each change of the table (WarmCache). */
export const warmCacheSettings = z.strictObject({
  /** Off: learners are read through one by one, and the events queue needs a window. */
  enabled: z.boolean(),
  /** Learners with activity in the last so many days are loaded. */
  activeDays: z.int().min(1).max(366),
  /** Those with the newest activity. At most what fits in 60% of the cache. */
  maxRows: z.int().min(1),
});
