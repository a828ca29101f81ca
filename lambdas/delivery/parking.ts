import type { Delivery, ParkedFor, Progress } from '../events/delivery.ts';
import { waiting, withOutcome } from '../events/progress.ts';
import { jittered } from '../events/retry-timing.ts';
import type { Log } from '../shared/log.ts';
import { type Counter, METRICS } from '../shared/metric-definitions.ts';

/** Waits of a parked delivery between two checks, in milliseconds: an hour and three minutes in total. */
export const PARKING_WAITS_MS = [1, 2, 4, 8, 16, 32].map((minutes) => minutes * 60_000);
const LONGEST_WAIT_MS = Math.max(...PARKING_WAITS_MS);

/** Why a delivery is parked: `why` is for the operator. */
export interface Parking {
  readonly cause: ParkedFor;
  readonly why: string;
}

export interface ParkServices {
  readonly log: Log;
  readonly counter: Counter;
  /** Wall clock, ms. */
  now(): number;
  /** At least 0, less than 1. */
  random(): number;
}

/**
 * Parks a delivery without spending an attempt; logs and counts it.
 *
 * @returns a wait in the workflow, or, after the last wait, `parked` in the ledger. An attempt resets the waits.
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
    return { ...withOutcome(delivery, attempt, 'parked', reasonOf(parking)), parked_for: parking.cause };
  }
  return waitingParked(delivery, parking, park_count + 1, nowMs + jittered(waitMs, random));
}

/** Another long wait in the workflow, for a delivery that cannot be parked in the ledger. */
export function parkedWithoutLedger(
  delivery: Delivery,
  cause: ParkedFor | undefined,
  { now, random }: Pick<ParkServices, 'now' | 'random'>,
): Progress {
  const { park_count = 0 } = delivery.progress;
  const parking = { cause: cause ?? 'paused', why: 'the ledger does not respond' } as const;
  return waitingParked(delivery, parking, Math.max(1, park_count), now() + jittered(LONGEST_WAIT_MS, random));
}

function waitingParked(delivery: Delivery, parking: Parking, parkCount: number, untilMs: number): Progress {
  return { ...waiting(delivery, reasonOf(parking), untilMs), park_count: parkCount, parked_for: parking.cause };
}

function reasonOf({ why }: Parking): string {
  return `parked: ${why}`;
}
