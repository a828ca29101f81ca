import { ActiveTime } from './response-time.ts';

/** When a circuit breaker opens, and for how long; stage configuration. */
export interface BreakerLimits {
  /** Number of failures or slow responses in a row that opens it; at least 1. */
  readonly failuresToOpen: number;
  /** How long it stays open, ms, ±20%: environments that saw the same outage do not probe in the same second. */
  readonly openMs: number;
  /** A response that took this long counts as a failure, ms as `ActiveTime` counts them. */
  readonly slowMs: number;
}

/**
 * What one environment knows of a service. `open` until `probeAtMs`; then one call is allowed, and its result decides:
 * `probing`. A probe that has not ended by `giveUpAtMs` is forgotten, and another is allowed: the function that made it may
 * have been frozen or killed. Epoch ms, of the wall clock, so that time in which the sandbox is frozen passes too.
 */
export type BreakerState =
  | { readonly status: 'closed'; readonly failuresInARow: number }
  | { readonly status: 'open'; readonly probeAtMs: number }
  | { readonly status: 'probing'; readonly giveUpAtMs: number };

/** Whether a call may be made. `probe`: it is the only one, and decides whether the breaker closes. */
export type Verdict = 'allow' | 'probe' | 'reject';

export const CLOSED: BreakerState = { status: 'closed', failuresInARow: 0 };

const JITTER = 0.2;

/** Whether a call may be made now, and the state from then on. */
export function verdictAt(
  state: BreakerState,
  nowMs: number,
  { openMs }: Pick<BreakerLimits, 'openMs'>,
): { readonly verdict: Verdict; readonly next: BreakerState } {
  if (state.status === 'closed') return { verdict: 'allow', next: state };
  const waitMs = (state.status === 'open' ? state.probeAtMs : state.giveUpAtMs) - nowMs;
  // A longer wait than any is due to a clock that was set back.
  if (waitMs > 0 && waitMs <= openMs * (1 + JITTER)) return { verdict: 'reject', next: state };
  return { verdict: 'probe', next: { status: 'probing', giveUpAtMs: nowMs + openMs } };
}

export interface CallEnded {
  readonly verdict: Exclude<Verdict, 'reject'>;
  /** Whether there was a response at all. */
  readonly isAnswered: boolean;
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
  if (ended.isAnswered && ended.tookMs < limits.slowMs) return CLOSED;
  const failuresInARow = state.status === 'closed' ? state.failuresInARow + 1 : limits.failuresToOpen;
  if (failuresInARow < limits.failuresToOpen) return { status: 'closed', failuresInARow };
  const jitter = 1 + JITTER * (2 * ended.random - 1);
  return { status: 'open', probeAtMs: ended.nowMs + limits.openMs * jitter };
}

export interface BreakerOptions {
  readonly limits: BreakerLimits;
  /** Called when it opens or closes; a probe is neither. */
  readonly onChange: (next: Exclude<BreakerState, { status: 'probing' }>) => void;
  /** Wall clock, ms. */
  now(): number;
  random(): number;
}

/** A circuit breaker with its state. It lives as long as the environment that made it. */
export interface CircuitBreaker {
  /**
   * Makes a call if the breaker allows it.
   *
   * @param otherwise is called where it rejects
   * @param isFault whether an error counts as a failure of the service; by default each does. Another one counts as a quick
   * response
   * @throws what `call` or `otherwise` throws
   */
  run<T>(call: () => Promise<T>, otherwise: () => Promise<T>, isFault?: (thrown: unknown) => boolean): Promise<T>;
}

export function createCircuitBreaker({ limits, onChange, now, random }: BreakerOptions): CircuitBreaker {
  let state: BreakerState = CLOSED;
  /** What `onChange` reported last: while it probes, that it is open. */
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
      // By the wall clock, calls of a cold start would open it: they wait for its CPU and not for the service.
      const time = new ActiveTime(now);
      const end = (isAnswered: boolean, tookMs: number) =>
        turn(afterCall(state, { verdict, isAnswered, tookMs, nowMs: now(), random: random() }, limits));
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
