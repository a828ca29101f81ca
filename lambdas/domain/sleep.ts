import type { Delivery, ParkedFor, Progress } from '../contract/delivery.ts';
import { decided, waiting } from './progress.ts';
import { jittered } from './retry-timing.ts';

/** How long a parked delivery sleeps, each time longer, in milliseconds: an hour and three minutes in all. */
export const SLEEPS_MS = [1, 2, 4, 8, 16, 32].map((minutes) => minutes * 60_000);
const LONGEST_SLEEP_MS = Math.max(...SLEEPS_MS);

/** Why a delivery sleeps: in one word, and in the operator's. */
export interface Parking {
  readonly cause: ParkedFor;
  readonly why: string;
}

/**
 * Puts a delivery to sleep without spending a try: its integration is paused, failing or gone. After the last sleep it
 * is `parked`, for the ledger to hold; a try in between begins the sleeps anew.
 */
export function asleep(delivery: Delivery, parking: Parking, nowMs: number, random: () => number): Progress {
  const { attempt, sleeps = 0 } = delivery.progress;
  const sleepMs = SLEEPS_MS[sleeps];
  if (sleepMs === undefined) {
    return { ...decided(delivery, attempt, 'parked', reasonOf(parking)), parked_for: parking.cause };
  }
  return sleeping(delivery, parking, sleeps + 1, nowMs + jittered(sleepMs, random));
}

/** Another long sleep, for a parked delivery that the ledger cannot hold at the moment. */
export function asleepAgain(delivery: Delivery, parking: Parking, nowMs: number, random: () => number): Progress {
  const { sleeps = 0 } = delivery.progress;
  return sleeping(delivery, parking, Math.max(1, sleeps), nowMs + jittered(LONGEST_SLEEP_MS, random));
}

function sleeping(delivery: Delivery, parking: Parking, sleeps: number, untilMs: number): Progress {
  return { ...waiting(delivery, reasonOf(parking), untilMs), sleeps, parked_for: parking.cause };
}

function reasonOf({ why }: Parking): string {
  return `parked: ${why}`;
}
