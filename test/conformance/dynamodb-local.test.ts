import { BatchExecuteStatementCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { claimDelivery } from '../../lambdas/ledger/table/claim-and-settle.ts';
import { createDeliveryTable } from '../../lambdas/ledger/table/ledger-table.ts';
import type { CallDynamoDb } from '../../lambdas/ledger/table/table-calls.ts';
import { openClient } from '../../lambdas/shared/aws-clients.ts';
import { CLIENT_WAITS } from '../../lambdas/shared/io-deadlines.ts';
import { DYNAMODB, SignedClient } from '../../lambdas/shared/signed-client.ts';
import { clientOf, createLedgerTableIn, type LedgerServer, startLedgerServer } from '../support/dynamodb.ts';
import { type DynamoDbLocal, missingDynamoDbLocal, startDynamoDbLocal } from '../support/dynamodb-local.ts';
import { delivery, ENRICHED } from '../support/factories.ts';
import { describeWithPart } from '../support/optional-part.ts';
import { listeningAddresses } from '../support/processes.ts';
import { EXPECTED, readsAfter } from '../support/reconcile-reads.ts';

/** The ledger's calls, in a DynamoDB that Amazon wrote; the local table's `BatchExecuteStatement` responds as it does. */
describeWithPart('DynamoDB Local', missingDynamoDbLocal(), () => {
  let amazons: DynamoDbLocal;
  let client: DynamoDBClient;
  let own: LedgerServer;

  beforeAll(async () => {
    [amazons, own] = await Promise.all([startDynamoDbLocal(), startLedgerServer()]);
    client = clientOf(amazons.endpoint);
    await createLedgerTableIn(client, own.tableName);
  }, 60_000);
  afterAll(async () => {
    client.destroy();
    await Promise.all([amazons.stop(), own.close()]);
  });

  test('listens on the loopback interface only', () => {
    const addresses = listeningAddresses(amazons.pid) ?? [];
    expect(addresses).not.toEqual([]);
    // The kernel’s notation of ::ffff:127.0.0.1, which Java uses.
    for (const address of addresses) expect(['127.0.0.1', '0000000000000000FFFF00000100007F']).toContain(address);
  });

  const names = "{'pk': ?, 'sk': ?, 'attempts': ?, 'times': ?, 'version': ?}";
  const insert = (pk: string, more: object = {}) => ({
    Statement: `INSERT INTO "ledger" VALUE ${names}`,
    Parameters: [{ S: pk }, { S: 'state' }, { L: [] }, { M: { accepted: { N: '1' } } }, { N: '1' }],
    ...more,
  });

  test.each([
    ['new items', [insert('a'), insert('b')]],
    ['one that exists', [insert('c'), insert('a'), insert('d')]],
    ['the same key twice', [insert('e'), insert('e')]],
    ['a missing parameter', [insert('f', { Parameters: [{ S: 'f' }] }), insert('g')]],
    ['an empty key', [insert(''), insert('h')]],
    ['no such table', [insert('i', { Statement: `INSERT INTO "other" VALUE ${names}` }), insert('j')]],
    ['26 statements', Array.from({ length: 26 }, (_, at) => insert(`k${at}`))],
    ['a statement of 8,193 characters', [insert('l', { Statement: 'x'.repeat(8193) })]],
  ])('the local table responds alike: %s', async (_what, Statements) => {
    const results = await Promise.all(
      [client, own.client].map((each) =>
        each.send(new BatchExecuteStatementCommand({ Statements })).then(
          ({ Responses = [] }) => Responses.map((response) => response.Error?.Code ?? 'done'),
          ({ name, message }: Error) => `${name}: ${message.slice(0, 20)}`,
        ),
      ),
    );
    expect(results[1]).toEqual(results[0]);
  });

  test('claims of several functions at the same time are granted once each', async () => {
    const signed = openClient(SignedClient, CLIENT_WAITS.command, {
      ...{ service: DYNAMODB, region: 'us-east-1', endpoint: amazons.endpoint },
      credentials: async () => ({ accessKeyId: 'test', secretAccessKey: 'test' }),
    });
    const calls: string[] = [];
    const call = ((operation, input) => {
      calls.push(operation);
      return signed.send({ operation, input });
    }) as CallDynamoDb;
    const deliveries = Array.from({ length: 10 }, (_, at) => delivery(ENRICHED, { event_id: `event-${at}` }));
    const claims = await Promise.all(
      ['one', 'two', 'three'].map((claimedBy) => {
        const table = createDeliveryTable({ call, tableName: own.tableName, payloadDays: 30, factsDays: 400 });
        return Promise.all(deliveries.map((each) => claimDelivery(each, 40_000, { table, claimedBy, now: Date.now })));
      }),
    );
    for (const at of deliveries.keys()) {
      expect(claims.map((all) => all[at]?.verdict).toSorted()).toEqual(['busy', 'busy', 'claimed']);
    }
    expect(calls.filter((operation) => operation === 'BatchExecuteStatement')).toHaveLength(3);
    signed.destroy();
  });

  test('a scheduled run of the reconciler reads as many units after 10 times the history, and finds the same', async () => {
    const reads: number[] = [];
    for (const closed of [5, 50]) {
      const tableName = `history-${closed}`;
      await createLedgerTableIn(client, tableName);
      const { report, units } = await readsAfter(closed, { client, tableName });
      expect(report).toMatchObject(EXPECTED);
      reads.push(units);
    }
    const [first = 0, second = 0] = reads;
    expect(first).toBeGreaterThan(20);
    expect(Math.abs(second - first)).toBeLessThanOrEqual(1);
  }, 60_000);
});
