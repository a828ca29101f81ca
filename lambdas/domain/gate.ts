import { createHash } from 'node:crypto';
import type { Admission, GateAnswer, GatedIntegration, GateReport, GateTicket } from '../contract/delivery-ports.ts';
import {
  ASK_AGAIN_MS,
  FAILURES_TO_OPEN,
  FORGET_MS,
  GONE_MS,
  LAPSE_MS,
  MAX_AHEAD_MS,
  MAX_HOLD_MS,
  OPEN_MS,
  PROBE_LEASE_MS,
  SLOW_MS,
  SLOW_PAIR_MS,
  SPREAD_MS,
} from './gate-limits.ts';

/**
 * When tries to one integration may go out: rate limit, hold and breaker. All times are milliseconds since the epoch, 0
 * for never. `adapters/valkey/gate-script.ts` holds the same rules in Lua; a test compares the two.
 */

/** What is known of an integration's endpoint. */
export interface GateState {
  /** The next free moment. Not a whole number: an interval rounded up to 2 ms would cost 60,000 a minute half its rate. */
  readonly nextMs: number;
  /** Before this nobody sends. */
  readonly holdUntilMs: number;
  /** Failed tries since the last that passed. */
  readonly failures: number;
  /** 0: the breaker is closed. Otherwise it is open, from this moment on for one probe. */
  readonly openUntilMs: number;
  readonly isGone: boolean;
  /** Until then the one probe that is out may tell how it ended. */
  readonly probeUntilMs: number;
  /** The last sign of slowness. */
  readonly slowAtMs: number;
  readonly slowUntilMs: number;
  /** Afterwards all this is forgotten. */
  readonly forgetAtMs: number;
}

export const UNKNOWN: GateState = {
  nextMs: 0,
  holdUntilMs: 0,
  failures: 0,
  openUntilMs: 0,
  isGone: false,
  probeUntilMs: 0,
  slowAtMs: 0,
  slowUntilMs: 0,
  forgetAtMs: 0,
};

/** Tries of one integration that want to go out together. */
export interface AdmitRequest {
  /** None where undefined. A change holds from the next reservation on; what is reserved stays reserved. */
  readonly maxPerMinute: number | undefined;
  readonly tickets: readonly GateTicket[];
  /** Whether the first of them may be the probe of an open breaker. */
  readonly mayProbe: boolean;
}

/**
 * The name of an integration's record. With another address, or resumed, it is another one: what was known of the
 * endpoint does not hold any more.
 */
export function gateKey({ id, url, resumed_at }: GatedIntegration): string {
  const hash = createHash('sha256').update(JSON.stringify([url, resumed_at ?? null]));
  return `gate:${id}:${hash.digest('hex').slice(0, 8)}`;
}

/**
 * Says of each try when it may go out, in their order, and reserves what has to be reserved.
 *
 * An open breaker parks them all, but for one probe at a time: the first try of a call, when it may go at once by limit
 * and hold. Where it may not, it gets its time like any other, and whoever is first then is the probe.
 */
export function admit(
  known: GateState,
  request: AdmitRequest,
  nowMs: number,
): { readonly state: GateState; readonly answer: GateAnswer } {
  const before = remembered(known, nowMs);
  const isOpen = before.openUntilMs > 0;
  const mayProbe = request.mayProbe && nowMs >= before.openUntilMs && nowMs >= before.probeUntilMs;
  const parked: Admission = { verdict: 'parked', reason: before.isGone ? 'gone' : 'failing' };
  let state = before;
  const admissions = request.tickets.map((ticket, position) => {
    if (isOpen && !(mayProbe && position === 0)) return parked;
    const placed = place(state, ticket, request.maxPerMinute, nowMs);
    const isProbe = isOpen && placed.admission.verdict === 'now';
    state = isProbe ? { ...placed.state, probeUntilMs: nowMs + PROBE_LEASE_MS } : placed.state;
    return placed.admission;
  });
  return {
    state: state === before ? before : lasting(state, nowMs),
    answer: {
      admissions,
      isSlow: isOpen || nowMs < before.slowUntilMs,
      wantsReport: isOpen || before.failures > 0,
    },
  };
}

