import * as z from 'zod';
import type { Execution } from '../step-functions/execution.ts';

const MINUTE_MS = 60_000;

const inputSchema = z.object({
  occurred_at: z.iso.datetime({ offset: true }),
  progress: z.object({ timed: z.literal(true), due_at: z.iso.datetime() }),
});
const untriedSchema = z.object({ attempt: z.literal(0), due_at: z.iso.datetime() });
const cancelledSchema = z.object({ outcome: z.literal('cancelled'), reason: z.string() });

/**
 * The reason why a scheduled webhook was cancelled.
 *
 * @param executions newest first; the newest one counts
 */
export function cancellationOf([newest]: readonly Execution[]): string | undefined {
  if (newest?.output === undefined) return undefined;
  return cancelledSchema.safeParse(JSON.parse(newest.output)).data?.reason;
}

/**
 * The delay of a scheduled webhook since its event occurred: `after 5 minutes`.
 *
 * @param executions newest first; the newest one counts
 * @param receivedMs when its partner received it first, in epoch milliseconds
 * @returns undefined if it did not wait
 */
export function describeDelay([newest]: readonly Execution[], receivedMs: number): string | undefined {
  const input = newest && inputSchema.safeParse(JSON.parse(newest.input)).data;
  if (newest === undefined || input === undefined) return undefined;
  const { startedAt, history } = newest;
  const moved = history.map(({ progress }) => untriedSchema.safeParse(progress).data?.due_at);
  const dueMs = Date.parse(moved.findLast((at) => at !== undefined) ?? input.progress.due_at);
  if (dueMs <= startedAt) return undefined;
  const after = minutes(dueMs - Date.parse(input.occurred_at));
  const earlyMs = dueMs - receivedMs;
  return earlyMs > 0 ? `${minutes(earlyMs)} too early for ${after}` : `after ${after}`;
}

/** Rounded up, so that nothing is early by none. */
function minutes(ms: number): string {
  const rounded = Math.ceil((ms * 10) / MINUTE_MS) / 10;
  return rounded === 1 ? '1 minute' : `${rounded} minutes`;
}

const progressSchema = z.object({
  enrichment: z.object({ status: z.string(), attempts: z.number().optional() }),
  attempt: z.number(),
  timed: z.boolean().optional(),
  due_at: z.iso.datetime().nullable().optional(),
});

/**
 * What an execution waits for, by the last progress in its history: `waits for the warehouse (2 attempts failed)`.
 */
export function describeWait({ input, history }: Execution): string {
  const last = history.findLast(({ progress }) => progress !== undefined)?.progress ?? JSON.parse(input).progress;
  const progress = progressSchema.safeParse(last);
  if (!progress.success) return 'is in the workflow';
  const { enrichment, attempt, timed, due_at } = progress.data;
  const isPending = enrichment.status === 'pending';
  if (!isPending && attempt === 0 && timed && due_at) return `scheduled for ${due_at.slice(0, 19)}Z`;
  const attempts = isPending ? (enrichment.attempts ?? 0) : attempt;
  return `waits for the ${isPending ? 'warehouse' : 'partner'} (${attempts} ${attempts === 1 ? 'attempt' : 'attempts'} failed)`;
}
