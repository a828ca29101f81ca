import type {
  LimitedIntegration,
  LimiterDecision,
  LimiterReport,
  LimiterResponse,
  SlotRequest,
} from '../../lambdas/limiter/limiter.ts';
import type { AcquireRequest } from '../../lambdas/limiter/limiter-script.ts';
import {
  ASK_AGAIN_MS,
  FAILURES_TO_OPEN,
  FIRST_PACE,
  GONE_MS,
  LAPSE_MS,
  LATENCY_WEIGHT,
  MAX_AHEAD_MS,
  MAX_AHEAD_OF_SLOW_MS,
  MAX_IN_FUNCTION_WAIT_MS,
  MAX_PACE,
  MIN_PACE,
  MINUTE_MS,
  OPEN_MS,
  PACE_MS,
  PROBE_LEASE_MS,
  SLOW_MS,
  SLOW_PAIR_MS,
  SPREAD_MS,
} from '../../lambdas/limiter/limiter-settings.ts';
import { MAX_RETRY_AFTER_MS } from '../../lambdas/partners/retry-after.ts';
import { current, type LimiterState, lasting } from './model-state.ts';

/**
 * The specification of the limiter: when attempts at one integration may be sent, by rate limit, pace, `Retry-After` and
 * circuit breaker. `lambdas/limiter/limiter-script.ts` implements the same rules in Lua; `model.test.ts` compares the two.
 */

/**
 * Decides for each attempt, in order, when it may be sent, and reserves the slots.
 *
 * An open circuit breaker rejects all attempts but one probe at a time. The probe is the first attempt of a call, if limit and
 * `Retry-After` allow it now or after an in-function wait. Otherwise that attempt gets a slot like any other, and the first
 * attempt that asks at that time is the probe.
 *
 * @returns `known` itself as the state if nothing changed
 */
export function acquire(
  known: LimiterState,
  integration: LimitedIntegration,
  { requests, mayProbe, slowAttempts }: AcquireRequest,
  nowMs: number,
): { readonly state: LimiterState; readonly answer: LimiterResponse } {
  const before = current(known, integration, nowMs);
  const limit = limitOf(before, integration, slowAttempts, nowMs);
  const isOpen = before.openUntilMs > 0;
  const isProbing = mayProbe && nowMs >= before.openUntilMs && nowMs >= before.probeUntilMs;
  const rejected: LimiterDecision = { verdict: 'reject', reason: before.isGone ? 'gone' : 'failing' };
  let state = before;
  const decisions = requests.map((request, position) => {
    if (isOpen && !(isProbing && position === 0)) return rejected;
    const placed = place(state, request, limit, nowMs);
    const isProbe = isOpen && isSent(placed.decision, nowMs);
    state = isProbe ? { ...placed.state, probeUntilMs: nowMs + PROBE_LEASE_MS } : placed.state;
    return placed.decision;
  });
  const isSlow = isOpen || nowMs < before.slowUntilMs;
  return {
    state: state === before ? known : lasting(state, nowMs),
    answer: {
      decisions,
      isSlow,
      wantsReport: isSlow || before.failures > 0 || Number.isFinite(paceOf(before, nowMs)),
    },
  };
}

interface Limit {
  /** Undefined without a limit. A change applies to new reservations only. */
  readonly perMinute: number | undefined;
  /** Nothing is reserved further ahead. */
  readonly maxAheadMs: number;
}

/**
 * The lowest of the integration's limit, its pace, and, while it is slow, the rate that keeps `slowAttempts` in flight. Attempts
 * are not counted: by Little's law, attempts in flight = rate × duration.
 */
function limitOf(state: LimiterState, integration: LimitedIntegration, slowAttempts: number, nowMs: number): Limit {
  const own = integration.max_requests_per_minute;
  const latencyMs = state.latencyMs > 0 ? state.latencyMs : integration.timeout_seconds * 1000;
  const implied = nowMs < state.slowUntilMs ? (slowAttempts * MINUTE_MS) / latencyMs : Number.POSITIVE_INFINITY;
  const passing = Math.min(implied, paceOf(state, nowMs));
  if (passing < (own ?? Number.POSITIVE_INFINITY)) return { perMinute: passing, maxAheadMs: MAX_AHEAD_OF_SLOW_MS };
  return { perMinute: own, maxAheadMs: MAX_AHEAD_MS };
}

/** Requests a minute; infinite without a pace. */
function paceOf({ pacePerMinute, paceFromMs }: LimiterState, nowMs: number): number {
  const isOver = pacePerMinute === 0 || nowMs >= paceFromMs + PACE_MS;
  return isOver ? Number.POSITIVE_INFINITY : pacePerMinute;
}

/** The time of one attempt by limit and `Retry-After` alone. */
function place(
  state: LimiterState,
  { reservedForMs }: SlotRequest,
  { perMinute, maxAheadMs }: Limit,
  nowMs: number,
): { readonly state: LimiterState; readonly decision: LimiterDecision } {
  if (perMinute === undefined) {
    const mustWait = state.notBeforeMs > nowMs;
    return { state, decision: mustWait ? later(state.notBeforeMs, false) : { verdict: 'allow' } };
  }
  if (reservedForMs !== undefined && serves(reservedForMs, state.notBeforeMs, nowMs)) {
    return { state, decision: reservedForMs > nowMs ? later(reservedForMs, true) : { verdict: 'allow' } };
  }
  const freeMs = Math.max(nowMs, state.nextMs, state.notBeforeMs);
  const atMs = Math.ceil(freeMs);
  if (atMs > nowMs + maxAheadMs) {
    return { state, decision: later(Math.max(state.notBeforeMs, nowMs + Math.min(ASK_AGAIN_MS, maxAheadMs)), false) };
  }
  return {
    state: { ...state, nextMs: freeMs + SPREAD_MS / perMinute },
    decision: atMs > nowMs ? later(atMs, true) : { verdict: 'allow' },
  };
}

