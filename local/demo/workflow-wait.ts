import * as z from 'zod';
import type { Execution } from '../execution.ts';

const progressSchema = z.object({
  enrichment: z.object({ status: z.string(), tries: z.number().optional() }),
  attempt: z.number(),
});

/** What an execution waits for, by the last progress that its history has: `waits for the warehouse (2 tries failed)`. */
export function describeWait({ input, history }: Execution): string {
  const last = history.findLast(({ progress }) => progress !== undefined)?.progress ?? JSON.parse(input).progress;
  const progress = progressSchema.safeParse(last);
  if (!progress.success) return 'is in the workflow';
  const { enrichment, attempt } = progress.data;
  const isPending = enrichment.status === 'pending';
  const tries = isPending ? (enrichment.tries ?? 0) : attempt;
  return `waits for the ${isPending ? 'warehouse' : 'partner'} (${tries} ${tries === 1 ? 'try' : 'tries'} failed)`;
}
