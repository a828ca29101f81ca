import { WarehouseSkipped } from '../contract/errors.ts';
import type { Warehouse } from '../contract/learning-time.ts';
import type { Log } from '../contract/log.ts';
import { type BreakerLimits, createCircuitBreaker } from '../domain/circuit-breaker.ts';

export interface GuardedWarehouseOptions {
  readonly warehouse: Warehouse;
  readonly limits: BreakerLimits;
  readonly log: Log;
  /** Wall clock, ms: a frozen sandbox's open time passes too. */
  now(): number;
  random(): number;
}

/**
 * The warehouse behind a breaker of this environment: while it is open, an ask fails at once with `WarehouseSkipped`, and
 * its events wait in their workflows instead of in a function.
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
  const skip = () => Promise.reject(new WarehouseSkipped('not asked: it failed or was slow again and again'));
  return { ask: (keys, deadlineMs) => breaker.run(() => warehouse.ask(keys, deadlineMs), skip) };
}
