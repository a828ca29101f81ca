import type { Delivery, TaskResult } from '../contract/delivery.ts';
import { dead, waiting } from './progress.ts';
import { jittered } from './retry-timing.ts';

/** How long a parked delivery sleeps, each time longer, in milliseconds: an hour and three minutes in all. */
export const SLEEPS_MS = [1, 2, 4, 8, 16, 32].map((minutes) => minutes * 60_000);

/**
 * Puts a delivery to sleep without spending a try: its integration is paused, failing or gone. After the last sleep it
 * is dead-lettered as `parked`; a try in between begins the sleeps anew.
 */
export function asleep(delivery: Delivery, why: string, nowMs: number, random: () => number): TaskResult {
  const { attempt, sleeps = 0 } = delivery.progress;
  const sleepMs = SLEEPS_MS[sleeps];
  if (sleepMs === undefined) return dead(delivery, attempt, `parked: ${why}`);
  return { ...waiting(delivery, `parked: ${why}`, nowMs + jittered(sleepMs, random)), sleeps: sleeps + 1 };
}
