import { LedgerUnavailable } from '../../contract/errors.ts';
import { LEDGER_TABLE } from '../../contract/ledger.ts';
import { SWEEP_PARTITION, type SweepProgress, sweepProgressSchema } from '../../contract/sweep.ts';
import { getItem, putItem, type TableAddress } from './table-calls.ts';

const KEY = { [LEDGER_TABLE.partitionKey]: SWEEP_PARTITION, [LEDGER_TABLE.sortKey]: 'progress' };

/** How far the sweeps have come: one item of the ledger's table, which no index lists and nothing deletes. */
export function createSweepProgress(table: TableAddress) {
  return {
    /** @returns undefined before the first sweep @throws LedgerUnavailable */
    async readProgress(): Promise<SweepProgress | undefined> {
      const item = await getItem('readProgress', KEY, table);
      if (item === undefined) return undefined;
      const read = sweepProgressSchema.safeParse(item);
      // To begin again would dead-letter twice what was sent to the queue directly.
      if (!read.success) throw new LedgerUnavailable('readProgress: the item does not fit its schema');
      return read.data;
    },
    /** @throws LedgerUnavailable */
    async writeProgress(progress: SweepProgress): Promise<void> {
      await putItem('writeProgress', { ...KEY, ...progress }, table);
    },
  };
}
