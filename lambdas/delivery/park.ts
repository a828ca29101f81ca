import type { Delivery, Progress } from '../contract/delivery.ts';
import type { Log } from '../contract/log.ts';
import { type Counter, METRICS } from '../contract/metrics.ts';
import { asleep, type Parking } from '../domain/sleep.ts';

export interface ParkServices {
  readonly log: Log;
  readonly counter: Counter;
  now(): number;
  random(): number;
}

/** Puts a delivery to sleep, or says that the ledger should hold it, and tells so. */
export function park(delivery: Delivery, parking: Parking, { log, counter, now, random }: ParkServices): Progress {
  const progress = asleep(delivery, parking, now(), random);
  counter.count(METRICS.deliveryParked);
  log.info('delivery.parked', {
    webhook_id: delivery.webhook_id,
    integration_id: delivery.integration_id,
    outcome: progress.outcome,
    reason: progress.reason,
    due_at: progress.outcome === 'retry' ? progress.due_at : undefined,
  });
  return progress;
}
