import type { Delivery, TaskResult } from '../contract/delivery.ts';
import type { Log } from '../contract/log.ts';
import { type Counter, METRICS } from '../contract/metrics.ts';
import { asleep } from '../domain/sleep.ts';

export interface ParkServices {
  readonly log: Log;
  readonly counter: Counter;
  now(): number;
  random(): number;
}

/** Puts a delivery to sleep, or dead-letters it after the last sleep, and tells so. */
export function park(delivery: Delivery, why: string, { log, counter, now, random }: ParkServices): TaskResult {
  const result = asleep(delivery, why, now(), random);
  counter.count(result.outcome === 'dead' ? METRICS.deliveryDead : METRICS.deliveryParked);
  log[result.outcome === 'dead' ? 'error' : 'info']('delivery.parked', {
    webhook_id: delivery.webhook_id,
    integration_id: delivery.integration_id,
    outcome: result.outcome,
    reason: result.reason,
    due_at: result.outcome === 'retry' ? result.due_at : undefined,
  });
  return result;
}
