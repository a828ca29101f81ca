import { setTimeout as sleep } from 'node:timers/promises';

/** So often is asked for what DynamoDB left undone; the pauses between take a second at the most, in all. */
export const MAX_ROUNDS = 6;

const FIRST_PAUSE_MS = 30;

/** Waits between 0 and 30, 60, 120, … ms: those whom DynamoDB slowed down together must not come back together. */
export async function pauseBefore(round: number): Promise<void> {
  await sleep(Math.random() * FIRST_PAUSE_MS * 2 ** (round - 1));
}
