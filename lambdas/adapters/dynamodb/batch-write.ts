import {
  BatchWriteItemCommand,
  type BatchWriteItemCommandOutput,
  type DynamoDBClient,
  type WriteRequest,
} from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { errorName, LedgerUnavailable } from '../../contract/errors.ts';
import { LEDGER_TABLE } from '../../contract/ledger.ts';
import { MAX_ROUNDS, pauseBefore } from './backoff.ts';
import type { Item } from './item-size.ts';
import { unavailable } from './unavailable.ts';

/** BatchWriteItem takes 25 writes a call, 16 MB as they are sent, and no key twice. */
export const MAX_BATCH_WRITES = 25;
export const MAX_BATCH_BYTES = 16 * 1024 * 1024;

export interface TableAddress {
  readonly client: DynamoDBClient;
  readonly tableName: string;
}

export function put(item: Item): WriteRequest {
  return { PutRequest: { Item: marshall(item, { removeUndefinedValues: true }) } };
}

export function remove(key: Item): WriteRequest {
  return { DeleteRequest: { Key: marshall(key) } };
}

/**
 * Makes one call's writes. What DynamoDB leaves undone is asked for again, for a second or so; where it refuses the call
 * for what one write holds, each is made alone, so that the others are harmed by none. A key that comes twice is written
 * as it came last.
 *
 * @param writes 25 at the most, 16 MB in all
 * @returns what went wrong with each write; nothing is thrown
 */
export async function batchWrite(
  operation: string,
  writes: readonly WriteRequest[],
  table: TableAddress,
): Promise<readonly (LedgerUnavailable | undefined)[]> {
  let left = new Map(writes.map((write) => [keyText(write), write]));
  try {
    for (let round = 0; left.size > 0 && round < MAX_ROUNDS; round += 1) {
      if (round > 0) await pauseBefore(round);
      left = await leftUndone([...left.values()], table);
    }
  } catch (thrown) {
    if (writes.length > 1 && isRefusal(thrown)) return eachAlone(operation, writes, table);
    const failure = unavailable(operation, thrown);
    return writes.map((write) => (left.has(keyText(write)) ? failure : undefined));
  }
  const failure = new LedgerUnavailable(`${operation}: DynamoDB left it undone ${MAX_ROUNDS} times`);
  return writes.map((write) => (left.has(keyText(write)) ? failure : undefined));
}

async function eachAlone(operation: string, writes: readonly WriteRequest[], table: TableAddress) {
  return (await Promise.all(writes.map((write) => batchWrite(operation, [write], table)))).flat();
}

async function leftUndone(writes: WriteRequest[], { client, tableName }: TableAddress) {
  const answer: BatchWriteItemCommandOutput = await client.send(
    new BatchWriteItemCommand({ RequestItems: { [tableName]: writes } }),
  );
  const left = answer.UnprocessedItems?.[tableName] ?? [];
  return new Map(left.map((write) => [keyText(write), write]));
}

/** Errors that say something of what was sent, and nothing of how the table is. */
function isRefusal(thrown: unknown): boolean {
  return ['ValidationException', 'SerializationException'].includes(errorName(thrown));
}

function keyText({ PutRequest, DeleteRequest }: WriteRequest): string {
  const { [LEDGER_TABLE.partitionKey]: pk, [LEDGER_TABLE.sortKey]: sk } = PutRequest?.Item ?? DeleteRequest?.Key ?? {};
  return `${pk?.S} ${sk?.S}`;
}
