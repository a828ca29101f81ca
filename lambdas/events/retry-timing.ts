// Times are epoch milliseconds; `random` returns [0, 1).

/** Retries of a warehouse query are this far apart (requirement T5). */
export const ENRICHMENT_RETRY_STEP_MS = 60_000;

/** Delays vary by this share, so that deliveries that failed together do not retry together. */
export const JITTER = 0.1;

/** Returns `delayMs` ±10%. */
export function jittered(delayMs: number, random: () => number): number {
  return Math.round(delayMs * (1 - JITTER + 2 * JITTER * random()));
}

/**
 * Returns when the warehouse is queried again: 60, 120 and 180 s after the first failure, ±10%.
 *
 * @param retry 1 for the first retry after the batch's own query
 */
export function enrichmentDueAt(firstFailedAtMs: number, retry: number, random: () => number): Date {
  return new Date(firstFailedAtMs + jittered(ENRICHMENT_RETRY_STEP_MS * retry, random));
}
