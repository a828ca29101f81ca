import type { LimitedIntegration } from '../../lambdas/limiter/limiter.ts';
import { epochOf } from '../../lambdas/limiter/limiter-record.ts';
import { FORGET_MS } from '../../lambdas/limiter/limiter-settings.ts';

/** The state of an integration's endpoint. All times are milliseconds since the epoch, 0 for never. */
export interface LimiterState {
  /** Identifies the address and resumption that the state is of; 0 for none. */
  readonly epoch: number;
  /** The next free slot. Not a whole number: an interval rounded up to 2 ms would cost 60,000 a minute half its rate. */
  readonly nextMs: number;
  /** No attempt is sent before this: a `Retry-After`. */
  readonly notBeforeMs: number;
  /** Consecutive failures. */
  readonly failures: number;
  /** 0 while the circuit breaker is closed. Otherwise it is open, and allows one probe from this time on. */
  readonly openUntilMs: number;
  readonly isGone: boolean;
  /** Until when the probe in flight may report. */
  readonly probeUntilMs: number;
  /** The last slow response. */
  readonly slowAtMs: number;
  readonly slowUntilMs: number;
  /** Smoothed duration of attempts, in milliseconds; 0 without a report. Reset when the endpoint becomes slow. */
  readonly latencyMs: number;
  /** Requests a minute, after the partner has throttled some; 0 without a pace. */
  readonly pacePerMinute: number;
  /** The end of the last `Retry-After` of a throttled request. */
  readonly paceFromMs: number;
  /** When the state expires. */
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
