/** When a warehouse is left alone; stage configuration. */
export interface BreakerLimits {
  /** So many failures or slow answers in a row open it; at least 1. */
  readonly failuresToOpen: number;
  /** How long nothing is asked then, ms, ±20%: environments that saw the same outage do not probe in the same second. */
  readonly openMs: number;
  /** An answer that took so long is as bad as none, ms: one second more, and its batch would have gone without. */
  readonly slowMs: number;
}

/**
 * What one environment knows of the warehouse. `open` until `probeAtMs`, epoch ms; then one ask may go, and whether it is
 * answered decides: `probing`.
 */
export type BreakerState =
  | { readonly status: 'closed'; readonly failuresInARow: number }
  | { readonly status: 'open'; readonly probeAtMs: number }
  | { readonly status: 'probing' };

/** What an ask is: one among others, the one that finds out, or none. */
export type Passage = 'asks' | 'probes' | 'stays';

export const CLOSED: BreakerState = { status: 'closed', failuresInARow: 0 };

const JITTER = 0.2;

/** Whether an ask may go now, and what holds from then on. */
export function passageAt(
  state: BreakerState,
  nowMs: number,
): { readonly passage: Passage; readonly next: BreakerState } {
  if (state.status === 'closed') return { passage: 'asks', next: state };
  if (state.status === 'open' && nowMs >= state.probeAtMs) return { passage: 'probes', next: { status: 'probing' } };
  return { passage: 'stays', next: state };
}

export interface AskEnded {
  readonly passage: Exclude<Passage, 'stays'>;
  /** Whether there was an answer at all. */
  readonly isAnswered: boolean;
  readonly tookMs: number;
  /** Epoch ms. */
  readonly nowMs: number;
  /** 0 to 1. */
  readonly random: number;
}

/** What holds after an ask has ended. One that began before it opened says nothing any more. */
export function afterAsk(state: BreakerState, ended: AskEnded, limits: BreakerLimits): BreakerState {
  const isProbe = ended.passage === 'probes';
  if (state.status === 'open' || isProbe !== (state.status === 'probing')) return state;
  if (ended.isAnswered && ended.tookMs < limits.slowMs) return CLOSED;
  const failuresInARow = state.status === 'closed' ? state.failuresInARow + 1 : limits.failuresToOpen;
  if (failuresInARow < limits.failuresToOpen) return { status: 'closed', failuresInARow };
  const jitter = 1 + JITTER * (2 * ended.random - 1);
  return { status: 'open', probeAtMs: ended.nowMs + limits.openMs * jitter };
}
