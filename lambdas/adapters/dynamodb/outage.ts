import { errorFields } from '../../contract/errors.ts';
import type { Log } from '../../contract/log.ts';
import { type Counter, METRICS } from '../../contract/metrics.ts';
import { type BreakerLimits, type CircuitBreaker, createCircuitBreaker } from '../../domain/circuit-breaker.ts';
import { isTableFault } from './table-calls.ts';

/** Each operation is warned of so often at the most, in milliseconds: a table that is down fails every delivery's calls. */
const WARN_EVERY_MS = 1000;

/**
 * Operations that a delivery can do without. Each has a breaker of its own, as a table may read well and write slowly; all
 * its calls take the same few steps, so that one limit says what is slow. Timers have none: a lead that was moved must not
 * be sent at its old time to save two seconds.
 */
export type GuardedOperation = 'accept' | 'claim' | 'settle' | 'note' | 'keepAnswer';

/** Does something at the table, or returns `otherwise`. */
export type Attempt = <T>(
  operation: GuardedOperation | 'timers' | 'keepTimer',
  otherwise: T,
  call: () => Promise<T>,
) => Promise<T>;

export interface AttemptOptions {
  readonly breaker: BreakerLimits;
  readonly log: Log;
  readonly counter: Counter;
  /** Wall clock, ms. */
  now(): number;
  random(): number;
}

/**
 * Calls that never throw: each that fails is counted, and some are logged. After failures or slow responses in a row an
 * operation makes no calls for a while: waiting two seconds for nothing, twice a delivery, costs more than the ledger is
 * worth to it.
 */
export function createAttempts({ breaker: limits, log, counter, now, random }: AttemptOptions): Attempt {
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
  const breakers: Readonly<Record<GuardedOperation, CircuitBreaker>> = {
    accept: breakerOf('accept'),
    claim: breakerOf('claim'),
    settle: breakerOf('settle'),
    note: breakerOf('note'),
    keepAnswer: breakerOf('keepAnswer'),
  };

  return async (operation, otherwise, call) => {
    const skip = async () => {
      counter.count(METRICS.ledgerSkipped);
      return otherwise;
    };
    try {
      if (operation === 'timers' || operation === 'keepTimer') return await call();
      return await breakers[operation].run(call, skip, isTableFault);
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
