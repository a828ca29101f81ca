import {
  CreateTableCommand,
  DynamoDBClient,
  type DynamoDBClientConfig,
  GetItemCommand,
  type KeySchemaElement,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { LEDGER_TABLE } from '../../lambdas/ledger/record.ts';
import { createDynamoDbServer } from '../../local/dynamodb/dynamodb-server.ts';
import { listen } from '../../local/http-server.ts';

const TABLE_NAME = 'ledger';

export interface LedgerServer {
  readonly endpoint: string;
  readonly client: DynamoDBClient;
  readonly tableName: string;
  /** An item as it stands. */
  item(pk: string, sk: string): Promise<Record<string, unknown> | undefined>;
  close(): Promise<void>;
}

/** DynamoDB's protocol over real sockets, with the ledger's table in it, empty. */
export async function startLedgerServer(): Promise<LedgerServer> {
  const { url: endpoint, close } = await listen(createDynamoDbServer());
  const client = clientOf(endpoint);
  await createLedgerTableIn(client, TABLE_NAME);
  return {
    endpoint,
    client,
    tableName: TABLE_NAME,
    async item(pk, sk) {
      const key = marshall({ [LEDGER_TABLE.partitionKey]: pk, [LEDGER_TABLE.sortKey]: sk });
      const { Item } = await client.send(new GetItemCommand({ TableName: TABLE_NAME, Key: key, ConsistentRead: true }));
      return Item && unmarshall(Item);
    },
    async close() {
      client.destroy();
      await close();
    },
  };
}

/** A client of a server on this machine. */
export function clientOf(endpoint: string, options: DynamoDBClientConfig = {}): DynamoDBClient {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  return new DynamoDBClient({ endpoint, region: 'us-east-1', credentials, ...options });
}

/** Creates the table as the contract keys it. */
export async function createLedgerTableIn(client: DynamoDBClient, tableName: string): Promise<void> {
  const { partitionKey, sortKey, index } = LEDGER_TABLE;
  const keys = (partition: string, sort: string): KeySchemaElement[] => [
    { AttributeName: partition, KeyType: 'HASH' },
    { AttributeName: sort, KeyType: 'RANGE' },
  ];
  const keyNames = [partitionKey, sortKey, index.partitionKey, index.sortKey];
  const command = new CreateTableCommand({
    TableName: tableName,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: keyNames.map((name) => ({ AttributeName: name, AttributeType: 'S' })),
    KeySchema: keys(partitionKey, sortKey),
    GlobalSecondaryIndexes: [
      {
        IndexName: index.name,
        KeySchema: keys(index.partitionKey, index.sortKey),
        Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: [...index.attributes] },
      },
    ],
  });
  await client.send(command);
}
