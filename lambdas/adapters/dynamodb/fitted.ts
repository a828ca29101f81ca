import { type LedgerRecord, MAX_STATE_ITEM_BYTES } from '../../contract/ledger.ts';
import { itemBytes } from './item-size.ts';
import { stateItem } from './ledger-items.ts';

/**
 * A record whose state item takes one write unit. What does not fit goes in the order in which it is missed least: digits
 * of a second beyond the third, the oldest tries, the end of the reason, the flag's version, the enterprise. With the
 * longest ids that the contract allows, that is enough.
 */
export function fitted(record: LedgerRecord): LedgerRecord {
  const tidy = wellFormed(record);
  if (excessOf(tidy) <= 0) return tidy;
  const occurred_at = tidy.occurred_at.replace(/(\.\d{3})\d+/, '$1');
  let { attempts } = tidy;
  while (attempts.length > 0 && excessOf({ ...tidy, occurred_at, attempts }) > 0) attempts = attempts.slice(1);
  const bare = { ...tidy, occurred_at, attempts };
  const excess = excessOf(bare);
  if (excess <= 0) return bare;
  const short = bare.reason === undefined ? bare : { ...bare, reason: shortened(bare.reason, excess) };
  if (excessOf(short) <= 0) return short;
  const { config_version: _, ...unlabelled } = short;
  if (excessOf(unlabelled) <= 0) return unlabelled;
  const { enterprise_customer_uuid: __, ...bareFacts } = unlabelled;
  return bareFacts;
}

/** Texts of partners may be cut in the middle of a character: half of one is no UTF-8, and DynamoDB refuses the item. */
function wellFormed(record: LedgerRecord): LedgerRecord {
  const { reason, attempts } = record;
  return {
    ...record,
    ...(reason !== undefined && { reason: reason.toWellFormed() }),
    attempts: attempts.map((one) => (one.error === undefined ? one : { ...one, error: one.error.toWellFormed() })),
  };
}

function excessOf(record: LedgerRecord): number {
  // How long facts are held does not change how many bytes say so.
  return itemBytes(stateItem(record, 1)) - MAX_STATE_ITEM_BYTES;
}

/** Cuts at least so many bytes off the end, whole characters only. */
function shortened(text: string, excessBytes: number): string {
  const characters = [...text];
  let cut = 0;
  while (cut < excessBytes && characters.length > 0) cut += Buffer.byteLength(characters.pop() ?? '');
  return characters.join('');
}
