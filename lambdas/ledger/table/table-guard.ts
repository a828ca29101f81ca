import { type BreakerLimits, type CircuitBreaker, createCircuitBreaker } from '../../shared/circuit-breaker.ts';
import { errorFields } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import { type Counter, METRICS } from '../../shared/metric-definitions.ts';
import { isTableFault } from './table-calls.ts';

/** Each operation is warned of at most this often, in ms: a table that is down fails the calls of every delivery. */
const WARN_EVERY_MS = 1000;

/**
 * Operations that a delivery can do without. Each has a breaker of its own, as a table may read well and write slowly; all
 * its calls take the same few steps, so that one limit says what is slow.
 */
type GuardedOperation = 'accept' | 'claim' | 'settle' | 'settleUnclaimed' | 'putResponse';

/** Timers have no breaker: a lead that was moved must not be sent at its old time to save two seconds. */
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
 * Calls that never throw: each that fails is counted, and some are logged. After failures or slow responses in a row an
 * operation makes no calls for a while: waiting two seconds in vain, twice a delivery, costs more than the ledger is worth.
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
