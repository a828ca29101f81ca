import { type Delivery, LONG_WAIT_SECONDS, type TaskResult } from './delivery.ts';
import { JITTER } from './retry-timing.ts';

/** So many waits without an attempt may be as short as the limiter, the ledger or a timer asks for. */
export const SHORT_WAITS = 50;

/** The shortest wait after those, in milliseconds. */
export const LONG_WAIT_MS = LONG_WAIT_SECONDS * 1000;

export interface WaitServices {
  now(): number;
  random(): number;
}

/**
 * Counts the waits of one execution, and lengthens those after the first `SHORT_WAITS`: each round of the workflow adds to
 * the execution's history, of which Step Functions takes 25,000 events (`test/infra/history-bound.ts` has the arithmetic). Attempts
 * are counted by the retry policy instead.
 *
 * @param result what one step of the workflow decided for `delivery`
 * @returns the same where an attempt was made, or it does not wait. A reserved time that would pass is given up.
 */
export function withWaitCounted(delivery: Delivery, result: TaskResult, { now, random }: WaitServices): TaskResult {
  if (result.outcome !== 'retry' || result.due_at === null) return result;
  const before = delivery.progress.waits ?? 0;
  if (result.attempt > delivery.progress.attempt) return before === 0 ? result : { ...result, waits: before };
  const waits = before + 1;
  const earliestMs = now() + Math.round(LONG_WAIT_MS * (1 + JITTER * random()));
  if (waits <= SHORT_WAITS || Date.parse(result.due_at) >= earliestMs) return { ...result, waits };
  const { reserved_for: _, ...rest } = result;
  return { ...rest, due_at: new Date(earliestMs).toISOString(), waits };
}
