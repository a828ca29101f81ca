import type { LedgerTable, OpenEntry } from '../ports.ts';
import { LEDGER_TABLE } from '../record.ts';
import { batchWrite, deleteRequest, putRequest } from './batch-calls.ts';
import { expiresAt } from './ledger-items.ts';
import {
  type Item,
  type ItemsAddress,
  itemsThroughSdk,
  putItem,
  queryItems,
  type TableAddress,
} from './table-calls.ts';

const { partitionKey, sortKey, expiry, openPartitions } = LEDGER_TABLE;

/** The list of open deliveries for those that write single entries. @param factsDays retention of records, in days */
export function createOpenWriter(table: ItemsAddress, factsDays: number): Pick<LedgerTable, 'putOpen'> {
  return {
    async putOpen(entry) {
      await putItem('putOpen', itemOf(entry, factsDays), table);
    },
  };
}

/** The list of open deliveries for the reconciler. @param factsDays retention of records, in days */
export function createOpenList(
  table: TableAddress,
  factsDays: number,
): Pick<LedgerTable, 'putAllOpen' | 'openEntries' | 'removeOpen'> {
  const items = itemsThroughSdk(table);
  const write = async (operation: string, requests: Parameters<typeof batchWrite>[1]) => {
    const failure = (await batchWrite(operation, requests, items)).find((one) => one !== undefined);
    if (failure !== undefined) throw failure;
  };
  return {
    putAllOpen: (entries) =>
      write(
        'putAllOpen',
        entries.map((entry) => putRequest(itemOf(entry, factsDays))),
      ),
    async *openEntries(partition) {
      const query = {
        KeyConditionExpression: '#pk = :pk',
        ExpressionAttributeNames: { '#pk': partitionKey },
        ExpressionAttributeValues: { ':pk': { S: partition } },
        ConsistentRead: true,
      };
      for await (const page of queryItems('openEntries', query, table)) yield page.map(entryOf);
    },
    removeOpen: (entries) =>
      write(
        'removeOpen',
        entries.map((entry) => deleteRequest(keyOf(entry))),
      ),
  };
}

function keyOf({ webhook_id, since }: OpenEntry): Item {
  const digit = Number.parseInt(webhook_id.charAt('wh_'.length), 16);
  return { [partitionKey]: openPartitions[digit], [sortKey]: `${since}#${webhook_id}` };
}

function itemOf(entry: OpenEntry, factsDays: number): Item {
  const { integration_id, accepted_at } = entry;
  return { ...keyOf(entry), integration_id, accepted_at, [expiry]: expiresAt(accepted_at, factsDays) };
}

function entryOf(item: Item): OpenEntry {
  const [since = '', webhook_id = ''] = String(item[sortKey]).split('#');
  return {
    webhook_id,
    integration_id: String(item.integration_id),
    accepted_at: String(item.accepted_at),
    since,
  };
}
