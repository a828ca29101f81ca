/**
 * When things are tried again. All times are milliseconds since the epoch; `random` gives [0, 1).
 */

/** Between the first failure at the warehouse and each retry: document 001, three retries 60 s apart. */
export const ENRICHMENT_RETRY_STEP_MS = 60_000;

/** Between a failed try at the partner and the next: document 003's 1, 2 and 4 s. */
export const DELIVERY_RETRY_DELAYS_MS = [1_000, 2_000, 4_000] as const;

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

/**
 * When the partner is tried again, or undefined where the tries are used up.
 *
 * @param attempt tries made so far, 1 or more
 */
export function deliveryDueAt(nowMs: number, attempt: number, random: () => number): Date | undefined {
  const delayMs = DELIVERY_RETRY_DELAYS_MS[attempt - 1];
  return delayMs === undefined ? undefined : new Date(nowMs + jittered(delayMs, random));
}
