import { setTimeout as sleep } from 'node:timers/promises';
import { BatchGetItemCommand, BatchWriteItemCommand, type WriteRequest } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { errorName, LedgerUnavailable } from '../../shared/errors.ts';
import { LEDGER_TABLE } from '../record.ts';
import { type Item, MARSHALL_OPTIONS, reach, type TableAddress, unavailable } from './table-calls.ts';

/** Largest number of writes in one BatchWriteItem call. */
export const MAX_BATCH_WRITES = 25;

/** Largest number of keys in one BatchGetItem call. */
const MAX_BATCH_KEYS = 100;

/** Largest number of calls for unprocessed items. The pauses between them take at most a second in total. */
const MAX_ROUNDS = 6;

const FIRST_PAUSE_MS = 30;

/**
 * Reads items with strong consistency, unordered and without those that do not exist.
 *
 * @param keys without duplicates
 * @throws LedgerUnavailable
 */
export async function batchGet(operation: string, keys: readonly Item[], table: TableAddress): Promise<Item[]> {
  const { client, tableName } = table;
  const calls = chunksOf(keys, MAX_BATCH_KEYS).map(async (some) => {
    const items: Item[] = [];
    const left = await untilProcessed(
      some.map((key) => marshall(key)),
      async (Keys) => {
        const command = new BatchGetItemCommand({ RequestItems: { [tableName]: { Keys, ConsistentRead: true } } });
        const { Responses, UnprocessedKeys } = await reach(operation, () => client.send(command));
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
  table: TableAddress,
): Promise<readonly (LedgerUnavailable | undefined)[]> {
  const calls = chunksOf(writes, MAX_BATCH_WRITES).map((some) => writeCall(operation, some, table));
  return (await Promise.all(calls)).flat();
}

async function writeCall(
  operation: string,
  writes: readonly WriteRequest[],
  { client, tableName }: TableAddress,
): Promise<readonly (LedgerUnavailable | undefined)[]> {
  let left = [...new Map(writes.map((write) => [keyText(write), write])).values()];
  let failure = unprocessed(operation);
  try {
    await untilProcessed(left, async (requests) => {
      const command = new BatchWriteItemCommand({ RequestItems: { [tableName]: requests } });
      const { UnprocessedItems } = await client.send(command);
      left = UnprocessedItems?.[tableName] ?? [];
      return left;
    });
  } catch (thrown) {
    if (writes.length > 1 && ['ValidationException', 'SerializationException'].includes(errorName(thrown))) {
      const alone = writes.map((write) => writeCall(operation, [write], { client, tableName }));
      return (await Promise.all(alone)).flat();
    }
    failure = unavailable(operation, thrown);
  }
  const unwritten = new Set(left.map(keyText));
  return writes.map((write) => (unwritten.has(keyText(write)) ? failure : undefined));
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
