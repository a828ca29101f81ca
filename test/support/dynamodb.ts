import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import {
  CreateTableCommand,
  DynamoDBClient,
  type DynamoDBClientConfig,
  GetItemCommand,
  type KeySchemaElement,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import dynalite from 'dynalite';
import { LEDGER_TABLE } from '../../lambdas/contract/ledger.ts';

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
  const server = dynalite({ createTableMs: 0 });
  const endpoint = await listen(server);
  const client = clientOf(endpoint);
  await client.send(createTable(TABLE_NAME));
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
      await closed(server);
    },
  };
}

/** A client of a server on this machine. */
export function clientOf(endpoint: string, options: DynamoDBClientConfig = {}): DynamoDBClient {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  return new DynamoDBClient({ endpoint, region: 'us-east-1', credentials, ...options });
}

/** The table as the contract keys it. */
function createTable(tableName: string): CreateTableCommand {
  const { partitionKey, sortKey, index } = LEDGER_TABLE;
  const keys = (partition: string, sort: string): KeySchemaElement[] => [
    { AttributeName: partition, KeyType: 'HASH' },
    { AttributeName: sort, KeyType: 'RANGE' },
  ];
  const keyNames = [partitionKey, sortKey, index.partitionKey, index.sortKey];
  return new CreateTableCommand({
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
}

/** A call that passes the front. */
export interface TableCall {
  /** `PutItem`, `BatchWriteItem`, … */
  readonly operation: string;
  // biome-ignore lint/suspicious/noExplicitAny: whatever the SDK sends, for tests to pick from.
  readonly input: any;
}

/**
 * What becomes of a call: passed on; never answered; passed on and the answer lost with the connection; passed on with
 * another input or answered with another output; or answered by the front itself.
 */
export type Fate =
  | 'pass'
  | 'hang'
  | 'lose'
  | { readonly input: unknown; output?(answer: Record<string, unknown>): unknown }
  | { readonly status: number; readonly answer: unknown };

export interface TableFront {
  readonly endpoint: string;
  /** Every call so far. */
  readonly calls: TableCall[];
  /** Decides what becomes of calls from now on; all pass until it is told. */
  decide(fate: (call: TableCall, position: number) => Fate): void;
  close(): Promise<void>;
}

/** A server in front of the table's: it sees every call, and misbehaves when told to. */
export async function startTableFront(upstream: string): Promise<TableFront> {
  const calls: TableCall[] = [];
  let fateOf: (call: TableCall, position: number) => Fate = () => 'pass';
  const server = createServer(async (incoming, outgoing) => {
    const body = await buffer(incoming);
    const call = {
      operation: String(incoming.headers['x-amz-target']).split('.')[1] ?? '',
      input: JSON.parse(body.toString()),
    };
    const fate = fateOf(call, calls.push(call) - 1);
    // It fails when the client goes away first: nobody is left to tell.
    answerAs(fate, upstream, { incoming, outgoing, body }).catch(() => incoming.socket.destroy());
  });
  const endpoint = await listen(server);
  return {
    endpoint,
    calls,
    decide(fate) {
      fateOf = fate;
    },
    close: () => closed(server),
  };
}

interface Exchange {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly body: Buffer;
}

async function answerAs(fate: Fate, upstream: string, { incoming, outgoing, body }: Exchange): Promise<void> {
  if (fate === 'hang') return;
  if (typeof fate === 'object' && 'status' in fate) return answer(outgoing, fate.status, fate.answer);
  const sent = typeof fate === 'object' ? Buffer.from(JSON.stringify(fate.input)) : body;
  const { status, text } = await passOn(upstream, incoming, sent);
  if (fate === 'lose') return void incoming.socket.destroy();
  const output = typeof fate === 'object' ? fate.output : undefined;
  answer(outgoing, status, output === undefined ? JSON.parse(text) : output(JSON.parse(text)));
}

function answer(outgoing: ServerResponse, status: number, content: unknown): void {
  outgoing.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' });
  outgoing.end(JSON.stringify(content));
}

async function passOn(upstream: string, { method, headers, url = '/' }: IncomingMessage, body: Buffer) {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const sentHeaders = { ...headers, 'content-length': String(body.length) };
  request(new URL(url, upstream), { method, headers: sentHeaders, agent: false }, resolve)
    .on('error', reject)
    .end(body);
  const received = await promise;
  return { status: received.statusCode ?? 500, text: (await buffer(received)).toString() };
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function closed(server: Server): Promise<void> {
  const done = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  await done;
}
