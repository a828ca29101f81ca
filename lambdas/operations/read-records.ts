import type { LedgerRecord } from '../ledger/record.ts';
import { LedgerUnavailable } from '../shared/errors.ts';
import type { ReconcileRun } from './reconcile-run.ts';

/**
 * Reads the records of deliveries. One that cannot be read, such as a newer version's after a rollback, must not keep the run
 * from all others: it is logged, and the caller counts it as unbalanced.
 *
 * @param webhookIds at most `CHUNK`
 * @returns by id, without those that do not exist
 * @throws LedgerUnavailable if the table does not respond
 */
export async function readRecords(
  webhookIds: readonly string[],
  { services: { table, log } }: ReconcileRun,
): Promise<ReadonlyMap<string, LedgerRecord | 'unreadable'>> {
  try {
    return await table.records(webhookIds);
  } catch (thrown) {
    if (!isUnreadable(thrown)) throw thrown;
  }
  const found = new Map<string, LedgerRecord | 'unreadable'>();
  const read = async (id: string) => {
    try {
      const record = await table.record(id);
      if (record !== undefined) found.set(id, record);
    } catch (thrown) {
      if (!isUnreadable(thrown)) throw thrown;
      found.set(id, 'unreadable');
      log.error('ledger.record_unreadable', { webhook_id: id });
    }
  };
  await Promise.all(webhookIds.map(read));
  return found;
}

/** Whether the table has responded. It left keys of a batch unprocessed, or an item does not match its schema. */
function isUnreadable(thrown: unknown): boolean {
  return thrown instanceof LedgerUnavailable && thrown.cause === undefined;
}
