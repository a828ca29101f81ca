import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { LEDGER_TABLE } from '../../lambdas/ledger/record.ts';
import { itemBytes } from '../../lambdas/ledger/table/item-size.ts';
import type { Item } from '../../lambdas/ledger/table/table-calls.ts';

/** What calls of one kind take, in DynamoDB's units. */
export interface Units {
  readonly calls: number;
  readonly writes: number;
  /** Those of the writes that an index entry takes. */
  readonly indexWrites: number;
  readonly reads: number;
}

/** By the call's name: `PutItemCommand`. */
export type Capacity = Readonly<Record<string, Units>>;

const WRITE_UNIT_BYTES = 1024;
const READ_UNIT_BYTES = 4096;

/** A call, and its answer. */
export interface TableCall {
  readonly name: string;
  // biome-ignore lint/suspicious/noExplicitAny: anything that the SDK sends.
  readonly input: any;
  // biome-ignore lint/suspicious/noExplicitAny: anything that the SDK receives.
  readonly output: any;
}

/**
 * Counts units by DynamoDB's rules (Developer Guide, "DynamoDB read and write operations"): a write unit for each KB
 * begun of the item or of the one it replaces, whichever is larger, with a condition or without; the same for an entry of
 * the index that changes; a read unit for each 4 KB begun of an item, half of it where the read may be stale. The local
 * server counts no index.
 */
export function createCapacityMeter() {
  const items = new Map<string, Item>();
  let counted = new Map<string, Units>();

  function putUnits(marshalled: Record<string, AttributeValue>): Omit<Units, 'calls'> {
    const item = unmarshall(marshalled);
    const before = items.get(keyText(item));
    items.set(keyText(item), item);
    const indexWrites = entryWrites(before && entryOf(before), entryOf(item));
    return { writes: kilobytes(item, before) + indexWrites, indexWrites, reads: 0 };
  }

  function unitsOf({ name, input, output }: TableCall): readonly Omit<Units, 'calls'>[] {
    if (name === 'PutItemCommand') return [putUnits(input.Item)];
    if (name === 'BatchWriteItemCommand') return puts(input).map((item) => putUnits(item));
    if (name === 'BatchGetItemCommand') return gets(input, output);
    throw new Error(`${name} is not part of the happy path`);
  }

  return {
    count(call: TableCall): void {
      const all = [counted.get(call.name) ?? NOTHING, { ...NOTHING, calls: 1 }, ...unitsOf(call)];
      counted.set(call.name, all.reduce<Units>(sum, NOTHING));
    },
    /** What was counted since this was last asked. */
    take(): Capacity {
      const taken = Object.fromEntries(counted);
      counted = new Map();
      return taken;
    },
  };
}

const NOTHING: Units = { calls: 0, writes: 0, indexWrites: 0, reads: 0 };

function sum(a: Units, b: Partial<Units>): Units {
  return {
    calls: a.calls + (b.calls ?? 0),
    writes: a.writes + (b.writes ?? 0),
    indexWrites: a.indexWrites + (b.indexWrites ?? 0),
    reads: a.reads + (b.reads ?? 0),
  };
}

type Sent = Record<string, AttributeValue>;

function puts({ RequestItems }: { readonly RequestItems: Record<string, { PutRequest?: { Item: Sent } }[]> }): Sent[] {
  return Object.values(RequestItems)
    .flat()
    .map(({ PutRequest }) => {
      if (PutRequest === undefined) throw new Error('nothing is deleted on the happy path');
      return PutRequest.Item;
    });
}

function gets(
  { RequestItems }: { readonly RequestItems: Record<string, { Keys: Sent[]; ConsistentRead?: boolean }> },
  { Responses = {} }: { readonly Responses?: Record<string, Sent[]> },
) {
  return Object.entries(RequestItems).flatMap(([table, { Keys, ConsistentRead }]) => {
    const found = new Map((Responses[table] ?? []).map((one) => unmarshall(one)).map((item) => [keyText(item), item]));
    return Keys.map((key) => {
      // What is not there takes a unit, too.
      const bytes = itemBytes(found.get(keyText(unmarshall(key))) ?? {});
      const units = Math.max(1, Math.ceil(bytes / READ_UNIT_BYTES));
      return { writes: 0, indexWrites: 0, reads: ConsistentRead ? units : units / 2 };
    });
  });
}

const { partitionKey, sortKey, index } = LEDGER_TABLE;

function keyText(item: Item): string {
  return `${item[partitionKey]} ${item[sortKey]}`;
}

/** What the index holds of an item; undefined where it does not list it. */
function entryOf(item: Item): Item | undefined {
  if (item[index.partitionKey] === undefined || item[index.sortKey] === undefined) return undefined;
  const names = [partitionKey, sortKey, index.partitionKey, index.sortKey, ...index.attributes];
  return Object.fromEntries(names.filter((name) => item[name] !== undefined).map((name) => [name, item[name]]));
}

function entryWrites(before: Item | undefined, after: Item | undefined): number {
  if (JSON.stringify(before) === JSON.stringify(after)) return 0;
  if (before === undefined || after === undefined) return kilobytes(before ?? after ?? {});
  const isMoved = [index.partitionKey, index.sortKey].some((name) => before[name] !== after[name]);
  return isMoved ? kilobytes(before) + kilobytes(after) : kilobytes(before, after);
}

function kilobytes(...all: readonly (Item | undefined)[]): number {
  return Math.max(...all.map((item) => Math.ceil(itemBytes(item ?? {}) / WRITE_UNIT_BYTES)));
}
