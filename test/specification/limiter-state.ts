import type { GatedIntegration } from '../../lambdas/contract/delivery-ports.ts';
import { FORGET_MS } from '../../lambdas/domain/gate-limits.ts';
import { epochOf } from '../../lambdas/domain/gate-record.ts';

/** What is known of an integration's endpoint. All times are milliseconds since the epoch, 0 for never. */
export interface GateState {
  /** The address and resumption that this is known of, as a number; 0: of none. */
  readonly epoch: number;
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
  /** How long tries take, smoothed, in milliseconds; 0: nobody told. Begins anew when the endpoint becomes slow. */
  readonly latencyMs: number;
  /** Requests a minute, after the partner has refused some as too many; 0: no pace. */
  readonly pacePerMinute: number;
  /** The end of the last hold that came with such a refusal. */
  readonly paceFromMs: number;
  /** Afterwards all this is forgotten. */
  readonly forgetAtMs: number;
}

export const UNKNOWN: GateState = {
  epoch: 0,
  nextMs: 0,
  holdUntilMs: 0,
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
 * What still holds of what is known. In a new epoch nothing does but the next free moment: times that were reserved before
 * it are still used, and the limit is the partner's, whatever the address.
 */
export function current(known: GateState, integration: GatedIntegration, nowMs: number): GateState {
  const state = nowMs > known.forgetAtMs ? UNKNOWN : known;
  const epoch = epochOf(integration);
  return state.epoch === epoch ? state : { ...UNKNOWN, epoch, nextMs: state.nextMs };
}

/** The state with the moment at which it is forgotten. */
export function lasting(state: GateState, nowMs: number): GateState {
  const { nextMs, holdUntilMs, openUntilMs, probeUntilMs, slowUntilMs } = state;
  const lastMs = Math.max(nowMs, nextMs, holdUntilMs, openUntilMs, probeUntilMs, slowUntilMs);
  return { ...state, forgetAtMs: lastMs + FORGET_MS };
}
