import * as z from 'zod';
import { LEDGER_TABLE } from '../record.ts';
import { getItem, itemsThroughSdk, putItem, type TableAddress } from './table-calls.ts';

const reconcileProgressSchema = z.object({
  /** Everything that was accepted up to this time is listed. Epoch milliseconds. */
  listedUntilMs: z.number(),
  /** Days of integrations that a run has listed, as `<day>#<integration>`: those of the last two days. */
  listedDays: z.array(z.string()),
  /** Start of the last run that read every open delivery. Epoch milliseconds. */
  reviewedAtMs: z.number(),
  /** When each integration last received a delivery, in epoch milliseconds, by its id. */
  lastDelivered: z.record(z.string(), z.number()),
});

/** What the incremental runs of the reconciler have done so far. */
export type ReconcileProgress = Readonly<z.infer<typeof reconcileProgressSchema>>;

const KEY = { [LEDGER_TABLE.partitionKey]: LEDGER_TABLE.reconcilePartition, [LEDGER_TABLE.sortKey]: 'progress' };

/** Progress of the reconciler: one item of the ledger's table, without index entry and expiry. */
export function createReconcileProgress(address: TableAddress) {
  const table = itemsThroughSdk(address);
  return {
    /** @returns undefined before the first run, and if the item does not fit: a run starts over then @throws LedgerUnavailable */
    async read(): Promise<ReconcileProgress | undefined> {
      return reconcileProgressSchema.safeParse(await getItem('readProgress', KEY, table)).data;
    },
    /** @throws LedgerUnavailable */
    async write(progress: ReconcileProgress): Promise<void> {
      await putItem('writeProgress', { ...KEY, ...progress }, table);
    },
  };
}
