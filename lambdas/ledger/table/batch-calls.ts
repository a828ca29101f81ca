import { setTimeout as sleep } from 'node:timers/promises';
import type { AttributeValue, WriteRequest } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { errorName, LedgerUnavailable } from '../../shared/errors.ts';
import { LEDGER_TABLE } from '../record.ts';
import {
  type Condition,
  type Item,
  type ItemsAddress,
  MARSHALL_OPTIONS,
  putItem,
  reach,
  unavailable,
} from './table-calls.ts';

/** Largest number of writes in one call of BatchWriteItem or BatchExecuteStatement. */
export const MAX_BATCH_WRITES = 25;

/** Largest number of keys in one BatchGetItem call. */
const MAX_BATCH_KEYS = 100;

/** Largest number of calls for unprocessed items. The pauses between them take at most a second in total. */
const MAX_ROUNDS = 6;

const FIRST_PAUSE_MS = 30;

/** Condition that there is no item with that key. */
export const NEW_ITEM: Condition = {
  expression: 'attribute_not_exists(#pk)',
  names: { '#pk': LEDGER_TABLE.partitionKey },
};

/**
 * Reads items with strong consistency, unordered and without those that do not exist.
 *
 * @param keys without duplicates
 * @throws LedgerUnavailable
 */
export async function batchGet(operation: string, keys: readonly Item[], table: ItemsAddress): Promise<Item[]> {
  const { call, tableName } = table;
  const calls = chunksOf(keys, MAX_BATCH_KEYS).map(async (some) => {
    const items: Item[] = [];
    const left = await untilProcessed(
      some.map((key) => marshall(key)),
      async (Keys) => {
        const input = { RequestItems: { [tableName]: { Keys, ConsistentRead: true } } };
        const { Responses, UnprocessedKeys } = await reach(operation, () => call('BatchGetItem', input));
        items.push(...(Responses?.[tableName] ?? []).map((item) => unmarshall(item)));
        return UnprocessedKeys?.[tableName]?.Keys ?? [];
      },
    );
    if (left.length > 0) throw unprocessed(operation);
    return items;
  });
  return (await Promise.all(calls)).flat();
}

export function putRequest(item: Item): WriteRequest {
  return { PutRequest: { Item: marshall(item, MARSHALL_OPTIONS) } };
}

export function deleteRequest(key: Item): WriteRequest {
  return { DeleteRequest: { Key: marshall(key) } };
}

/**
 * Makes writes, 25 a call. If DynamoDB rejects a call because of one write's content, each of its writes is made alone, so
 * that one bad item does not fail the others. Of two writes with the same key in one call, the last one is made.
 *
 * @param writes at most 16 MB for each 25, as BatchWriteItem requires: an event is at most a workflow input, 250 KiB
 * @returns the failure of each write, in the same order; nothing is thrown
 */
export async function batchWrite(
  operation: string,
  writes: readonly WriteRequest[],
  table: ItemsAddress,
): Promise<readonly (LedgerUnavailable | undefined)[]> {
  const calls = chunksOf(writes, MAX_BATCH_WRITES).map((some) => writeCall(operation, some, table));
  return (await Promise.all(calls)).flat();
}

async function writeCall(
  operation: string,
  writes: readonly WriteRequest[],
  table: ItemsAddress,
): Promise<readonly (LedgerUnavailable | undefined)[]> {
  let left = [...new Map(writes.map((write) => [keyText(write), write])).values()];
  let failure: LedgerUnavailable | undefined;
  try {
    await untilProcessed(left, async (requests) => {
      const { UnprocessedItems } = await table.call('BatchWriteItem', {
        RequestItems: { [table.tableName]: requests },
      });
      left = UnprocessedItems?.[table.tableName] ?? [];
      return left;
    });
  } catch (thrown) {
    if (writes.length > 1 && isAboutContent(thrown)) {
      const alone = writes.map((write) => writeCall(operation, [write], table));
      return (await Promise.all(alone)).flat();
    }
    failure = unavailable(operation, thrown);
  }
  if (left.length === 0) return writes.map(() => undefined);
  failure ??= unprocessed(operation);
  const unwritten = new Set(left.map(keyText));
  return writes.map((write) => (unwritten.has(keyText(write)) ? failure : undefined));
}

