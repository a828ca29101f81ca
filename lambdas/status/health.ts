import type { ListedWebhook } from '../ledger/ports.ts';
import { HEALTHY_SUCCESS_RATE, type Health } from './health-document.ts';

/** Attempts of a window; undefined: they could not be read. */
export interface AttemptCounts {
  readonly successes: number;
  readonly failures: number;
}

export interface LastError {
  /** ISO 8601. */
  readonly at: string;
  readonly message: string;
}

/** What attempts and the last error say (document 003). A success rate of exactly 80% is healthy. */
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

/** @returns undefined where one of them is: a sum that lacks an integration would be taken for the whole */
export function summed(all: readonly (AttemptCounts | undefined)[]): AttemptCounts | undefined {
  let sum: AttemptCounts = { successes: 0, failures: 0 };
  for (const counts of all) {
    if (counts === undefined) return undefined;
    sum = { successes: sum.successes + counts.successes, failures: sum.failures + counts.failures };
  }
  return sum;
}

/** What a partner, or a token server, answered, or how the connection failed: `outcome.ts` writes it so. */
const FAILED_ATTEMPT = /(?:token: )?(?:HTTP \d{3}|no response: [A-Z0-9_]+|the response has no access_token)/;

/**
 * The latest of failures, by when each came about; undefined where there is none. What waits for another reason (the
 * partner's limit, a pause, the warehouse) has not failed.
 */
export function lastErrorOf(webhooks: readonly ListedWebhook[]): LastError | undefined {
  let last: LastError | undefined;
  for (const webhook of webhooks) {
    const message = messageOf(webhook);
    if (message === undefined) continue;
    if (last === undefined || webhook.changed_at > last.at) last = { at: webhook.changed_at, message };
  }
  return last;
}

/** The later of errors. */
export function latestError(errors: readonly (LastError | undefined)[]): LastError | undefined {
  const known = errors.filter((error) => error !== undefined);
  return known.toSorted((one, other) => (one.at < other.at ? 1 : -1))[0];
}

/** Reasons are our own words; an address, which a fault could have brought into one, is not repeated. */
function messageOf({ state, reason = '' }: ListedWebhook): string | undefined {
  const [failedAttempt] = FAILED_ATTEMPT.exec(reason) ?? [];
  if (failedAttempt !== undefined) return failedAttempt;
  if (state !== 'dead') return undefined;
  return reason === '' || reason.includes('://') ? 'given up' : reason;
}
