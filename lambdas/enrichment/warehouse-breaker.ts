import { type BreakerLimits, createCircuitBreaker } from '../shared/circuit-breaker.ts';
import { WarehouseSkipped } from '../shared/errors.ts';
import type { Log } from '../shared/log.ts';
import type { Warehouse } from '../warehouse/learning-time.ts';

export interface GuardedWarehouseOptions {
  readonly warehouse: Warehouse;
  readonly limits: BreakerLimits;
  readonly log: Log;
  /** Wall clock, ms, because it advances while the sandbox is frozen. */
  now(): number;
  random(): number;
}

/**
 * The warehouse with a circuit breaker per environment. While it is open, a query fails immediately with `WarehouseSkipped`,
 * so that events wait in their workflows and not in a function.
 */
export function guardWarehouse({ warehouse, limits, log, now, random }: GuardedWarehouseOptions): Warehouse {
  const breaker = createCircuitBreaker({
    limits,
    onChange(next) {
      if (next.status === 'open') log.error('warehouse.breaker_opened', { probe_in_ms: next.probeAtMs - now() });
      else log.info('warehouse.breaker_closed', {});
    },
    now,
    random,
  });
  const skip = () => Promise.reject(new WarehouseSkipped('not queried: it failed or was slow several times in a row'));
  return { query: (keys, deadlineMs) => breaker.run(() => warehouse.query(keys, deadlineMs), skip) };
}
