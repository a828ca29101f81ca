import { type BreakerLimits, type CircuitBreaker, createCircuitBreaker } from '../../shared/circuit-breaker.ts';
import { errorFields } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import { type Counter, METRICS } from '../../shared/metric-definitions.ts';
import { isTableFault } from './table-calls.ts';

/** Shortest time between two warnings about an operation, in ms: while the table is down, every delivery's calls fail. */
const WARN_EVERY_MS = 1000;

/**
 * Operations that a delivery can do without. Each has its own circuit breaker, because a table may read fast and write slowly.
 * All calls of an operation make the same few requests, so that one limit for slow calls fits.
 */
type GuardedOperation = 'accept' | 'claim' | 'settle' | 'settleUnclaimed' | 'putResponse';

/** Timers have no circuit breaker: a rescheduled lead must not be sent at its old time to save two seconds. */
type UnguardedOperation = 'timers' | 'putTimer';

/** Makes calls to the table, or returns `otherwise`. */
export type TableGuard = <T>(
  operation: GuardedOperation | UnguardedOperation,
  otherwise: T,
  call: () => Promise<T>,
) => Promise<T>;

export interface TableGuardOptions {
  readonly breaker: BreakerLimits;
  readonly log: Log;
  readonly counter: Counter;
  /** Wall clock, ms. */
  now(): number;
  random(): number;
}

/**
 * Makes calls that never throw. Each failure is counted, and at most one a second is logged. After consecutive failures or slow
 * responses, an operation makes no calls for a while, because each delivery would wait for two timeouts of two seconds.
 */
export function createTableGuard({ breaker: limits, log, counter, now, random }: TableGuardOptions): TableGuard {
  const warnedAtMs = new Map<string, number>();
  const breakerOf = (operation: GuardedOperation): CircuitBreaker =>
    createCircuitBreaker({
      limits,
      onChange(next) {
        if (next.status === 'open')
          log.error('ledger.breaker_opened', { operation, probe_in_ms: next.probeAtMs - now() });
        else log.info('ledger.breaker_closed', { operation });
      },
      now,
      random,
    });
  const breakers: Readonly<Record<GuardedOperation, CircuitBreaker> & Record<UnguardedOperation, undefined>> = {
    accept: breakerOf('accept'),
    claim: breakerOf('claim'),
    settle: breakerOf('settle'),
    settleUnclaimed: breakerOf('settleUnclaimed'),
    putResponse: breakerOf('putResponse'),
    timers: undefined,
    putTimer: undefined,
  };

  return async (operation, otherwise, call) => {
    const skip = async () => {
      counter.count(METRICS.ledgerSkipped);
      return otherwise;
    };
    try {
      return await (breakers[operation]?.run(call, skip, isTableFault) ?? call());
    } catch (thrown) {
      counter.count(METRICS.ledgerUnavailable);
      if (now() - (warnedAtMs.get(operation) ?? Number.NEGATIVE_INFINITY) >= WARN_EVERY_MS) {
        warnedAtMs.set(operation, now());
        log.warn('ledger.unavailable', { operation, ...errorFields(thrown) });
      }
      return otherwise;
    }
  };
}