/**
 * Creates items that do not exist yet, each by its own condition: PartiQL's `INSERT` fails where there is an item with that
 * key, and no statement depends on another's (Developer Guide, "PartiQL insert statements" and "Running batch operations").
 * A single item, one whose key an earlier item has (DynamoDB rejects a batch with both), and one whose statement fails for
 * another reason (throttling, its content) take a conditional put each.
 *
 * @param items at most 25
 * @returns for each, in order, whether it was created, or its failure; nothing is thrown
 */
export async function createItems(
  operation: string,
  items: readonly Item[],
  table: ItemsAddress,
): Promise<readonly (boolean | LedgerUnavailable)[]> {
  const results = new Map<Item, boolean | LedgerUnavailable>();
  const firstOfKey = new Map(items.toReversed().map((item) => [keyOf(item), item]));
  const together = items.filter((item) => firstOfKey.get(keyOf(item)) === item);
  if (together.length > 1) {
    try {
      const Statements = together.map((item) => insertStatement(item, table.tableName));
      const { Responses = [] } = await table.call('BatchExecuteStatement', { Statements });
      for (const [at, item] of together.entries()) {
        const response = Responses[at];
        if (response !== undefined && response.Error === undefined) results.set(item, true);
        else if (response?.Error?.Code === 'DuplicateItem') results.set(item, false);
      }
    } catch (thrown) {
      if (!isAboutContent(thrown)) return items.map(() => unavailable(operation, thrown));
    }
  }
  const left = items.filter((item) => !results.has(item));
  await Promise.all(left.map(async (item) => results.set(item, await createItem(operation, item, table))));
  return items.map((item) => results.get(item) ?? false);
}

async function createItem(operation: string, item: Item, table: ItemsAddress): Promise<boolean | LedgerUnavailable> {
  try {
    return await putItem(operation, item, table, NEW_ITEM);
  } catch (thrown) {
    return unavailable(operation, thrown);
  }
}

/** PartiQL takes no item as a parameter, only the value of each attribute. */
function insertStatement(item: Item, tableName: string) {
  const attributes: [string, AttributeValue][] = Object.entries(marshall(item, MARSHALL_OPTIONS));
  const names = attributes.map(([name]) => `'${name}': ?`).join(', ');
  return {
    Statement: `INSERT INTO "${tableName}" VALUE {${names}}`,
    Parameters: attributes.map(([, value]) => value),
  };
}

/** Whether DynamoDB rejected a call for what it contains, or is an emulator that does not know the operation. */
function isAboutContent(thrown: unknown): boolean {
  return ['ValidationException', 'SerializationException', 'UnknownOperationException'].includes(errorName(thrown));
}

function keyOf({ [LEDGER_TABLE.partitionKey]: pk, [LEDGER_TABLE.sortKey]: sk }: Item): string {
  return `${pk} ${sk}`;
}

function keyText({ PutRequest, DeleteRequest }: WriteRequest): string {
  const { [LEDGER_TABLE.partitionKey]: pk, [LEDGER_TABLE.sortKey]: sk } = PutRequest?.Item ?? DeleteRequest?.Key ?? {};
  return `${pk?.S} ${sk?.S}`;
}

/**
 * Repeats a batch call for unprocessed items. Pauses are random between 0 and 30, 60, 120, … ms, so that callers that were
 * throttled at the same time do not retry at the same time.
 *
 * @param call makes the requests; returns the unprocessed ones
 * @returns the requests that are unprocessed after the last call
 */
async function untilProcessed<T>(requests: T[], call: (requests: T[]) => Promise<T[]>): Promise<T[]> {
  let left = requests;
  for (let round = 0; left.length > 0 && round < MAX_ROUNDS; round += 1) {
    if (round > 0) await sleep(Math.random() * FIRST_PAUSE_MS * 2 ** (round - 1));
    left = await call(left);
  }
  return left;
}

function unprocessed(operation: string): LedgerUnavailable {
  return new LedgerUnavailable(`${operation}: DynamoDB left items unprocessed ${MAX_ROUNDS} times`);
}

function chunksOf<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, at) => all.slice(at * size, (at + 1) * size));
}
