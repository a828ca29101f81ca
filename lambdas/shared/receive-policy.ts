import { DAY_MS } from './durations.ts';

/**
 * What a queue handler does with messages that SQS keeps redelivering. Queues are kept for 4 days and redrive after 1000
 * receives: nearly every failure is ours and passes, and a good event must not be
 * dead-lettered for it.
 */

/** From this receive on, a message is taken alone and is redelivered slowly. */
export const SUSPECT_RECEIVE_COUNT = 5;

/** How long a suspect stays out of sight: 15 minutes, in seconds. */
export const SUSPECT_VISIBILITY_SECONDS = 900;

/**
 * Age at which a message that still fails is dead-lettered by the handler, in milliseconds: 3 days. At 15 minutes a
 * receive it would reach 1000 receives after 10 days, but SQS deletes it, unread, after 4.
 */
export const MAX_RETRY_MS = 3 * DAY_MS;

export function isSuspect(receiveCount: number): boolean {
  return receiveCount >= SUSPECT_RECEIVE_COUNT;
}

export function isRetriedTooLong(sentAtMs: number, nowMs: number): boolean {
  return nowMs - sentAtMs > MAX_RETRY_MS;
}
