import { connect } from 'node:net';
import { DynamoDBClient, GetItemCommand, PutItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { Tables } from '../../../local/dynamodb/dynamodb.ts';
import type { ResourceSource } from '../../support/assembly.ts';
import { clientOptions } from '../../support/client-options.ts';
import { resolverOf } from '../../support/running-platform.ts';

const key = (partition: string, sort: string) => [
  { AttributeName: partition, KeyType: 'HASH' },
  { AttributeName: sort, KeyType: 'RANGE' },
];
const names = ['pk', 'sk', 'listing', 'listed_at'];

function table(properties: object = {}): ResourceSource {
  return {
    Type: 'AWS::DynamoDB::Table',
    Properties: {
      KeySchema: key('pk', 'sk'),
      AttributeDefinitions: names.map((name) => ({ AttributeName: name, AttributeType: 'S' })),
      GlobalSecondaryIndexes: [
        {
          IndexName: 'by-listing',
          KeySchema: key('listing', 'listed_at'),
          Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: ['state'] },
        },
      ],
      BillingMode: 'PAY_PER_REQUEST',
      TimeToLiveSpecification: { AttributeName: 'expires_at', Enabled: true },
      ...properties,
    },
  };
}

async function create(tables: Tables, resources: Record<string, ResourceSource>): Promise<void> {
  const resolver = resolverOf(resources, ['AWS::DynamoDB::Table']);
  tables.register(resolver);
  await tables.create(resolver);
}

const item = { pk: { S: 'a' }, sk: { S: 'state' } };
const put = new PutItemCommand({ TableName: 'Items', Item: item, ConditionExpression: 'attribute_not_exists(pk)' });
const get = new GetItemCommand({ TableName: 'Items', Key: item });
const RESET = /ECONNRESET|socket hang up/;

let tables: Tables;
let impatient: DynamoDBClient;
beforeAll(async () => {
  tables = await Tables.start();
  await create(tables, { Items: table() });
  impatient = new DynamoDBClient({
    ...clientOptions(tables.endpoint),
    requestHandler: { requestTimeout: 300, throwOnRequestTimeout: true },
  });
});
afterEach(() => tables.setMode('up'));
afterAll(async () => {
  impatient.destroy();
  await tables.stop();
});

describe("a table is the template's", () => {
  test('its keys, its conditions and its index work', async () => {
    const more = { state: { S: 'dead' }, listing: { S: 'acme#2026' }, listed_at: { S: '10:00' }, payload: { S: '…' } };
    await tables.client.send(new PutItemCommand({ TableName: 'Items', Item: { ...item, ...more } }));
    const failed = { name: 'ConditionalCheckFailedException' };
    await expect(tables.client.send(put)).rejects.toMatchObject(failed);
    const { Items } = await tables.client.send(
      new QueryCommand({
        TableName: 'Items',
        IndexName: 'by-listing',
        KeyConditionExpression: 'listing = :listing AND begins_with(listed_at, :hour)',
        ExpressionAttributeValues: { ':listing': { S: 'acme#2026' }, ':hour': { S: '10:' } },
      }),
    );
    const { payload, ...projected } = { ...item, ...more };
    expect(Items).toEqual([projected]);
  });

  test('a property that would do something is refused', async () => {
    const Stream = table({ StreamSpecification: { StreamViewType: 'NEW_IMAGE' } });
    await expect(create(tables, { Stream })).rejects.toThrow(
      'Stream: StreamSpecification of a table is not supported by the local platform',
    );
  });
});

describe('an outage', () => {
  test.each([
    ['down', RESET],
    ['hang', '300 ms'],
  ] as const)('%s: calls fail (%s); up again, nothing is lost', async (mode, error) => {
    const before = await impatient.send(get);
    await tables.setMode(mode);
    await expect(impatient.send(get)).rejects.toThrow(error);
    await tables.setMode('up');
    expect((await impatient.send(get)).Item).toEqual(before.Item);
  });

  test('down: sockets that are open are closed', async () => {
    const socket = connect(Number(new URL(tables.endpoint).port), '127.0.0.1');
    await new Promise((resolve) => socket.once('connect', resolve));
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => {});
    await tables.setMode('down');
    await closed;
  });

  test('a client that disconnects in the middle of its call does no harm', async () => {
    const { host, port } = new URL(tables.endpoint);
    for (const body of ['{"TableName": "Items"', '{"TableName": "Items", "Key": {}}']) {
      const socket = connect(Number(port), '127.0.0.1');
      const isWhole = body.endsWith('}}');
      const head = `POST / HTTP/1.1\r\nhost: ${host}\r\ncontent-length: ${isWhole ? body.length : 1_000}\r\n\r\n`;
      await new Promise<void>((resolve) => socket.write(head + body, () => resolve()));
      socket.resetAndDestroy();
    }
    expect((await tables.client.send(get)).Item).toMatchObject(item);
  });
});

test('stop ends open and unanswered requests, and may be called twice', async () => {
  const stopped = await Tables.start();
  const client = new DynamoDBClient(clientOptions(stopped.endpoint));
  // Opens the socket that the unanswered request uses.
  await expect(client.send(get)).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  await stopped.setMode('hang');
  const unanswered = expect(client.send(get)).rejects.toThrow(RESET);
  await Promise.all([stopped.stop(), stopped.stop()]);
  await unanswered;
  client.destroy();
});
