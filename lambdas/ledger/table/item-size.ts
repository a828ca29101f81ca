import { type LedgerRecord, MAX_STATE_ITEM_BYTES, RECORDED_ATTEMPTS } from '../record.ts';
import { stateItem } from './ledger-items.ts';
import type { Item } from './table-calls.ts';

/** Reductions of a record, applied in this order until its state item fits: the least important facts go first. */
const REDUCTIONS: readonly ((record: LedgerRecord, excessBytes: number) => LedgerRecord)[] = [
  (record) => ({ ...record, occurred_at: record.occurred_at.replace(/(\.\d{3})\d+/, '$1') }),
  ...Array.from({ length: RECORDED_ATTEMPTS }, () => (record: LedgerRecord) => ({
    ...record,
    attempts: record.attempts.slice(1),
  })),
  (record, excessBytes) =>
    record.reason === undefined ? record : { ...record, reason: shortened(record.reason, excessBytes) },
  ({ config_version: _, ...record }) => record,
  ({ enterprise_customer_uuid: _, ...record }) => record,
];

/**
 * The record, reduced so that its state item takes one write unit, and that item. This is always possible: with the longest
 * ids that the event schema allows, the reductions above are enough.
 */
export function fitted(
  record: LedgerRecord,
  factsDays: number,
): { readonly record: LedgerRecord; readonly item: Item } {
  let fit = wellFormed(record);
  let item = stateItem(fit, factsDays);
  for (const reduce of REDUCTIONS) {
    const excessBytes = itemBytes(item) - MAX_STATE_ITEM_BYTES;
    if (excessBytes <= 0) break;
    fit = reduce(fit, excessBytes);
    item = stateItem(fit, factsDays);
  }
  return { record: fit, item };
}

/** Replaces lone surrogates, from texts cut within a character: they are no valid UTF-8, and DynamoDB rejects the item. */
function wellFormed(record: LedgerRecord): LedgerRecord {
  const { reason, attempts } = record;
  return {
    ...record,
    ...(reason !== undefined && { reason: reason.toWellFormed() }),
    attempts: attempts.map((one) => (one.error === undefined ? one : { ...one, error: one.error.toWellFormed() })),
  };
}

/** Removes at least that many bytes from the end, in whole characters. */
function shortened(text: string, excessBytes: number): string {
  const characters = [...text];
  let cut = 0;
  while (cut < excessBytes && characters.length > 0) cut += Buffer.byteLength(characters.pop() ?? '');
  return characters.join('');
}

/**
 * An item's size in bytes as DynamoDB counts it for write units: names and values, in UTF-8 (DynamoDB Developer Guide,
 * "Item sizes and formats"). The guide's rule for numbers is approximate, so this rounds up.
 */
export function itemBytes(item: Item): number {
  return Object.entries(item).reduce(
    (sum, [name, value]) => (value === undefined ? sum : sum + Buffer.byteLength(name) + valueBytes(value)),
    0,
  );
}

/** A list or map takes 3 bytes, and one more for each element. */
const COLLECTION_BYTES = 3;

function valueBytes(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (typeof value === 'number') return numberBytes(value);
  if (Array.isArray(value)) return value.reduce((sum, one) => sum + 1 + valueBytes(one), COLLECTION_BYTES);
  if (typeof value !== 'object' || value === null) return 1;
  const elements = Object.values(value).filter((one) => one !== undefined).length;
  return COLLECTION_BYTES + elements + itemBytes(value as Item);
}

/** One byte for every two digits, one more if they span two pairs, one for the sign, and one extra. */
function numberBytes(value: number): number {
  const digits = String(Math.abs(value)).replace('.', '').length;
  return Math.ceil((digits + 1) / 2) + 1 + (value < 0 ? 1 : 0);
}
