import type { ListedDelivery } from '../ledger/ports.ts';
import { HEALTHY_SUCCESS_RATE, type Health } from './health-document.ts';

/** Attempts in a window. */
export interface AttemptCounts {
  readonly successes: number;
  readonly failures: number;
}

export interface LastError {
  /** ISO 8601. */
  readonly at: string;
  readonly message: string;
}

/** The health from attempts and the last error. A success rate of exactly 80% is healthy (requirement W5). */
export function healthOf(counts: AttemptCounts | undefined, lastError: LastError | undefined): Health {
  const error = { last_error_time: lastError?.at ?? null, last_error_message: lastError?.message ?? null };
  if (counts === undefined) {
    const unknown = { total_requests: null, success_count: null, error_count: null, success_rate: null };
    return { ...unknown, ...error, status: 'unknown' };
  }
  const { successes, failures } = counts;
  const total = successes + failures;
  const rate = total === 0 ? null : successes / total;
  return {
    total_requests: total,
    success_count: successes,
    error_count: failures,
    success_rate: rate === null ? null : Math.round(rate * 1000) / 1000,
    ...error,
    status: rate !== null && rate < HEALTHY_SUCCESS_RATE ? 'degraded' : 'healthy',
  };
}

/** @returns undefined if a count is undefined: a sum without one integration would look like the total */
export function summed(all: readonly (AttemptCounts | undefined)[]): AttemptCounts | undefined {
  let sum: AttemptCounts = { successes: 0, failures: 0 };
  for (const counts of all) {
    if (counts === undefined) return undefined;
    sum = { successes: sum.successes + counts.successes, failures: sum.failures + counts.failures };
  }
  return sum;
}

/** A response of a partner or token server, or a connection failure, as `partners/response-outcome.ts` writes it. */
const FAILED_ATTEMPT = /(?:token: )?(?:HTTP \d{3}|no response: [A-Z0-9_]+|the response has no access_token)/;

/**
 * The latest failure; undefined if there is none. A delivery that waits for another reason (a rate limit, a pause, the
 * warehouse) has not failed.
 */
export function lastErrorOf(deliveries: readonly ListedDelivery[]): LastError | undefined {
  let last: LastError | undefined;
  for (const delivery of deliveries) {
    const message = messageOf(delivery);
    if (message === undefined) continue;
    if (last === undefined || delivery.changed_at > last.at) last = { at: delivery.changed_at, message };
  }
  return last;
}

/** The latest of several errors. */
export function latestError(errors: readonly (LastError | undefined)[]): LastError | undefined {
  const known = errors.filter((error) => error !== undefined);
  return known.toSorted((one, other) => (one.at < other.at ? 1 : -1))[0];
}

/** Our own reasons only. A reason with a URL is not repeated, because an error may have inserted it. */
function messageOf({ state, reason = '' }: ListedDelivery): string | undefined {
  const [failedAttempt] = FAILED_ATTEMPT.exec(reason) ?? [];
  if (failedAttempt !== undefined) return failedAttempt;
  if (state !== 'dead') return undefined;
  return reason === '' || reason.includes('://') ? 'dead-lettered' : reason;
}
