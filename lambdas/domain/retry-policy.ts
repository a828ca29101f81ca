import type { EventType } from '../contract/event.ts';
import type { Integration } from '../contract/integration.ts';
import { JITTER, jittered } from './retry-timing.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

/** Between a failed try and the next, where an integration says nothing else: 23.6 hours in all. */
const USUAL_DELAYS_MS = [
  1 * SECOND_MS,
  2 * SECOND_MS,
  4 * SECOND_MS,
  5 * MINUTE_MS,
  30 * MINUTE_MS,
  2 * HOUR_MS,
  5 * HOUR_MS,
  8 * HOUR_MS,
  8 * HOUR_MS,
];

/** Less than this no try gets: a cold connection and a slow answer fit. */
const SHORTEST_TIMEOUT_MS = 5 * SECOND_MS;

/** From this try on an integration gets all of its `timeout_seconds`; a third of it more with each try before. */
const FULL_TIMEOUT_TRY = 3;

/** How often, when and how long one integration is tried with one type of event. */
export interface RetryPolicy {
  /** Tries after the first one. */
  readonly maxRetries: number;
  /** Before each retry, without its jitter: as many as there are retries. */
  readonly delaysMs: readonly number[];
  /** Of each try, the first one included: one more than there are retries. */
  readonly timeoutsMs: readonly number[];
}

export function retryPolicyOf(integration: Integration, eventType: EventType): RetryPolicy {
  const maxRetries = integration.max_retries_by_event_type?.[eventType] ?? integration.max_retries;
  const delaysMs = integration.retry_delays_seconds?.map((seconds) => seconds * SECOND_MS) ?? USUAL_DELAYS_MS;
  return {
    maxRetries,
    delaysMs: Array.from({ length: maxRetries }, (_, index) => delaysMs[index] ?? delaysMs.at(-1) ?? 0),
    timeoutsMs: Array.from({ length: maxRetries + 1 }, (_, index) => tryTimeoutMs(integration, index + 1)),
  };
}

/** @param attempt 1 for the first try */
export function tryTimeoutMs({ timeout_seconds }: Pick<Integration, 'timeout_seconds'>, attempt: number): number {
  const share = Math.min(1, attempt / FULL_TIMEOUT_TRY);
  return Math.max(SHORTEST_TIMEOUT_MS, Math.round(timeout_seconds * SECOND_MS * share));
}

/**
 * When the partner is tried again: the policy's delay ±10%, or as long as the partner asks for where that is longer, and
 * up to 10% more, so that what was refused together does not come back together.
 *
 * @param attempt tries made so far, 1 or more
 * @param retryAfterMs what the partner asked for, as `retryAfterMs` in `retry-after.ts` reads it
 * @returns undefined where the tries are used up
 */
export function nextTryAt(
  policy: RetryPolicy,
  attempt: number,
  nowMs: number,
  random: () => number,
  retryAfterMs = 0,
): Date | undefined {
  const delayMs = policy.delaysMs[attempt - 1];
  if (delayMs === undefined) return undefined;
  const askedMs = Math.round(retryAfterMs * (1 + JITTER * random()));
  return new Date(nowMs + Math.max(jittered(delayMs, random), askedMs));
}

/** One try as it may come, in milliseconds since the first one began. */
export interface ScheduledTry {
  /** 1 for the first. */
  readonly attempt: number;
  readonly timeoutMs: number;
  /** Every try before fails at once, every delay is 10% shorter. */
  readonly earliestMs: number;
  /** Every try before takes all its time, every delay is 10% longer. `Retry-After` and a rate limit come on top. */
  readonly latestMs: number;
}

/** Every try that a policy allows: its total budget, computed. */
export function schedule(policy: RetryPolicy): ScheduledTry[] {
  let earliestMs = 0;
  let latestMs = 0;
  return policy.timeoutsMs.map((timeoutMs, index) => {
    const row = { attempt: index + 1, timeoutMs, earliestMs, latestMs };
    const delayMs = policy.delaysMs[index] ?? 0;
    earliestMs += jittered(delayMs, () => 0);
    latestMs += timeoutMs + jittered(delayMs, () => 1);
    return row;
  });
}

/** All waits of a policy together, without their jitter. */
export function totalWaitMs(policy: RetryPolicy): number {
  return policy.delaysMs.reduce((sum, delayMs) => sum + delayMs, 0);
}
