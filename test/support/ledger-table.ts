import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, beforeEach } from '@jest/globals';
import type { DeliveryTable, LedgerTable } from '../../lambdas/ledger/ports.ts';
import { createDeliveryTable, createLedgerTable } from '../../lambdas/ledger/table/ledger-table.ts';
import { itemsThroughSdk } from '../../lambdas/ledger/table/table-calls.ts';
import { clientOf, type LedgerServer, startLedgerServer } from './dynamodb.ts';
import { NOW } from './factories.ts';
import { type FrontServer, startFrontServer } from './front-server.ts';

interface TestTable {
  readonly server: LedgerServer;
  readonly front: FrontServer;
  readonly client: DynamoDBClient;
  readonly table: LedgerTable;
  /** The same table, as a function has it. */
  deliveryTable(): DeliveryTable;
  nowMs: number;
}

/** A table behind a front for all tests of a file. Before each test its clock is at `NOW`, and every call passes. */
export function sharedLedgerTable(maxAttempts = 1): TestTable {
  const used = { nowMs: NOW } as { -readonly [Name in keyof TestTable]: TestTable[Name] };
  beforeAll(async () => {
    used.server = await startLedgerServer();
    used.front = await startFrontServer(used.server.endpoint);
    used.client = clientOf(used.front.endpoint, { maxAttempts });
    const { client } = used;
    const { tableName } = used.server;
    const retention = { payloadDays: 30, factsDays: 400 };
    used.table = createLedgerTable({ client, tableName, ...retention, now: () => used.nowMs });
    used.deliveryTable = () => createDeliveryTable({ ...itemsThroughSdk({ client, tableName }), ...retention });
  });
  beforeEach(() => {
    used.nowMs = NOW;
    used.front.decide(() => 'pass');
    used.front.calls.length = 0;
  });
  afterAll(async () => {
    used.client.destroy();
    await used.front.close();
    await used.server.close();
  });
  return used;
}
