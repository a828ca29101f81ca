import type { AdmitRequest } from '../../lambdas/adapters/valkey/gate-script.ts';
import type {
  Admission,
  GateAnswer,
  GatedIntegration,
  GateReport,
  GateTicket,
} from '../../lambdas/contract/delivery-ports.ts';
import {
  ASK_AGAIN_MS,
  FAILURES_TO_OPEN,
  FIRST_PACE,
  GONE_MS,
  LAPSE_MS,
  LATENCY_WEIGHT,
  MAX_AHEAD_MS,
  MAX_AHEAD_OF_SLOW_MS,
  MAX_HOLD_MS,
  MAX_PACE,
  MAX_PAUSE_MS,
  MIN_PACE,
  MINUTE_MS,
  OPEN_MS,
  PACE_MS,
  PROBE_LEASE_MS,
  SLOW_MS,
  SLOW_PAIR_MS,
  SPREAD_MS,
} from '../../lambdas/domain/gate-limits.ts';
import { current, type GateState, lasting } from './limiter-state.ts';

/**
 * The specification of the limiter: when attempts at one integration may go out, by rate limit, pace, hold and breaker.
 * `lambdas/adapters/valkey/gate-script.ts` has the same rules in Lua, which is what runs; `valkey-gate.test.ts` compares
 * the two.
 */

/**
 * Says of each try when it may go out, in their order, and reserves what has to be reserved.
 *
 * An open breaker parks them all, but for one probe at a time: the first try of a call, when it may go by limit and hold
 * at once, or so soon that its function waits for it. Where it may not, it gets its time like any other, and whoever is
 * first then is the probe.
 *
 * @returns as its state `known` itself where nothing is to be remembered
 */
export function admit(
  known: GateState,
  integration: GatedIntegration,
  { tickets, mayProbe, slowAttempts }: AdmitRequest,
  nowMs: number,
): { readonly state: GateState; readonly answer: GateAnswer } {
  const before = current(known, integration, nowMs);
  const limit = limitOf(before, integration, slowAttempts, nowMs);
  const isOpen = before.openUntilMs > 0;
  const isProbing = mayProbe && nowMs >= before.openUntilMs && nowMs >= before.probeUntilMs;
  const parked: Admission = { verdict: 'parked', reason: before.isGone ? 'gone' : 'failing' };
  let state = before;
  const admissions = tickets.map((ticket, position) => {
    if (isOpen && !(isProbing && position === 0)) return parked;
    const placed = place(state, ticket, limit, nowMs);
    const isProbe = isOpen && goesOut(placed.admission, nowMs);
    state = isProbe ? { ...placed.state, probeUntilMs: nowMs + PROBE_LEASE_MS } : placed.state;
    return placed.admission;
  });
  const isSlow = isOpen || nowMs < before.slowUntilMs;
  return {
    state: state === before ? known : lasting(state, nowMs),
    answer: {
      admissions,
      isSlow,
      wantsReport: isSlow || before.failures > 0 || Number.isFinite(paceOf(before, nowMs)),
    },
  };
}

interface Limit {
  /** None where undefined. A change holds from the next reservation on; what is reserved stays reserved. */
  readonly perMinute: number | undefined;
  /** Nothing is reserved further ahead. */
  readonly maxAheadMs: number;
}

/**
 * The least of the integration's own, its pace, and while it is slow the rate that keeps `slowAttempts` under way. Attempts
 * are not counted: by Little's law, attempts under way = rate × duration.
 */
function limitOf(state: GateState, integration: GatedIntegration, slowAttempts: number, nowMs: number): Limit {
  const own = integration.max_requests_per_minute;
  const latencyMs = state.latencyMs > 0 ? state.latencyMs : integration.timeout_seconds * 1000;
  const implied = nowMs < state.slowUntilMs ? (slowAttempts * MINUTE_MS) / latencyMs : Number.POSITIVE_INFINITY;
  const passing = Math.min(implied, paceOf(state, nowMs));
  if (passing < (own ?? Number.POSITIVE_INFINITY)) return { perMinute: passing, maxAheadMs: MAX_AHEAD_OF_SLOW_MS };
  return { perMinute: own, maxAheadMs: MAX_AHEAD_MS };
}

/** Requests a minute; infinite where there is no pace. */
function paceOf({ pacePerMinute, paceFromMs }: GateState, nowMs: number): number {
  const isOver = pacePerMinute === 0 || nowMs >= paceFromMs + PACE_MS;
  return isOver ? Number.POSITIVE_INFINITY : pacePerMinute;
}

