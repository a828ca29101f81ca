import { DAY_MS } from './durations.ts';

/**
 * How a queue handler treats messages that SQS keeps redelivering. The queues retain messages for 4 days and have a
 * `maxReceiveCount` of 1000: nearly every failure is our own and temporary, and must not dead-letter a valid event.
 */

/** From this receive on, a message is handled alone, and redelivered slowly. */
export const SUSPECT_RECEIVE_COUNT = 5;

/** Visibility timeout of a suspect: 15 minutes, in seconds. */
export const SUSPECT_VISIBILITY_SECONDS = 900;

/**
 * Age at which the handler dead-letters a message that still fails, in milliseconds: 3 days. With one receive every 15
 * minutes it would reach 1000 receives after 10 days, but SQS deletes it after 4.
 */
export const MAX_RETRY_MS = 3 * DAY_MS;

export function isSuspect(receiveCount: number): boolean {
  return receiveCount >= SUSPECT_RECEIVE_COUNT;
}

export function isRetriedTooLong(sentAtMs: number, nowMs: number): boolean {
  return nowMs - sentAtMs > MAX_RETRY_MS;
}
