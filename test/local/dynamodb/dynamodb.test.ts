import { connect } from 'node:net';
import {
  DescribeTableCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
} from '@aws-sdk/client-dynamodb';
import { afterEach, describe, expect, test } from '@jest/globals';
import { Tables } from '../../../local/dynamodb/dynamodb.ts';
import { REGION } from '../../../local/resolver.ts';
import { LOCAL_CREDENTIALS } from '../../../local/sqs/queues.ts';
import type { ResourceSource } from '../../support/assembly.ts';
import { resolverOf } from '../../support/running-platform.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** Runs tables of a template, with nothing around them. */
async function start(resources: Record<string, ResourceSource>) {
  const resolver = resolverOf(resources, ['AWS::DynamoDB::Table']);
  const tables = await Tables.start();
  cleanUps.push(() => tables.stop());
  tables.register(resolver);
  await tables.create(resolver);
  return { tables, resolver };
}

const key = (partition: string, sort: string) => [
  { AttributeName: partition, KeyType: 'HASH' },
  { AttributeName: sort, KeyType: 'RANGE' },
];

function table(properties: object = {}): ResourceSource {
  return {
    Type: 'AWS::DynamoDB::Table',
    Properties: {
      KeySchema: key('pk', 'sk'),
      AttributeDefinitions: ['pk', 'sk', 'listing', 'listed_at'].map((name) => ({
        AttributeName: name,
        AttributeType: 'S',
      })),
      GlobalSecondaryIndexes: [
        {
          IndexName: 'by-listing',
          KeySchema: key('listing', 'listed_at'),
          Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: ['state'] },
          ContributorInsightsSpecification: { Enabled: true },
          OnDemandThroughput: { MaxWriteRequestUnits: 10 },
        },
      ],
      BillingMode: 'PAY_PER_REQUEST',
      ...properties,
    },
  };
}

const item = { pk: { S: 'a' }, sk: { S: 'state' } };
const put = new PutItemCommand({ TableName: 'Items', Item: item, ConditionExpression: 'attribute_not_exists(pk)' });
const get = new GetItemCommand({ TableName: 'Items', Key: item });

describe("a table is the template's", () => {
  test('its keys, its conditions and its index work', async () => {
    const { tables } = await start({ Items: table() });
    const listed = {
      listing: { S: 'acme#2026' },
      listed_at: { S: '10:00' },
      state: { S: 'dead' },
      payload: { S: '…' },
    };
    await tables.client.send(new PutItemCommand({ TableName: 'Items', Item: { ...item, ...listed } }));
    await expect(tables.client.send(put)).rejects.toThrow(
      expect.objectContaining({ name: 'ConditionalCheckFailedException' }),
    );
    const { Items } = await tables.client.send(
      new QueryCommand({
        TableName: 'Items',
        IndexName: 'by-listing',
        KeyConditionExpression: 'listing = :listing AND begins_with(listed_at, :hour)',
        ExpressionAttributeValues: { ':listing': { S: 'acme#2026' }, ':hour': { S: '10:' } },
      }),
    );
    const { payload, ...projected } = { ...item, ...listed };
    expect(Items).toEqual([projected]);
  });

  test('Ref is its name, and Arn is what DynamoDB calls it', async () => {
    const { tables, resolver } = await start({ Items: table(), Other: table({ TableName: 'other-name' }) });
    expect(resolver.resolve([{ Ref: 'Items' }, { Ref: 'Other' }], 'here')).toEqual(['Items', 'other-name']);
    const { Table } = await tables.client.send(new DescribeTableCommand({ TableName: 'other-name' }));
    expect(resolver.resolve({ 'Fn::GetAtt': ['Other', 'Arn'] }, 'here')).toBe(Table?.TableArn);
    expect(tables.find('other-name')).toBe(tables.find('Other'));
    expect(() => tables.find('nothing')).toThrow('the template has no table nothing');
  });

  test('what only a real one does has no effect', async () => {
    const { tables } = await start({
      Items: table({
        TimeToLiveSpecification: { AttributeName: 'expires_at', Enabled: true },
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        SSESpecification: { SSEEnabled: true },
        DeletionProtectionEnabled: true,
        Tags: [{ Key: 'stage', Value: 'local' }],
      }),
    });
    const expired = { ...item, expires_at: { N: '1' } };
    await tables.client.send(new PutItemCommand({ TableName: 'Items', Item: expired }));
    expect((await tables.client.send(get)).Item).toEqual(expired);
  });

  test.each([
    ['StreamSpecification', { StreamViewType: 'NEW_IMAGE' }],
    ['LocalSecondaryIndexes', []],
    ['SomethingNew', true],
  ])('%s, which would do something, is refused', async (property, value) => {
    await expect(start({ Items: table({ [property]: value }) })).rejects.toThrow(
      `Items: ${property} of a table is not supported by the local platform`,
    );
  });

  test('what DynamoDB refuses is refused', async () => {
    await expect(start({ Items: table({ AttributeDefinitions: [] }) })).rejects.toThrow(
      expect.objectContaining({ name: 'ValidationException' }),
    );
  });
});