/** The time of one try by limit and hold alone. */
function place(
  state: GateState,
  { reservedForMs }: GateTicket,
  { perMinute, maxAheadMs }: Limit,
  nowMs: number,
): { readonly state: GateState; readonly admission: Admission } {
  if (perMinute === undefined) {
    const isHeld = state.holdUntilMs > nowMs;
    return { state, admission: isHeld ? later(state.holdUntilMs, false) : { verdict: 'now' } };
  }
  if (reservedForMs !== undefined && serves(reservedForMs, state.holdUntilMs, nowMs)) {
    return { state, admission: reservedForMs > nowMs ? later(reservedForMs, true) : { verdict: 'now' } };
  }
  const freeMs = Math.max(nowMs, state.nextMs, state.holdUntilMs);
  const atMs = Math.ceil(freeMs);
  if (atMs > nowMs + maxAheadMs) {
    return { state, admission: later(Math.max(state.holdUntilMs, nowMs + Math.min(ASK_AGAIN_MS, maxAheadMs)), false) };
  }
  return {
    state: { ...state, nextMs: freeMs + SPREAD_MS / perMinute },
    admission: atMs > nowMs ? later(atMs, true) : { verdict: 'now' },
  };
}

/** Now, or after a pause in the function itself: it does not ask again. */
function goesOut(admission: Admission, nowMs: number): boolean {
  return admission.verdict === 'now' || (admission.verdict === 'later' && admission.atMs <= nowMs + MAX_PAUSE_MS);
}

/** Not where it lapsed, where a hold came over it, or where it is for a time that nobody was ever given. */
function serves(reservedForMs: number, holdUntilMs: number, nowMs: number): boolean {
  const isInTime = nowMs <= reservedForMs + LAPSE_MS && reservedForMs <= nowMs + MAX_AHEAD_MS;
  return isInTime && holdUntilMs <= Math.max(nowMs, reservedForMs);
}

function later(atMs: number, isReserved: boolean): Admission {
  return { verdict: 'later', atMs, isReserved };
}

/**
 * Takes in how tries ended. Any report gives the probe back: whoever had it may have told, and what it told decides how
 * soon the next one goes out. A 410 weighs more than other tries that passed beside it, those more than failed ones.
 */
export function report(known: GateState, integration: GatedIntegration, told: GateReport, nowMs: number): GateState {
  const state = { ...current(known, integration, nowMs), probeUntilMs: 0 };
  const holdMs = told.holdMs > 0 ? Math.min(Math.ceil(told.holdMs), MAX_HOLD_MS) : 0;
  const holdUntilMs = holdMs > 0 ? Math.max(state.holdUntilMs, nowMs + holdMs) : state.holdUntilMs;
  const latencyMs = smoothed(state.latencyMs, told.tookMs);
  const pace = paced(state, integration, told, holdUntilMs, nowMs);
  return lasting({ ...judged(state, told, nowMs), ...pace, holdUntilMs, latencyMs }, nowMs);
}

/** Nothing that arrives before the hold ends changes the pace: its request was sent before. */
function paced(
  state: GateState,
  { max_requests_per_minute: own }: GatedIntegration,
  { passed, isThrottled }: GateReport,
  holdUntilMs: number,
  nowMs: number,
): Pick<GateState, 'pacePerMinute' | 'paceFromMs'> {
  const { pacePerMinute, paceFromMs } = state;
  const pace = paceOf(state, nowMs);
  const isOfThisHold = nowMs < paceFromMs;
  if (isThrottled) {
    const refused = Math.min(pace, own ?? Number.POSITIVE_INFINITY);
    const half = Number.isFinite(refused) ? Math.max(MIN_PACE, refused / 2) : FIRST_PACE;
    return { pacePerMinute: isOfThisHold ? pacePerMinute : half, paceFromMs: Math.max(paceFromMs, holdUntilMs) };
  }
  if (isOfThisHold || !Number.isFinite(pace)) return { pacePerMinute, paceFromMs };
  const grown = pace + passed;
  return { pacePerMinute: grown < (own ?? MAX_PACE) ? grown : 0, paceFromMs };
}

/** The first one told stands for itself. */
function smoothed(latencyMs: number, tookMs: number): number {
  if (tookMs <= 0) return latencyMs;
  return latencyMs > 0 ? latencyMs + LATENCY_WEIGHT * (tookMs - latencyMs) : tookMs;
}

function judged(state: GateState, { passed, failed, isGone, isThrottled }: GateReport, nowMs: number): GateState {
  const isOpen = state.openUntilMs > 0;
  // Never earlier than it was: a late failure must not cut short what a 410 began.
  const openFor = (ms: number) => Math.max(state.openUntilMs, nowMs + ms);
  if (isGone) return { ...state, isGone: true, openUntilMs: openFor(GONE_MS) };
  // A refusal as too many shows that a failing endpoint is back, unless others failed beside it. A limiter may stand in
  // front of one that is gone.
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
 * Takes in that a request has been waiting for a while: the second one of a pair makes the endpoint slow. What tries took
 * before says nothing of how long they take from then on.
 */
export function slow(known: GateState, integration: GatedIntegration, nowMs: number): GateState {
  const state = current(known, integration, nowMs);
  const wasSlow = nowMs < state.slowUntilMs;
  const isSlow = wasSlow || nowMs <= state.slowAtMs + SLOW_PAIR_MS;
  const slowUntilMs = isSlow ? nowMs + SLOW_MS : state.slowUntilMs;
  return lasting({ ...state, slowAtMs: nowMs, slowUntilMs, latencyMs: wasSlow ? state.latencyMs : 0 }, nowMs);
}
