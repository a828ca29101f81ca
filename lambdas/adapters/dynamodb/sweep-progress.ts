import { GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { LedgerUnavailable } from '../../contract/errors.ts';
import { LEDGER_TABLE } from '../../contract/ledger.ts';
import { SWEEP_PARTITION, type SweepProgress, sweepProgressSchema } from '../../contract/sweep.ts';
import type { TableAddress } from './batch-write.ts';
import { reach } from './unavailable.ts';

const { partitionKey, sortKey } = LEDGER_TABLE;
const KEY = { [partitionKey]: SWEEP_PARTITION, [sortKey]: 'progress' };

/** How far the sweeps have come: one item of the ledger's table, which no index lists and nothing deletes. */
export function createSweepProgress({ client, tableName }: TableAddress) {
  return {
    /** @returns undefined before the first sweep @throws LedgerUnavailable */
    async readProgress(): Promise<SweepProgress | undefined> {
      const command = new GetItemCommand({ TableName: tableName, Key: marshall(KEY), ConsistentRead: true });
      const { Item } = await reach('readProgress', () => client.send(command));
      if (Item === undefined) return undefined;
      const read = sweepProgressSchema.safeParse(unmarshall(Item));
      // To begin again would dead-letter twice what was sent to the queue directly.
      if (!read.success) throw new LedgerUnavailable('readProgress: the item does not fit its schema');
      return read.data;
    },
    /** @throws LedgerUnavailable */
    async writeProgress(progress: SweepProgress): Promise<void> {
      const command = new PutItemCommand({ TableName: tableName, Item: marshall({ ...KEY, ...progress }) });
      await reach('writeProgress', () => client.send(command));
    },
  };
}