/** A client that tries once, and waits so long for an answer. */
function impatient(tables: Tables, requestTimeout: number): DynamoDBClient {
  const client = new DynamoDBClient({
    endpoint: tables.endpoint,
    region: REGION,
    credentials: LOCAL_CREDENTIALS,
    maxAttempts: 1,
    requestHandler: { requestTimeout, throwOnRequestTimeout: true },
  });
  cleanUps.push(() => client.destroy());
  return client;
}

describe('an outage', () => {
  test.each([
    ['down', /ECONNRESET|socket hang up/],
    ['hang', '300 ms'],
  ] as const)('%s: calls fail (%s); up again, nothing is lost', async (mode, error) => {
    const { tables } = await start({ Items: table() });
    const client = impatient(tables, 300);
    await client.send(put);
    await tables.setMode(mode);
    await expect(client.send(get)).rejects.toThrow(error);
    await tables.setMode('up');
    expect((await client.send(get)).Item).toEqual(item);
  });

  test('down: sockets that are open are closed', async () => {
    const { tables } = await start({ Items: table() });
    const socket = connect(Number(new URL(tables.endpoint).port), '127.0.0.1');
    await new Promise((resolve) => socket.once('connect', resolve));
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => {});
    await tables.setMode('down');
    await closed;
  });

  test('a client that goes away in the middle of its call does no harm', async () => {
    const { tables } = await start({ Items: table() });
    const { host, port } = new URL(tables.endpoint);
    for (const body of ['{"TableName": "Items"', '{"TableName": "Items", "Key": {}}']) {
      const socket = connect(Number(port), '127.0.0.1');
      const isWhole = body.endsWith('}}');
      const head = `POST / HTTP/1.1\r\nhost: ${host}\r\ncontent-length: ${isWhole ? body.length : 1_000}\r\n\r\n`;
      await new Promise<void>((resolve) => socket.write(head + body, () => resolve()));
      socket.resetAndDestroy();
    }
    await tables.client.send(put);
    expect((await tables.client.send(get)).Item).toEqual(item);
  });
});

describe('the server', () => {
  test('stops whatever is open or unanswered, and may be stopped twice', async () => {
    const { tables } = await start({ Items: table() });
    const client = impatient(tables, 10_000);
    await client.send(get);
    await tables.setMode('hang');
    const unanswered = expect(client.send(get)).rejects.toThrow(/ECONNRESET|socket hang up/);
    await Promise.all([tables.stop(), tables.stop()]);
    await unanswered;
    await expect(fetch(tables.endpoint)).rejects.toThrow();
  });

  test('a taken port is refused', async () => {
    const { tables } = await start({});
    const port = Number(new URL(tables.endpoint).port);
    await expect(Tables.start({ port })).rejects.toThrow('EADDRINUSE');
  });
});
