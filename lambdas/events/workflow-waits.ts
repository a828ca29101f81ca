import { type Delivery, LONG_WAIT_SECONDS, type TaskResult } from './delivery.ts';
import { JITTER } from './retry-timing.ts';

/** The first waits without an attempt may be as short as the limiter, the ledger or a timer asks for. */
export const SHORT_WAITS = 50;

/** Minimum length of later waits, in milliseconds. */
export const LONG_WAIT_MS = LONG_WAIT_SECONDS * 1000;

export interface WaitServices {
  now(): number;
  random(): number;
}

/**
 * Counts the waits of an execution, and extends those after the first `SHORT_WAITS`. Each wait adds events to the
 * execution's history, which Step Functions limits to 25,000 (`test/infra/history-bound.ts` computes the maximum). The
 * retry policy bounds the waits before attempts.
 *
 * @param result the result of one workflow task for `delivery`
 * @returns the result, with its wait counted and possibly extended; a time reserved before the end of the wait is dropped
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
