/**
 * When things are tried again. All times are milliseconds since the epoch; `random` gives [0, 1).
 */

/** Between the first failure at the warehouse and each retry: document 001, three retries 60 s apart. */
export const ENRICHMENT_RETRY_STEP_MS = 60_000;

/** Spread of every delay, so that what failed together does not come back together. */
export const JITTER = 0.1;

/** `delayMs`, up to 10% shorter or longer. */
export function jittered(delayMs: number, random: () => number): number {
  return Math.round(delayMs * (1 - JITTER + 2 * JITTER * random()));
}

/**
 * When the warehouse is asked again: 60, 120 and 180 s after the first failure, ±10%.
 *
 * @param retry 1 for the first retry after the batch's own try
 */
export function enrichmentDueAt(firstFailedAtMs: number, retry: number, random: () => number): Date {
  return new Date(firstFailedAtMs + jittered(ENRICHMENT_RETRY_STEP_MS * retry, random));
}