/** Whether the attempt is sent now, or after a wait in the function, without asking again. */
function isSent(decision: LimiterDecision, nowMs: number): boolean {
  return (
    decision.verdict === 'allow' || (decision.verdict === 'wait' && decision.atMs <= nowMs + MAX_IN_FUNCTION_WAIT_MS)
  );
}

/** Whether a reservation is valid: not lapsed, not covered by a `Retry-After`, and not further ahead than any real one. */
function serves(reservedForMs: number, notBeforeMs: number, nowMs: number): boolean {
  const isInTime = nowMs <= reservedForMs + LAPSE_MS && reservedForMs <= nowMs + MAX_AHEAD_MS;
  return isInTime && notBeforeMs <= Math.max(nowMs, reservedForMs);
}

function later(atMs: number, isReserved: boolean): LimiterDecision {
  return { verdict: 'wait', atMs, isReserved };
}

/**
 * Records the results of attempts. Every report releases the probe, because it may be the probe's own. A 410 outweighs attempts of the same report that passed, and those outweigh failed ones.
 */
export function report(
  known: LimiterState,
  integration: LimitedIntegration,
  ended: LimiterReport,
  nowMs: number,
): LimiterState {
  const state = { ...current(known, integration, nowMs), probeUntilMs: 0 };
  const retryAfterMs = ended.retryAfterMs > 0 ? Math.min(Math.ceil(ended.retryAfterMs), MAX_RETRY_AFTER_MS) : 0;
  const notBeforeMs = retryAfterMs > 0 ? Math.max(state.notBeforeMs, nowMs + retryAfterMs) : state.notBeforeMs;
  const latencyMs = smoothed(state.latencyMs, ended.tookMs);
  const pace = paced(state, integration, ended, notBeforeMs, nowMs);
  return lasting({ ...judged(state, ended, nowMs), ...pace, notBeforeMs, latencyMs }, nowMs);
}

/** Responses before the end of the `Retry-After` do not change the pace, because their requests were sent before it. */
function paced(
  state: LimiterState,
  { max_requests_per_minute: own }: LimitedIntegration,
  { passed, isThrottled }: LimiterReport,
  notBeforeMs: number,
  nowMs: number,
): Pick<LimiterState, 'pacePerMinute' | 'paceFromMs'> {
  const { pacePerMinute, paceFromMs } = state;
  const pace = paceOf(state, nowMs);
  const isBeforeRetry = nowMs < paceFromMs;
  if (isThrottled) {
    const refused = Math.min(pace, own ?? Number.POSITIVE_INFINITY);
    const half = Number.isFinite(refused) ? Math.max(MIN_PACE, refused / 2) : FIRST_PACE;
    return { pacePerMinute: isBeforeRetry ? pacePerMinute : half, paceFromMs: notBeforeMs };
  }
  if (isBeforeRetry || !Number.isFinite(pace)) return { pacePerMinute, paceFromMs };
  const grown = pace + passed;
  return { pacePerMinute: grown < (own ?? MAX_PACE) ? grown : 0, paceFromMs };
}

/** Exponential smoothing; the first duration is taken as it is. */
function smoothed(latencyMs: number, tookMs: number): number {
  if (tookMs <= 0) return latencyMs;
  return latencyMs > 0 ? latencyMs + LATENCY_WEIGHT * (tookMs - latencyMs) : tookMs;
}

function judged(
  state: LimiterState,
  { passed, failed, isGone, isThrottled }: LimiterReport,
  nowMs: number,
): LimiterState {
  const isOpen = state.openUntilMs > 0;
  // Never earlier than before: a late failure must not shorten the wait after a 410.
  const openFor = (ms: number) => Math.max(state.openUntilMs, nowMs + ms);
  if (isGone) return { ...state, isGone: true, openUntilMs: openFor(GONE_MS) };
  // A throttled request shows that a failing endpoint is back, unless other attempts failed. A gone endpoint may have a rate
  // limiter in front of it, so it stays gone.
  const isBack = isOpen && !state.isGone && isThrottled && failed === 0;
  if (passed > 0 || isBack) {
    const closed = { ...state, failures: 0, openUntilMs: 0, isGone: false };
    return isOpen ? { ...closed, slowAtMs: 0, slowUntilMs: 0 } : closed;
  }
  const failures = state.failures + failed;
  const opens = failed > 0 && (isOpen || failures >= FAILURES_TO_OPEN);
  return { ...state, failures, openUntilMs: opens ? openFor(OPEN_MS) : state.openUntilMs };
}

/**
 * Records a request without a response after the slow threshold: the second one of a pair makes the endpoint slow. Durations
 * from before are discarded.
 */
export function slow(known: LimiterState, integration: LimitedIntegration, nowMs: number): LimiterState {
  const state = current(known, integration, nowMs);
  const wasSlow = nowMs < state.slowUntilMs;
  const isSlow = wasSlow || nowMs <= state.slowAtMs + SLOW_PAIR_MS;
  const slowUntilMs = isSlow ? nowMs + SLOW_MS : state.slowUntilMs;
  return lasting({ ...state, slowAtMs: nowMs, slowUntilMs, latencyMs: wasSlow ? state.latencyMs : 0 }, nowMs);
}
