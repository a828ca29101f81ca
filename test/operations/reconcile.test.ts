import type { AddressInfo } from 'node:net';
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Context } from 'aws-lambda';
import dynalite from 'dynalite';
import { createLedgerTable } from '../../lambdas/adapters/dynamodb/ledger-table.ts';
import { deliverySchema } from '../../lambdas/contract/delivery.ts';
import { LEDGER_TABLE } from '../../lambdas/contract/ledger.ts';
import type { LedgerTable } from '../../lambdas/contract/ledger-ports.ts';
import { reconcileReportSchema } from '../../lambdas/contract/reconciliation.ts';
import { eventOf, newRecord } from '../../lambdas/domain/ledger.ts';
import { handler } from '../../lambdas/operations/reconcile.ts';
import { type ControlPlane, startControlPlane } from '../../local/control-plane/server.ts';
import { ENRICHED, subject } from '../support/factories.ts';
import { variablesOf, wearEnvironment } from '../support/handler-wiring.ts';

const TABLE_NAME = 'ledger';
const HOUR = 3600_000;
const CONTEXT = { getRemainingTimeInMillis: () => 15 * 60_000 } as Context;
const ago = (ms: number) => new Date(Date.now() - ms).toISOString();

interface Sent {
  readonly QueueUrl: string;
  readonly Entries: readonly { Id: string; MessageBody: string; DelaySeconds?: number; MessageGroupId?: string }[];
}

const server = dynalite({ createTableMs: 0 });
const sent: Sent[] = [];
let plane: ControlPlane;
let table: LedgerTable;

beforeAll(async () => {
  plane = await startControlPlane();
  plane.appConfig.defineProfile('app', 'integrations', 'AWS.Freeform');
  const integrations = [{ id: 'acme', url: 'https://partner.example/hooks' }];
  plane.appConfig.deploy('app', 'live', 'integrations', JSON.stringify({ integrations }));
  plane.registerTarget('AmazonSQS', async (_operation, body) => {
    const batch = body as unknown as Sent;
    sent.push(batch);
    return { Successful: batch.Entries.map(({ Id }) => ({ Id, MessageId: Id })), Failed: [] };
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  wearEnvironment({
    ...variablesOf(plane.endpoint),
    AWS_ENDPOINT_URL_APPCONFIGDATA: plane.endpoint,
    AWS_ENDPOINT_URL_DYNAMODB: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    APPCONFIG_APPLICATION_ID: 'app',
    INTEGRATIONS_ENVIRONMENT_ID: 'live',
    INTEGRATIONS_PROFILE_ID: 'integrations',
    LEDGER_TABLE_NAME: TABLE_NAME,
    LEDGER_PAYLOAD_DAYS: '30',
    LEDGER_FACTS_DAYS: '400',
    DELIVERIES_QUEUE_URL: `${plane.endpoint}/000000000000/deliveries`,
    DELIVERIES_DEAD_LETTER_QUEUE_URL: `${plane.endpoint}/000000000000/dead`,
  });
  table = await createTable();
});

afterAll(async () => {
  await plane.close();
  await new Promise((closed) => server.close(closed));
});

/** The table as `lib/` makes it. */
async function createTable(): Promise<LedgerTable> {
  const client = new DynamoDBClient();
  const { partitionKey, sortKey, index } = LEDGER_TABLE;
  const key = (hash: string, range: string) => [
    { AttributeName: hash, KeyType: 'HASH' as const },
    { AttributeName: range, KeyType: 'RANGE' as const },
  ];
  const names = [partitionKey, sortKey, index.partitionKey, index.sortKey];
  await client.send(
    new CreateTableCommand({
      TableName: TABLE_NAME,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: names.map((AttributeName) => ({ AttributeName, AttributeType: 'S' as const })),
      KeySchema: key(partitionKey, sortKey),
      GlobalSecondaryIndexes: [
        {
          IndexName: index.name,
          KeySchema: key(index.partitionKey, index.sortKey),
          Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: [...index.attributes] },
        },
      ],
    }),
  );
  return createLedgerTable({ client, tableName: TABLE_NAME, payloadDays: 30, factsDays: 400 });
}

test('finds in the real table what is lost, what may go and what has had its time', async () => {
  const accepted = ['lost', 'resting', 'over', 'delivered'].map((event_id) =>
    subject({ event_id, accepted_at: ago(event_id === 'over' ? 75 * HOUR : HOUR) }),
  );
  const [lost, resting, over, delivered] = accepted as [(typeof accepted)[0], ...typeof accepted] as typeof accepted;
  await table.keepEvents(accepted.map((one) => eventOf(one, Date.now())));
  for (const [one, state, parked_since] of [
    [resting, 'parked', ago(HOUR)],
    [over, 'parked', ago(73 * HOUR)],
    [delivered, 'delivered', undefined],
  ] as const) {
    const record = newRecord(one as (typeof accepted)[0], Date.now());
    const parked = parked_since === undefined ? {} : ({ parked_since, parked_for: 'paused' } as const);
    await table.replace({ ...record, ...parked, state, enrichment: ENRICHED, version: 1 });
  }

  const report = await handler({ days: 5 }, CONTEXT);
  expect(reconcileReportSchema.parse(report)).toMatchObject({
    accepted: 4,
    states: { delivered: 1, parked: 2 },
    unbalanced: 1,
    stuck: [{ webhook_id: lost?.webhook_id, action: 'republished' }],
    ...{ republished: 1, released: 1, ended: 1, failed: 0, is_complete: true },
  });
  const idsIn = (queue: string) =>
    sent
      .filter(({ QueueUrl }) => QueueUrl.endsWith(queue))
      .flatMap(({ Entries }) => Entries.map(({ MessageBody }) => deliverySchema.parse(JSON.parse(MessageBody))))
      .map(({ webhook_id, generation }) => `${webhook_id} ${generation}`);
  expect(idsIn('/deliveries')).toEqual([`${lost?.webhook_id} 1`, `${resting?.webhook_id} 1`]);
  expect(idsIn('/dead')).toEqual([`${over?.webhook_id} 1`]);

  const again = await handler({ days: 5 }, CONTEXT);
  expect(again).toMatchObject({ accepted: 4, states: { delivered: 1, dead: 1 }, in_flight: 2, is_balanced: true });
});

test('refuses what it does not understand', async () => {
  await expect(handler({ hours: 3 }, CONTEXT)).rejects.toMatchObject({ name: 'ReconcileInputInvalid' });
});
