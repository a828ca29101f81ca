import * as z from 'zod';

const endedExecutionSchema = z.object({
  executionArn: z.string(),
  /** Epoch milliseconds. */
  stoppedAtMs: z.number(),
});

/** An execution that ended without succeeding. */
export type EndedExecution = Readonly<z.infer<typeof endedExecutionSchema>>;

/** How far the sweeps have come, as the ledger's table holds it. */
export const sweepProgressSchema = z.object({
  /** Every execution that ended by then was handled, but for those of `failed`. Epoch milliseconds. */
  upToMs: z.number(),
  /** Those whose rescue failed: the next sweep begins with them. */
  failed: z.array(endedExecutionSchema),
});
export type SweepProgress = z.infer<typeof sweepProgressSchema>;

/** The partition of the ledger's table that holds the progress, and nothing else. */
export const SWEEP_PARTITION = 'sweep';
