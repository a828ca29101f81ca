import { errorFields, WarehouseSkipped } from '../contract/errors.ts';
import type { Log } from '../contract/log.ts';
import { type Counter, METRICS } from '../contract/metrics.ts';

/** Counts and logs an ask without an answer. One that was not made has no duration, and is no failed query. */
export function noteWarehouseFailure(
  thrown: unknown,
  fields: Readonly<Record<string, unknown>>,
  tookMs: number,
  { counter, log }: { readonly counter: Counter; readonly log: Log },
): void {
  if (thrown instanceof WarehouseSkipped) {
    counter.count(METRICS.querySkipped);
    log.warn('warehouse.skipped', fields);
    return;
  }
  counter.count(METRICS.queryFailure);
  counter.measure(METRICS.queryDuration, tookMs);
  log.error('warehouse.failed', { ...fields, ...errorFields(thrown) });
}