/** The time of one try by limit and hold alone. */
function place(
  state: GateState,
  { reservedForMs }: GateTicket,
  maxPerMinute: number | undefined,
  nowMs: number,
): { readonly state: GateState; readonly admission: Admission } {
  if (maxPerMinute === undefined) {
    const isHeld = state.holdUntilMs > nowMs;
    return { state, admission: isHeld ? later(state.holdUntilMs, false) : { verdict: 'now' } };
  }
  if (reservedForMs !== undefined && serves(reservedForMs, state.holdUntilMs, nowMs)) {
    return { state, admission: reservedForMs > nowMs ? later(reservedForMs, true) : { verdict: 'now' } };
  }
  const freeMs = Math.max(nowMs, state.nextMs, state.holdUntilMs);
  const atMs = Math.ceil(freeMs);
  if (atMs > nowMs + MAX_AHEAD_MS) return { state, admission: later(nowMs + ASK_AGAIN_MS, false) };
  return {
    state: { ...state, nextMs: freeMs + SPREAD_MS / maxPerMinute },
    admission: atMs > nowMs ? later(atMs, true) : { verdict: 'now' },
  };
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
export function report(known: GateState, told: GateReport, nowMs: number): GateState {
  const state = { ...remembered(known, nowMs), probeUntilMs: 0 };
  const holdMs = told.holdMs > 0 ? Math.min(Math.ceil(told.holdMs), MAX_HOLD_MS) : 0;
  const holdUntilMs = holdMs > 0 ? Math.max(state.holdUntilMs, nowMs + holdMs) : state.holdUntilMs;
  return lasting({ ...judged(state, told, nowMs), holdUntilMs }, nowMs);
}

function judged(state: GateState, { passed, failed, isGone }: GateReport, nowMs: number): GateState {
  const isOpen = state.openUntilMs > 0;
  // Never earlier than it was: a late failure must not cut short what a 410 began.
  const openFor = (ms: number) => Math.max(state.openUntilMs, nowMs + ms);
  if (isGone) return { ...state, isGone: true, openUntilMs: openFor(GONE_MS) };
  if (passed > 0) {
    const closed = { ...state, failures: 0, openUntilMs: 0, isGone: false };
    return isOpen ? { ...closed, slowAtMs: 0, slowUntilMs: 0 } : closed;
  }
  const failures = state.failures + failed;
  const opens = failed > 0 && (isOpen || failures >= FAILURES_TO_OPEN);
  return { ...state, failures, openUntilMs: opens ? openFor(OPEN_MS) : state.openUntilMs };
}

/** Takes in that a request has been waiting for a while: the second one of a pair makes the endpoint slow. */
export function slow(known: GateState, nowMs: number): GateState {
  const state = remembered(known, nowMs);
  const isSecond = nowMs <= state.slowAtMs + SLOW_PAIR_MS || nowMs < state.slowUntilMs;
  const slowUntilMs = isSecond ? nowMs + SLOW_MS : state.slowUntilMs;
  return lasting({ ...state, slowAtMs: nowMs, slowUntilMs }, nowMs);
}

function remembered(state: GateState, nowMs: number): GateState {
  return nowMs > state.forgetAtMs ? UNKNOWN : state;
}

function lasting(state: GateState, nowMs: number): GateState {
  const { nextMs, holdUntilMs, openUntilMs, probeUntilMs, slowUntilMs } = state;
  const lastMs = Math.max(nowMs, nextMs, holdUntilMs, openUntilMs, probeUntilMs, slowUntilMs);
  return { ...state, forgetAtMs: lastMs + FORGET_MS };
}
