import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createSweepProgress } from '../../../lambdas/ledger/table/sweep-progress.ts';
import { type LedgerServer, startLedgerServer } from '../../support/dynamodb.ts';

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedgerServer();
});
afterAll(() => server.close());

test('is undefined at first, and then as written last', async () => {
  const progress = createSweepProgress(server);
  expect(await progress.readProgress()).toBeUndefined();
  await progress.writeProgress({ upToMs: 1, failed: [{ executionArn: 'arn', stoppedAtMs: 1_768_478_400_123 }] });
  const last = { upToMs: 1_768_478_400_123, failed: [] };
  await progress.writeProgress(last);
  expect(await progress.readProgress()).toEqual(last);
  expect(await server.item('sweep', 'progress')).toEqual({ pk: 'sweep', sk: 'progress', ...last });
});

test('an item that it cannot read, or a table that does not respond, is LedgerUnavailable', async () => {
  const { client, tableName } = server;
  const Item = marshall({ pk: 'sweep', sk: 'progress', upToMs: 'yesterday' });
  await client.send(new PutItemCommand({ TableName: tableName, Item }));
  await expect(createSweepProgress(server).readProgress()).rejects.toMatchObject({ name: 'LedgerUnavailable' });
  const absent = createSweepProgress({ client, tableName: 'absent' });
  await expect(absent.readProgress()).rejects.toMatchObject({ name: 'LedgerUnavailable' });
  await expect(absent.writeProgress({ upToMs: 1, failed: [] })).rejects.toMatchObject({ name: 'LedgerUnavailable' });
});
