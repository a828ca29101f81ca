import type { LimitedIntegration } from '../../lambdas/limiter/limiter.ts';
import { epochOf } from '../../lambdas/limiter/limiter-record.ts';
import { FORGET_MS } from '../../lambdas/limiter/limiter-settings.ts';

/** What is known of an integration's endpoint. All times are milliseconds since the epoch, 0 for never. */
export interface LimiterState {
  /** The address and resumption that this is known of, as a number; 0: of none. */
  readonly epoch: number;
  /** The next free slot. Not a whole number: an interval rounded up to 2 ms would cost 60,000 a minute half its rate. */
  readonly nextMs: number;
  /** No attempt is sent before this: a `Retry-After`. */
  readonly notBeforeMs: number;
  /** Failed attempts since the last that passed. */
  readonly failures: number;
  /** 0: the breaker is closed. Otherwise it is open, from this time on for one probe. */
  readonly openUntilMs: number;
  readonly isGone: boolean;
  /** Until then the one probe that is out may tell how it ended. */
  readonly probeUntilMs: number;
  /** The last sign of slowness. */
  readonly slowAtMs: number;
  readonly slowUntilMs: number;
  /** How long attempts take, smoothed, in milliseconds; 0: no report yet. Begins again when the endpoint becomes slow. */
  readonly latencyMs: number;
  /** Requests a minute, after the partner has refused some as too many; 0: no pace. */
  readonly pacePerMinute: number;
  /** The end of the last `Retry-After` that came with such a refusal. */
  readonly paceFromMs: number;
  /** Afterwards all this is forgotten. */
  readonly forgetAtMs: number;
}

export const UNKNOWN: LimiterState = {
  epoch: 0,
  nextMs: 0,
  notBeforeMs: 0,
  failures: 0,
  openUntilMs: 0,
  isGone: false,
  probeUntilMs: 0,
  slowAtMs: 0,
  slowUntilMs: 0,
  latencyMs: 0,
  pacePerMinute: 0,
  paceFromMs: 0,
  forgetAtMs: 0,
};

/**
 * What still holds of what is known. In a new epoch nothing does but the next free slot: slots that were reserved before
 * it are still used, and the limit is the partner's, whatever the address.
 */
export function current(known: LimiterState, integration: LimitedIntegration, nowMs: number): LimiterState {
  const state = nowMs > known.forgetAtMs ? UNKNOWN : known;
  const epoch = epochOf(integration);
  return state.epoch === epoch ? state : { ...UNKNOWN, epoch, nextMs: state.nextMs };
}

/** The state with the time at which it is forgotten. */
export function lasting(state: LimiterState, nowMs: number): LimiterState {
  const { nextMs, notBeforeMs, openUntilMs, probeUntilMs, slowUntilMs } = state;
  const lastMs = Math.max(nowMs, nextMs, notBeforeMs, openUntilMs, probeUntilMs, slowUntilMs);
  return { ...state, forgetAtMs: lastMs + FORGET_MS };
}
