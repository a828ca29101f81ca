import { ActiveTime } from './response-time.ts';

/** When a circuit breaker opens, and for how long; stage configuration. */
export interface BreakerLimits {
  /** The breaker opens after this number of failures or slow responses in a row; at least 1. */
  readonly failuresToOpen: number;
  /** How long it stays open, in milliseconds, ±20%: environments that saw the same outage do not probe in the same second. */
  readonly openMs: number;
  /** A response that took this long counts as a failure; milliseconds, as `ActiveTime` counts them. */
  readonly slowMs: number;
}

/**
 * The state of one environment's breaker. It is `open` until `probeAtMs`. Then it is `probing`: one call is allowed, and
 * its result decides. If the probe has not ended by `giveUpAtMs`, another one is allowed: the function that made it may have
 * been frozen or killed. Times are epoch milliseconds of the wall clock, which goes on while the environment is frozen.
 */
export type BreakerState =
  | { readonly status: 'closed'; readonly failuresInARow: number }
  | { readonly status: 'open'; readonly probeAtMs: number }
  | { readonly status: 'probing'; readonly giveUpAtMs: number };

/** Whether a call may be made. `probe`: it is the only call allowed, and its result decides whether the breaker closes. */
export type Verdict = 'allow' | 'probe' | 'reject';

export const CLOSED: BreakerState = { status: 'closed', failuresInARow: 0 };

const JITTER = 0.2;

/** Decides whether a call may be made now. @returns the verdict and the next state */
export function verdictAt(
  state: BreakerState,
  nowMs: number,
  { openMs }: Pick<BreakerLimits, 'openMs'>,
): { readonly verdict: Verdict; readonly next: BreakerState } {
  if (state.status === 'closed') return { verdict: 'allow', next: state };
  const waitMs = (state.status === 'open' ? state.probeAtMs : state.giveUpAtMs) - nowMs;
  // A wait above the longest possible one means that the clock was set back.
  if (waitMs > 0 && waitMs <= openMs * (1 + JITTER)) return { verdict: 'reject', next: state };
  return { verdict: 'probe', next: { status: 'probing', giveUpAtMs: nowMs + openMs } };
}

export interface CallEnded {
  readonly verdict: Exclude<Verdict, 'reject'>;
  readonly hasResponse: boolean;
  readonly tookMs: number;
  /** Epoch ms. */
  readonly nowMs: number;
  /** 0 to 1. */
  readonly random: number;
}

/** The state after a call has ended. A call that began before the breaker opened changes nothing. */
export function afterCall(state: BreakerState, ended: CallEnded, limits: BreakerLimits): BreakerState {
  const isProbe = ended.verdict === 'probe';
  if (state.status === 'open' || isProbe !== (state.status === 'probing')) return state;
  if (ended.hasResponse && ended.tookMs < limits.slowMs) return CLOSED;
  const failuresInARow = state.status === 'closed' ? state.failuresInARow + 1 : limits.failuresToOpen;
  if (failuresInARow < limits.failuresToOpen) return { status: 'closed', failuresInARow };
  const jitter = 1 + JITTER * (2 * ended.random - 1);
  return { status: 'open', probeAtMs: ended.nowMs + limits.openMs * jitter };
}

export interface BreakerOptions {
  readonly limits: BreakerLimits;
  /** Called when the breaker opens or closes, but not when it probes. */
  readonly onChange: (next: Exclude<BreakerState, { status: 'probing' }>) => void;
  /** The wall clock, in milliseconds. */
  now(): number;
  random(): number;
}

/** A circuit breaker with its state, which lives as long as the execution environment. */
export interface CircuitBreaker {
  /**
   * Makes a call if the breaker allows it.
   *
   * @param otherwise called if the breaker rejects the call
   * @param isFault whether an error counts as a failure of the service, which every error does by default. Other errors
   *   count as a fast response
   * @throws what `call` or `otherwise` throws
   */
  run<T>(call: () => Promise<T>, otherwise: () => Promise<T>, isFault?: (thrown: unknown) => boolean): Promise<T>;
}

export function createCircuitBreaker({ limits, onChange, now, random }: BreakerOptions): CircuitBreaker {
  let state: BreakerState = CLOSED;
  /** The last state that `onChange` reported: a breaker that probes is still open. */
  let isOpen = false;

  function turn(next: BreakerState): void {
    state = next;
    if (next.status === 'probing' || (next.status === 'open') === isOpen) return;
    isOpen = next.status === 'open';
    onChange(next);
  }

  return {
    async run(call, otherwise, isFault = () => true) {
      const { verdict, next } = verdictAt(state, now(), limits);
      turn(next);
      if (verdict === 'reject') return otherwise();
      // By the wall clock, calls during a cold start would open the breaker: they wait for CPU, not for the service.
      const time = new ActiveTime(now);
      const end = (hasResponse: boolean, tookMs: number) =>
        turn(afterCall(state, { verdict, hasResponse, tookMs, nowMs: now(), random: random() }, limits));
      try {
        const result = await call();
        end(true, time.stop());
        return result;
      } catch (thrown) {
        if (isFault(thrown)) end(false, time.stop());
        else end(true, 0);
        throw thrown;
      } finally {
        time.stop();
      }
    },
  };
}
