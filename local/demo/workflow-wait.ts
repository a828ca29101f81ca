import * as z from 'zod';
import type { Execution } from '../execution.ts';

const progressSchema = z.object({
  enrichment: z.object({ status: z.string(), tries: z.number().optional() }),
  attempt: z.number(),
  timed: z.boolean().optional(),
  due_at: z.iso.datetime().nullable().optional(),
});

/**
 * What an execution waits for, by the last progress that its history has: `waits for the warehouse (2 tries failed)`.
 */
export function describeWait({ input, history }: Execution): string {
  const last = history.findLast(({ progress }) => progress !== undefined)?.progress ?? JSON.parse(input).progress;
  const progress = progressSchema.safeParse(last);
  if (!progress.success) return 'is in the workflow';
  const { enrichment, attempt, timed, due_at } = progress.data;
  const isPending = enrichment.status === 'pending';
  if (!isPending && attempt === 0 && timed && due_at) return `waits for its moment: ${due_at.slice(0, 19)}Z`;
  const tries = isPending ? (enrichment.tries ?? 0) : attempt;
  return `waits for the ${isPending ? 'warehouse' : 'partner'} (${tries} ${tries === 1 ? 'try' : 'tries'} failed)`;
}
