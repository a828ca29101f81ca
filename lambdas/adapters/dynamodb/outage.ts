import { errorFields } from '../../contract/errors.ts';
import type { Log } from '../../contract/log.ts';
import { type Counter, METRICS } from '../../contract/metrics.ts';

/** Each operation is warned of so often at the most, in milliseconds: a table that is down fails every delivery's calls. */
const WARN_EVERY_MS = 1000;

/** Does something at the table, or says that the table is down. */
export type Attempt = <T>(operation: string, otherwise: T, call: () => Promise<T>) => Promise<T>;

/** Calls that never throw: each that fails is counted, and some are told of. */
export function createAttempts(log: Log, counter: Counter, now: () => number): Attempt {
  const warnedAtMs = new Map<string, number>();
  return async (operation, otherwise, call) => {
    try {
      return await call();
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
