import { kindNamed, typeOfKind } from '../events/event-types/event-types.ts';
import { JITTER, jittered } from '../events/retry-timing.ts';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../shared/durations.ts';
import type { Integration } from './integration.ts';

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
const FULL_TIMEOUT_ATTEMPT = 3;

/** How often, when and how long one integration is tried with one kind of event. */
export interface RetryPolicy {
  /** Tries after the first one. */
  readonly maxRetries: number;
  /** Before each retry, without its jitter: as many as there are retries. */
  readonly delaysMs: readonly number[];
  /** Of each try, the first one included: one more than there are retries. */
  readonly timeoutsMs: readonly number[];
  /** What failed in all of them begins anew so much later, once. Absent: it is dead then. */
  readonly secondRoundAfterMs?: number;
}

/**
 * The kind's own policy, where it has one, and else the integration's. How often a type of event is retried is the
 * integration's last word either way; with a policy of the kind's own, the timeout grows from its first try to its last.
 *
 * @param kind by name, as `kindOf` in contract/event-types has it
 */
export function retryPolicyOf(integration: Integration, kind: string): RetryPolicy {
  const { policy } = kindNamed(kind);
  const usualRetries = policy === undefined ? integration.max_retries : policy.delaysSeconds.length;
  const maxRetries = integration.max_retries_by_event_type?.[typeOfKind(kind)] ?? usualRetries;
  const delaysSeconds = policy === undefined ? integration.retry_delays_seconds : policy.delaysSeconds;
  const delaysMs = delaysSeconds?.map((seconds) => seconds * SECOND_MS) ?? USUAL_DELAYS_MS;
  const fullTimeoutAttempt = policy === undefined ? FULL_TIMEOUT_ATTEMPT : maxRetries + 1;
  const again = policy?.secondRoundAfterMinutes;
  return {
    maxRetries,
    delaysMs: Array.from({ length: maxRetries }, (_, index) => delaysMs[index] ?? delaysMs.at(-1) ?? 0),
    timeoutsMs: Array.from({ length: maxRetries + 1 }, (_, index) =>
      attemptTimeoutMs(integration, index + 1, fullTimeoutAttempt),
    ),
    ...(again !== undefined && { secondRoundAfterMs: again * MINUTE_MS }),
  };
}

function attemptTimeoutMs({ timeout_seconds }: Integration, attempt: number, fullTimeoutAttempt: number): number {
  const share = Math.min(1, attempt / fullTimeoutAttempt);
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
export function nextAttemptAt(
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

/**
 * When a delivery that failed begins anew: never sooner than its kind says, and up to 10% later, so that what failed
 * together does not come back together.
 *
 * @returns undefined where its policy has no second round
 */
export function secondRoundAt(
  { secondRoundAfterMs }: RetryPolicy,
  nowMs: number,
  random: () => number,
): Date | undefined {
  if (secondRoundAfterMs === undefined) return undefined;
  return new Date(nowMs + Math.round(secondRoundAfterMs * (1 + JITTER * random())));
}

/** One try as it may come, in milliseconds since the first one began. */
export interface ScheduledAttempt {
  /** 1 for the first. */
  readonly attempt: number;
  readonly timeoutMs: number;
  /** Every try before fails at once, every delay is 10% shorter. */
  readonly earliestMs: number;
  /** Every try before takes all its time, every delay is 10% longer. `Retry-After` and a rate limit come on top. */
  readonly latestMs: number;
}

/**
 * Every try that a policy allows: its total budget, computed. A second round may follow upon the first try, where that is
 * refused for good.
 */
export function schedule(policy: RetryPolicy): ScheduledAttempt[] {
  const first = round(policy, { attempt: 1, earliestMs: 0, latestMs: 0 });
  const last = first.at(-1);
  const { secondRoundAfterMs } = policy;
  if (secondRoundAfterMs === undefined || last === undefined) return first;
  const again = {
    attempt: last.attempt + 1,
    earliestMs: secondRoundAfterMs,
    latestMs: last.latestMs + last.timeoutMs + Math.round(secondRoundAfterMs * (1 + JITTER)),
  };
  return [...first, ...round(policy, again)];
}

function round(policy: RetryPolicy, begin: Omit<ScheduledAttempt, 'timeoutMs'>): ScheduledAttempt[] {
  let { earliestMs, latestMs } = begin;
  return policy.timeoutsMs.map((timeoutMs, index) => {
    const row = { attempt: begin.attempt + index, timeoutMs, earliestMs, latestMs };
    const delayMs = policy.delaysMs[index] ?? 0;
    earliestMs += jittered(delayMs, () => 0);
    latestMs += timeoutMs + jittered(delayMs, () => 1);
    return row;
  });
}

/** All waits of a policy together, those of a second round too, without their jitter. */
export function totalWaitMs({ delaysMs, secondRoundAfterMs }: RetryPolicy): number {
  const roundMs = delaysMs.reduce((sum, delayMs) => sum + delayMs, 0);
  return secondRoundAfterMs === undefined ? roundMs : 2 * roundMs + secondRoundAfterMs;
}
