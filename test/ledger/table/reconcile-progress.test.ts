import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createReconcileProgress } from '../../../lambdas/ledger/table/reconcile-progress.ts';
import { type LedgerServer, startLedgerServer } from '../../support/dynamodb.ts';

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedgerServer();
});
afterAll(() => server.close());

test('is undefined at first, and then as written last', async () => {
  const progress = createReconcileProgress(server);
  expect(await progress.read()).toBeUndefined();
  await progress.write({ listedUntilMs: 1, listedDays: [], reviewedAtMs: 2, lastDelivered: {} });
  const last = {
    listedUntilMs: 1_768_478_400_123,
    listedDays: ['2026-01-15#acme'],
    reviewedAtMs: 3,
    lastDelivered: { acme: 1_768_478_400_000 },
  };
  await progress.write(last);
  expect(await progress.read()).toEqual(last);
  expect(await server.item('reconciler', 'progress')).toEqual({ pk: 'reconciler', sk: 'progress', ...last });
});

test('is undefined if the item does not fit: a run starts over, and skips nothing', async () => {
  const { client, tableName } = server;
  const Item = marshall({ pk: 'reconciler', sk: 'progress', listedUntilMs: 'yesterday' });
  await client.send(new PutItemCommand({ TableName: tableName, Item }));
  expect(await createReconcileProgress(server).read()).toBeUndefined();
});

test('a table that does not respond is LedgerUnavailable', async () => {
  const absent = createReconcileProgress({ client: server.client, tableName: 'absent' });
  await expect(absent.read()).rejects.toMatchObject({ name: 'LedgerUnavailable' });
  const progress = { listedUntilMs: 1, listedDays: [], reviewedAtMs: 1, lastDelivered: {} };
  await expect(absent.write(progress)).rejects.toMatchObject({ name: 'LedgerUnavailable' });
});
