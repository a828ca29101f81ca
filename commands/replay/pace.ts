import type { Context } from '../shared/context.ts';

/** Whose turn it is when, in milliseconds from the beginning. */
export interface Turn {
  readonly webhookId: string;
  readonly afterMs: number;
}

/** Deliveries in progress at a time, if the connection to AWS is too slow for the rate. */
export const MOST_AT_A_TIME = 50;

/** A longer delay is not made up for: a laptop that was suspended for an hour does not send an hour's worth at once. */
const MOST_BEHIND_MS = 1_000;

/** How often a wait looks whether it was interrupted, in milliseconds. */
const LOOK_EVERY_MS = 500;

/** Deliveries in their order, at an even pace. */
export function evenly(webhookIds: readonly string[], perSecond: number): Turn[] {
  return webhookIds.map((webhookId, position) => ({ webhookId, afterMs: (position * 1000) / perSecond }));
}

/** Several lists, each at its own pace, as one. */
export function together(lists: readonly (readonly Turn[])[]): Turn[] {
  return lists.flat().sort((one, other) => one.afterMs - other.afterMs);
}

/**
 * Waits for the next turns and hands them out, those that are due together.
 *
 * @param turns in the order of their times
 */
export async function* inTime(
  turns: readonly Turn[],
  { now, sleep }: Pick<Context, 'now' | 'sleep'>,
  isInterrupted: () => boolean,
): AsyncGenerator<readonly string[]> {
  let startMs = now();
  for (let next = 0; next < turns.length && !isInterrupted(); ) {
    const waitMs = startMs + (turns[next]?.afterMs ?? 0) - now();
    if (waitMs > 0) {
      await sleep(Math.min(waitMs, LOOK_EVERY_MS));
      continue;
    }
    startMs += Math.max(0, -waitMs - MOST_BEHIND_MS);
    const dueMs = now() - startMs;
    const due = turns.slice(next, next + MOST_AT_A_TIME).filter(({ afterMs }) => afterMs <= dueMs);
    next += due.length;
    yield due.map(({ webhookId }) => webhookId);
  }
}
