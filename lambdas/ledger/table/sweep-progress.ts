import * as z from 'zod';
import { LedgerUnavailable } from '../../shared/errors.ts';
import { LEDGER_TABLE } from '../record.ts';
import { getItem, itemsThroughSdk, putItem, type TableAddress } from './table-calls.ts';

const endedExecutionSchema = z.object({
  executionArn: z.string(),
  /** Epoch milliseconds. */
  stoppedAtMs: z.number(),
});

/** An execution that ended without succeeding. */
export type EndedExecution = Readonly<z.infer<typeof endedExecutionSchema>>;

const sweepProgressSchema = z.object({
  /** Every execution that ended up to this time was handled, except those in `failed`. Epoch milliseconds. */
  upToMs: z.number(),
  /** Executions whose rescue failed: the next sweep begins with them. */
  failed: z.array(endedExecutionSchema),
});
export type SweepProgress = z.infer<typeof sweepProgressSchema>;

const KEY = { [LEDGER_TABLE.partitionKey]: LEDGER_TABLE.sweepPartition, [LEDGER_TABLE.sortKey]: 'progress' };

/** Progress of the sweeps: one item of the ledger's table, without index entry and expiry. */
export function createSweepProgress(address: TableAddress) {
  const table = itemsThroughSdk(address);
  return {
    /** @returns undefined before the first sweep @throws LedgerUnavailable */
    async readProgress(): Promise<SweepProgress | undefined> {
      const item = await getItem('readProgress', KEY, table);
      if (item === undefined) return undefined;
      const read = sweepProgressSchema.safeParse(item);
      // Without the progress, a sweep would dead-letter inputs again that were sent to the queue directly.
      if (!read.success) throw new LedgerUnavailable('readProgress: the item does not fit its schema');
      return read.data;
    },
    /** @throws LedgerUnavailable */
    async writeProgress(progress: SweepProgress): Promise<void> {
      await putItem('writeProgress', { ...KEY, ...progress }, table);
    },
  };
}
