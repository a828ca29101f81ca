import { WarehouseSkipped } from '../contract/errors.ts';
import type { Warehouse } from '../contract/learning-time.ts';
import type { Log } from '../contract/log.ts';
import { afterAsk, type BreakerLimits, type BreakerState, CLOSED, passageAt } from '../domain/warehouse-breaker.ts';

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
  let state: BreakerState = CLOSED;

  function turn(next: BreakerState): void {
    const before = state;
    state = next;
    if (before.status === next.status) return;
    if (next.status === 'open') log.error('warehouse.breaker_opened', { probe_in_ms: next.probeAtMs - now() });
    if (next.status === 'closed') log.info('warehouse.breaker_closed', {});
  }

  return {
    async ask(keys, deadlineMs) {
      const { passage, next } = passageAt(state, now());
      turn(next);
      if (passage === 'stays') throw new WarehouseSkipped('not asked: it failed or was slow again and again');
      const startedAtMs = now();
      let isAnswered = false;
      try {
        const answers = await warehouse.ask(keys, deadlineMs);
        isAnswered = true;
        return answers;
      } finally {
        const nowMs = now();
        const ended = { passage, isAnswered, tookMs: nowMs - startedAtMs, nowMs, random: random() };
        turn(afterAsk(state, ended, limits));
      }
    },
  };
}
