import { errorFields, WarehouseSkipped } from '../shared/errors.ts';
import type { Log } from '../shared/log.ts';
import { type Counter, METRICS } from '../shared/metric-definitions.ts';
import type { LearnerKey, LearningTime, Warehouse } from '../warehouse/learning-time.ts';

export interface AskWarehouseServices {
  readonly warehouse: Warehouse;
  readonly log: Log;
  readonly counter: Counter;
  /** Wall clock, ms. */
  now(): number;
}

/**
 * Queries the warehouse once for all keys. Counts and logs failures; never throws.
 *
 * @param deadlineMs for login and query
 * @param fields of the log line of a failure
 * @returns learning times by `learnerKeyText`; none if the query failed, and none for a row that cannot be read
 */
export async function askWarehouse(
  keys: readonly LearnerKey[],
  deadlineMs: number,
  fields: Readonly<Record<string, unknown>>,
  { warehouse, log, counter, now }: AskWarehouseServices,
): Promise<ReadonlyMap<string, LearningTime>> {
  const learningTimes = new Map<string, LearningTime>();
  const startedAtMs = now();
  try {
    const results = await warehouse.query(keys, deadlineMs);
    counter.count(METRICS.querySuccess);
    counter.measure(METRICS.queryDuration, now() - startedAtMs);
    for (const [key, result] of results) {
      if ('failed' in result) log.error('warehouse.row_unreadable', { ...fields, reason: result.reason });
      else learningTimes.set(key, result);
    }
  } catch (thrown) {
    if (thrown instanceof WarehouseSkipped) {
      // No query was made, so there is neither a duration nor a failure.
      counter.count(METRICS.querySkipped);
      log.warn('warehouse.skipped', fields);
    } else {
      counter.count(METRICS.queryFailure);
      counter.measure(METRICS.queryDuration, now() - startedAtMs);
      log.error('warehouse.failed', { ...fields, ...errorFields(thrown) });
    }
  }
  return learningTimes;
}
