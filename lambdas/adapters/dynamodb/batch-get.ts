import { BatchGetItemCommand, type BatchGetItemCommandOutput } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { LedgerUnavailable } from '../../contract/errors.ts';
import { MAX_ROUNDS, pauseBefore } from './backoff.ts';
import type { TableAddress } from './batch-write.ts';
import type { Item } from './item-size.ts';
import { reach } from './unavailable.ts';

/** BatchGetItem takes so many keys, and none twice. */
const MAX_BATCH_KEYS = 100;

/**
 * Items as they stand now, in no order; those that do not exist are left out.
 *
 * @param keys none twice
 * @throws LedgerUnavailable
 */
export async function batchGet(operation: string, keys: readonly Item[], table: TableAddress): Promise<Item[]> {
  const calls = Array.from({ length: Math.ceil(keys.length / MAX_BATCH_KEYS) }, (_, call) =>
    keys.slice(call * MAX_BATCH_KEYS, (call + 1) * MAX_BATCH_KEYS),
  );
  return (await Promise.all(calls.map((some) => reach(operation, () => getAll(operation, some, table))))).flat();
}

async function getAll(operation: string, keys: readonly Item[], { client, tableName }: TableAddress) {
  const items: Item[] = [];
  let left = keys.map((key) => marshall(key));
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    if (round > 0) await pauseBefore(round);
    const answer: BatchGetItemCommandOutput = await client.send(
      new BatchGetItemCommand({ RequestItems: { [tableName]: { Keys: left, ConsistentRead: true } } }),
    );
    items.push(...(answer.Responses?.[tableName] ?? []).map((item) => unmarshall(item)));
    left = answer.UnprocessedKeys?.[tableName]?.Keys ?? [];
    if (left.length === 0) return items;
  }
  throw new LedgerUnavailable(`${operation}: DynamoDB left it undone ${MAX_ROUNDS} times`);
}
