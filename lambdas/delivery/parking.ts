import type { Delivery, ParkedFor, Progress } from '../events/delivery.ts';
import { decided, waiting } from '../events/progress.ts';
import { jittered } from '../events/retry-timing.ts';
import type { Log } from '../shared/log.ts';
import { type Counter, METRICS } from '../shared/metric-definitions.ts';

/** How long a parked delivery waits before it asks again, each time longer, in milliseconds: an hour and three minutes in all. */
export const PARKING_WAITS_MS = [1, 2, 4, 8, 16, 32].map((minutes) => minutes * 60_000);
const LONGEST_WAIT_MS = Math.max(...PARKING_WAITS_MS);

/** Why a delivery is parked: in one word, and for the operator. */
export interface Parking {
  readonly cause: ParkedFor;
  readonly why: string;
}

export interface ParkServices {
  readonly log: Log;
  readonly counter: Counter;
  /** Wall clock, ms. */
  now(): number;
  /** From 0 up to, but without, 1. */
  random(): number;
}

/**
 * Parks a delivery without spending an attempt, because its integration is paused, failing or gone; logs and counts it.
 *
 * @returns a wait in the workflow, or after the last wait `parked`, for the ledger to hold. An attempt in between begins
 * the waits again.
 */
export function park(delivery: Delivery, parking: Parking, { log, counter, now, random }: ParkServices): Progress {
  const progress = parkedProgress(delivery, parking, now(), random);
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

function parkedProgress(delivery: Delivery, parking: Parking, nowMs: number, random: () => number): Progress {
  const { attempt, park_count = 0 } = delivery.progress;
  const waitMs = PARKING_WAITS_MS[park_count];
  if (waitMs === undefined) {
    return { ...decided(delivery, attempt, 'parked', reasonOf(parking)), parked_for: parking.cause };
  }
  return waitingParked(delivery, parking, park_count + 1, nowMs + jittered(waitMs, random));
}

/** Another long wait in the workflow, for a parked delivery whose ledger record cannot be written. */
export function parkedWithoutLedger(
  delivery: Delivery,
  cause: ParkedFor | undefined,
  { now, random }: Pick<ParkServices, 'now' | 'random'>,
): Progress {
  const { park_count = 0 } = delivery.progress;
  const parking = { cause: cause ?? 'paused', why: 'the ledger does not answer' } as const;
  return waitingParked(delivery, parking, Math.max(1, park_count), now() + jittered(LONGEST_WAIT_MS, random));
}

function waitingParked(delivery: Delivery, parking: Parking, park_count: number, untilMs: number): Progress {
  return { ...waiting(delivery, reasonOf(parking), untilMs), park_count, parked_for: parking.cause };
}

function reasonOf({ why }: Parking): string {
  return `parked: ${why}`;
}
