import type { LedgerTable } from '../../lambdas/ledger/ports.ts';
import type { LedgerRecord } from '../../lambdas/ledger/record.ts';
import type { PartEntry, Reading } from '../../lambdas/ledger/table/list-pages.ts';
import { isFirstClaim } from '../../lambdas/ledger/transitions.ts';
import { type FoundDelivery, lineOf } from './find-deliveries.ts';

/**
 * How the deliveries of entries stand. Of those that only their event lists, it reads the records, and leaves out what is
 * listed elsewhere.
 *
 * @throws LedgerUnavailable
 */
export async function readStanding(
  entries: readonly PartEntry[],
  table: Pick<LedgerTable, 'records'>,
  { onRead }: { onRead(reading: Reading): void },
): Promise<readonly FoundDelivery[]> {
  const ids = entries.flatMap(({ kind, webhook_id }) => (kind === 'event' ? [webhook_id] : []));
  if (ids.length > 0) {
    const records = await table.records(ids);
    // A state item is at most 1 KB, and read with strong consistency: one unit, also for one that does not exist.
    onRead({ rows: ids.length, units: ids.length });
    return entries.flatMap((entry) => {
      const record = entry.kind === 'event' ? records.get(entry.webhook_id) : undefined;
      if (record === undefined) return [deliveryOf(entry)];
      return isListedHere(record, entry) ? [{ ...lineOf(record), accepted_at: entry.accepted_at }] : [];
    });
  }
  return entries.map(deliveryOf);
}

function deliveryOf({ kind, ...delivery }: PartEntry): FoundDelivery {
  return delivery;
}

/** The LMS published it twice: its event is listed where it came last, its record where it came first. */
function isListedHere(record: LedgerRecord, { accepted_at }: PartEntry): boolean {
  return isFirstClaim(record) || record.accepted_at === accepted_at;
}
