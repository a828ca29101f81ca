import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { json } from 'node:stream/consumers';
import dynalite from 'dynalite';

const PROTOCOL = 'DynamoDB_20120810';

/** Largest number of statements of a call. */
const MAX_STATEMENTS = 25;

/** Longest statement, in characters. */
const MAX_STATEMENT_CHARACTERS = 8192;

interface Statement {
  readonly Statement: string;
  readonly Parameters?: readonly unknown[];
}

interface Insert {
  readonly tableName: string;
  readonly item: Readonly<Record<string, unknown>>;
  /** Whether every attribute has a parameter. */
  readonly isComplete: boolean;
}

interface KeyedInsert extends Insert {
  /** Names of the table's keys, the partition key first; none if there is no such table. */
  readonly keys: readonly string[];
}

/** What happened to a statement, in DynamoDB's own words. */
interface StatementResponse {
  readonly TableName?: string;
  readonly Error?: { readonly Code: string; readonly Message: string };
}

interface Result {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: any operation's output.
  readonly body: any;
}

/** Makes another call, on behalf of the same request. */
type Call = (operation: string, input: object) => Promise<Result>;

/**
 * DynamoDB's protocol, in memory: dynalite, and `BatchExecuteStatement`, which dynalite lacks, for `INSERT` statements with a
 * parameter for each attribute. Limits, codes and messages are those of DynamoDB Local
 * (`test/conformance/dynamodb-local.test.ts`).
 */
export function createDynamoDbServer(): Server {
  const server = dynalite({ createTableMs: 0 });
  const [handle] = server.listeners('request') as [RequestListener];
  server.removeAllListeners('request').on('request', (request: IncomingMessage, response: ServerResponse) => {
    if (request.headers['x-amz-target'] !== `${PROTOCOL}.BatchExecuteStatement`) return handle(request, response);
    const call: Call = (operation, input) => callInside(handle, request, operation, input);
    executeStatements(request, call).then(
      ({ status, body }) => {
        response.statusCode = status;
        // Without `writeHead`, so that Node states the length, as DynamoDB does.
        response.setHeader('content-type', 'application/x-amz-json-1.0').end(JSON.stringify(body));
      },
      // The client has disconnected before its request was complete.
      () => response.destroy(),
    );
  });
  return server;
}

async function executeStatements(request: IncomingMessage, call: Call): Promise<Result> {
  const { Statements = [] } = (await json(request)) as { Statements?: readonly Statement[] };
  if (Statements.length === 0) return invalid('Member must have length greater than or equal to 1');
  if (Statements.length > MAX_STATEMENTS) return invalid('BatchWriteItem cannot write more than 25 items');
  if (Statements.some(({ Statement }) => Statement.length > MAX_STATEMENT_CHARACTERS)) {
    return invalid(`Member must have length less than or equal to ${MAX_STATEMENT_CHARACTERS}`);
  }
  const inserts: KeyedInsert[] = [];
  for (const statement of Statements) {
    const insert = insertOf(statement);
    if (insert === undefined)
      return invalid('the local table supports INSERT with a parameter for each attribute only');
    inserts.push({ ...insert, keys: await keysOf(insert.tableName, call) });
  }
  const written = inserts
    .filter(({ isComplete, keys }) => isComplete && keys.length > 0)
    .map(({ tableName, keys, item }) => JSON.stringify([tableName, ...keys.map((name) => item[name])]));
  if (new Set(written).size < written.length) return invalid('Provided list of item keys contains duplicates');
  const Responses: StatementResponse[] = [];
  for (const insert of inserts) Responses.push(await execute(insert, call));
  return { status: 200, body: { Responses } };
}

async function keysOf(tableName: string, call: Call): Promise<readonly string[]> {
  const { status, body } = await call('DescribeTable', { TableName: tableName });
  return status === 200
    ? body.Table.KeySchema.map(({ AttributeName }: { AttributeName: string }) => AttributeName)
    : [];
}

/** Reads `INSERT INTO "table" VALUE {'attribute': ?, …}`. @returns undefined for every other statement */
function insertOf({ Statement, Parameters = [] }: Statement): Insert | undefined {
  const [, tableName, attributes] =
    /^INSERT INTO "([\w.-]+)" VALUE \{('[^']+': \?(?:, '[^']+': \?)*)\}$/.exec(Statement) ?? [];
  if (tableName === undefined || attributes === undefined) return undefined;
  const names = [...attributes.matchAll(/'([^']+)'/g)].map(([, name]) => name as string);
  const item = Object.fromEntries(names.map((name, at) => [name, Parameters[at]]));
  return { tableName, item, isComplete: names.length === Parameters.length };
}

async function execute({ tableName, item, isComplete, keys }: KeyedInsert, call: Call): Promise<StatementResponse> {
  if (!isComplete) return failed('ValidationError', "Number of parameters in request and statement don't match.");
  if (keys.length === 0) return failed('ResourceNotFound', 'Cannot do operations on a non-existent table');
  const { status, body } = await call('PutItem', {
    TableName: tableName,
    Item: item,
    ConditionExpression: 'attribute_not_exists(#key)',
    ExpressionAttributeNames: { '#key': keys[0] },
  });
  if (status === 200) return { TableName: tableName };
  const name = String(body.__type).replace(/^.*#|Exception$/g, '');
  if (name === 'ConditionalCheckFailed')
    return failed('DuplicateItem', 'Duplicate primary key exists in table', tableName);
  return failed(name === 'Validation' ? 'ValidationError' : name, String(body.message), tableName);
}

function failed(Code: string, Message: string, TableName?: string): StatementResponse {
  return { ...(TableName !== undefined && { TableName }), Error: { Code, Message } };
}

function invalid(message: string): Result {
  return { status: 400, body: { __type: 'com.amazon.coral.validate#ValidationException', message } };
}

/** Calls dynalite without a connection. */
function callInside(
  handle: RequestListener,
  { headers }: IncomingMessage,
  operation: string,
  input: object,
): Promise<Result> {
  return new Promise((resolve) => {
    const request = Object.assign(Readable.from([Buffer.from(JSON.stringify(input))]), {
      method: 'POST',
      url: '/',
      headers: { ...headers, 'x-amz-target': `${PROTOCOL}.${operation}` },
    });
    const response = {
      statusCode: 200,
      setHeader: () => undefined,
      end(body: string) {
        resolve({ status: response.statusCode, body: JSON.parse(body) });
      },
    };
    handle(request as unknown as IncomingMessage, response as unknown as ServerResponse);
  });
}
