import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { LEDGER_TABLE } from '../../lambdas/ledger/record.ts';
import { itemBytes } from '../../lambdas/ledger/table/item-size.ts';
import type { Item } from '../../lambdas/ledger/table/table-calls.ts';

const WRITE_UNIT_BYTES = 1024;
const READ_UNIT_BYTES = 4096;

const { partitionKey, sortKey, index } = LEDGER_TABLE;

/** A call, and its response. */
interface TableCall {
  readonly name: string;
  // biome-ignore lint/suspicious/noExplicitAny: anything that the SDK sends.
  readonly input: any;
  // biome-ignore lint/suspicious/noExplicitAny: anything that the SDK receives.
  readonly output: any;
}

type Sent = Record<string, AttributeValue>;

/**
 * Counts units of the calls of a delivery by DynamoDB's rules (Developer Guide, "DynamoDB read and write operations"): a
 * write unit for each KB begun of the item or of the one it replaces, whichever is larger; the same for an entry of the
 * index that changes; a read unit for each 4 KB begun of an item, half of it if the read may be stale. The local server
 * counts no index.
 */
export function createCapacityMeter() {
  const items = new Map<string, Item>();
  let counted = { writes: 0, reads: 0 };

  function countPut(marshalled: Sent): void {
    const item = unmarshall(marshalled);
    const before = items.get(keyText(item));
    items.set(keyText(item), item);
    counted.writes += kilobytes(item, before) + entryWrites(before && entryOf(before), entryOf(item));
  }

  function countGets(keys: readonly Sent[], isConsistent: boolean, found: readonly Sent[]): void {
    const byKey = new Map(found.map((one) => unmarshall(one)).map((item) => [keyText(item), item]));
    for (const key of keys) {
      // An item that does not exist takes a unit, too.
      const bytes = itemBytes(byKey.get(keyText(unmarshall(key))) ?? {});
      counted.reads += Math.max(1, Math.ceil(bytes / READ_UNIT_BYTES)) / (isConsistent ? 1 : 2);
    }
  }

  return {
    count({ name, input, output }: TableCall): void {
      const [[table = '', requests] = []] = Object.entries<never>(input.RequestItems ?? {});
      if (name === 'PutItemCommand') countPut(input.Item);
      else if (name === 'BatchExecuteStatementCommand') {
        // An INSERT takes the units of a put (Developer Guide, "PartiQL insert statements").
        for (const { Statement, Parameters } of input.Statements) countPut(insertedItem(Statement, Parameters));
      } else if (name === 'BatchWriteItemCommand') {
        for (const { PutRequest } of requests as unknown as { PutRequest: { Item: Sent } }[]) countPut(PutRequest.Item);
      } else if (name === 'BatchGetItemCommand') {
        const { Keys, ConsistentRead } = requests as unknown as { Keys: Sent[]; ConsistentRead: boolean };
        countGets(Keys, ConsistentRead, output.Responses[table]);
      } else throw new Error(`${name} is not a call of a delivery`);
    },
    /** The units since the last call of this function. */
    take() {
      const taken = counted;
      counted = { writes: 0, reads: 0 };
      return taken;
    },
  };
}

/** The item of `INSERT INTO "table" VALUE {'attribute': ?, …}`. */
function insertedItem(statement: string, parameters: readonly AttributeValue[]): Sent {
  const names = [...statement.matchAll(/'([^']+)': \?/g)].map(([, name]) => name as string);
  return Object.fromEntries(names.map((name, at) => [name, parameters[at] as AttributeValue]));
}

function keyText(item: Item): string {
  return `${item[partitionKey]} ${item[sortKey]}`;
}

/** An item's entry in the index; undefined if it is not listed. */
function entryOf(item: Item): Item | undefined {
  if (item[index.partitionKey] === undefined || item[index.sortKey] === undefined) return undefined;
  const names = [partitionKey, sortKey, index.partitionKey, index.sortKey, ...index.attributes];
  return Object.fromEntries(names.filter((name) => item[name] !== undefined).map((name) => [name, item[name]]));
}

/** An entry that moves to another key is deleted and written. */
function entryWrites(before: Item | undefined, after: Item | undefined): number {
  if (JSON.stringify(before) === JSON.stringify(after)) return 0;
  const isMoved = before && after && [index.partitionKey, index.sortKey].some((name) => before[name] !== after[name]);
  return isMoved ? kilobytes(before) + kilobytes(after) : kilobytes(before, after);
}

function kilobytes(...all: readonly (Item | undefined)[]): number {
  return Math.max(...all.map((item) => Math.ceil(itemBytes(item ?? {}) / WRITE_UNIT_BYTES)));
}
