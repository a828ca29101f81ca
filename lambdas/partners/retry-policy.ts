import { kindNamed, typeOfKind } from '../events/event-types/event-types.ts';
import { JITTER, jittered } from '../events/retry-timing.ts';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../shared/durations.ts';
import type { Integration } from './integration.ts';

/** Default delays between attempts: 23.6 hours in total. */
const DEFAULT_DELAYS_MS = [
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

/**
 * A delivery whose partner throttles it spends no attempt for this time, as long as a parked one. Then it is dead, so that a
 * partner that always responds with 429 does not keep it forever. An attempt with another result ends that time.
 */
export const LONGEST_THROTTLING_MS = 72 * HOUR_MS;

/** The shortest timeout of an attempt: enough for a new connection and a slow response. */
const SHORTEST_TIMEOUT_MS = 5 * SECOND_MS;

/** From this attempt on the timeout is `timeout_seconds`; the first attempts have one and two thirds of it. */
const FULL_TIMEOUT_ATTEMPT = 3;

/** The retry policy of one integration for one kind of event. */
export interface RetryPolicy {
  /** Retries after the first attempt. */
  readonly maxRetries: number;
  /** The delay before each retry, without jitter. */
  readonly delaysMs: readonly number[];
  /** The timeout of each attempt: one more than retries. */
  readonly timeoutsMs: readonly number[];
  /** If all attempts fail, a second round starts after this delay. Absent: the delivery is dead then. */
  readonly secondRoundAfterMs?: number;
}

/** Cached by the integration object, which stays the same until its document is read again, and by kind. */
const policies = new WeakMap<Integration, Map<string, RetryPolicy>>();

/**
 * The kind's policy, if it has one, else the integration's. `max_retries_by_event_type` overrides the retries of both. With
 * a policy of the kind, the timeout grows from the first attempt to the last.
 *
 * @param kind a name of `KINDS`
 */
export function retryPolicyOf(integration: Integration, kind: string): RetryPolicy {
  const known = policies.get(integration) ?? new Map<string, RetryPolicy>();
  const policy = known.get(kind) ?? createPolicy(integration, kind);
  policies.set(integration, known.set(kind, policy));
  return policy;
}

function createPolicy(integration: Integration, kind: string): RetryPolicy {
  const { policy } = kindNamed(kind);
  const defaultRetries = policy === undefined ? integration.max_retries : policy.delaysSeconds.length;
  const maxRetries = integration.max_retries_by_event_type?.[typeOfKind(kind)] ?? defaultRetries;
  const delaysSeconds = policy === undefined ? integration.retry_delays_seconds : policy.delaysSeconds;
  const delaysMs = delaysSeconds?.map((seconds) => seconds * SECOND_MS) ?? DEFAULT_DELAYS_MS;
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
 * When the next attempt is due: after the policy's delay ±10%, or after the partner's `Retry-After` and up to 10% more,
 * whichever is later. Jitter keeps deliveries that failed together from retrying together.
 *
 * @param attempt attempts made so far, 1 or more
 * @param retryAfterMs the wait that the partner requested (`retry-after.ts`), in milliseconds
 * @returns undefined if no attempt is left
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
  const requestedMs = Math.round(retryAfterMs * (1 + JITTER * random()));
  return new Date(nowMs + Math.max(jittered(delayMs, random), requestedMs));
}

/**
 * When the second round of a failed delivery starts: after the policy's delay and up to 10% more.
 *
 * @returns undefined if the policy has no second round
 */
export function secondRoundAt(
  { secondRoundAfterMs }: RetryPolicy,
  nowMs: number,
  random: () => number,
): Date | undefined {
  if (secondRoundAfterMs === undefined) return undefined;
  return new Date(nowMs + Math.round(secondRoundAfterMs * (1 + JITTER * random())));
}

/** The earliest and latest start of an attempt, in milliseconds after the start of the first one. */
export interface ScheduledAttempt {
  /** 1 for the first. */
  readonly attempt: number;
  readonly timeoutMs: number;
  /** If all earlier attempts fail immediately, and all delays are 10% shorter. */
  readonly earliestMs: number;
  /** If all earlier attempts time out, and all delays are 10% longer. `Retry-After` and rate limits add to it. */
  readonly latestMs: number;
}

/**
 * All attempts that a policy allows. A second round may start right after the first attempt, if that fails permanently.
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

/** The sum of a policy's delays without jitter, including those of a second round, in milliseconds. */
export function totalWaitMs({ delaysMs, secondRoundAfterMs }: RetryPolicy): number {
  const roundMs = delaysMs.reduce((sum, delayMs) => sum + delayMs, 0);
  return secondRoundAfterMs === undefined ? roundMs : 2 * roundMs + secondRoundAfterMs;
}
