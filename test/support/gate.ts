import type { GateReport, GateTicket } from '../../lambdas/contract/delivery-ports.ts';
import { admit, report, slow } from '../specification/limiter.ts';
import { type GateState, UNKNOWN } from '../specification/limiter-state.ts';
import { integration, NOW } from './factories.ts';

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;

export const go = { verdict: 'now' } as const;
export const failing = { verdict: 'parked', reason: 'failing' } as const;
export const gone = { verdict: 'parked', reason: 'gone' } as const;
export const reserved = (atMs: number) => ({ verdict: 'later', atMs, isReserved: true }) as const;
export const unreserved = (atMs: number) => ({ verdict: 'later', atMs, isReserved: false }) as const;

/** As of a stage that gives DeliverTask a concurrency of 50. */
export const SLOW_ATTEMPTS = 10;

export const PARTNER = integration({ timeout_seconds: 15 });

/** An integration's gate, at one moment after the other. */
export function gate(maxPerMinute?: number, slowAttempts = SLOW_ATTEMPTS) {
  let state: GateState = UNKNOWN;
  return {
    /** Epoch ms; tests move it. */
    nowMs: NOW,
    /** Tests change it. */
    maxPerMinute,
    partner: PARTNER,
    get integration() {
      return { ...this.partner, max_requests_per_minute: this.maxPerMinute };
    },
    /** How many tries ask, or which. */
    ask(tickets: number | readonly GateTicket[] = 1, { mayProbe = true } = {}) {
      const asking = typeof tickets === 'number' ? Array.from({ length: tickets }, () => ({})) : tickets;
      const admitted = admit(state, this.integration, { tickets: asking, mayProbe, slowAttempts }, this.nowMs);
      state = admitted.state;
      return admitted.answer;
    },
    admissions(...asked: Parameters<typeof this.ask>) {
      return this.ask(...asked).admissions;
    },
    report(told: Partial<GateReport>) {
      const nothing = { passed: 0, failed: 0, isGone: false, isThrottled: false, holdMs: 0, tookMs: 0 };
      state = report(state, this.integration, { ...nothing, ...told }, this.nowMs);
    },
    slow() {
      state = slow(state, this.integration, this.nowMs);
    },
    get state() {
      return state;
    },
  };
}

/** A gate whose breaker has just opened. */
export function openGate(maxPerMinute?: number) {
  const opened = gate(maxPerMinute);
  opened.report({ failed: 10 });
  return opened;
}
