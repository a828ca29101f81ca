import {
  type AttributeValue,
  BatchExecuteStatementCommand,
  type BatchExecuteStatementCommandInput,
  type BatchExecuteStatementCommandOutput,
  BatchGetItemCommand,
  type BatchGetItemCommandInput,
  type BatchGetItemCommandOutput,
  BatchWriteItemCommand,
  type BatchWriteItemCommandInput,
  type BatchWriteItemCommandOutput,
  type DynamoDBClient,
  GetItemCommand,
  type GetItemCommandInput,
  type GetItemCommandOutput,
  PutItemCommand,
  type PutItemCommandInput,
  type PutItemCommandOutput,
  paginateQuery,
  paginateScan,
  QueryCommand,
  type QueryCommandInput,
  type ScanCommandInput,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { errorName, LedgerUnavailable } from '../../shared/errors.ts';
import type { CountOptions } from '../ports.ts';

/** An item before it is marshalled. Undefined attributes are not written. */
export type Item = Readonly<Record<string, unknown>>;

type Exchange<Input, Output> = { readonly input: Input; readonly output: Omit<Output, '$metadata'> };

/** DynamoDB's operations on items by their keys. */
interface ItemOperations {
  readonly BatchExecuteStatement: Exchange<BatchExecuteStatementCommandInput, BatchExecuteStatementCommandOutput>;
  readonly BatchGetItem: Exchange<BatchGetItemCommandInput, BatchGetItemCommandOutput>;
  readonly BatchWriteItem: Exchange<BatchWriteItemCommandInput, BatchWriteItemCommandOutput>;
  readonly GetItem: Exchange<GetItemCommandInput, GetItemCommandOutput>;
  readonly PutItem: Exchange<PutItemCommandInput, PutItemCommandOutput>;
}
export type ItemOperation = keyof ItemOperations;

/** Makes one call, with retries. @throws an error with the name of DynamoDB's, or of the connection's */
export type CallDynamoDb = <Name extends ItemOperation>(
  operation: Name,
  input: ItemOperations[Name]['input'],
) => Promise<ItemOperations[Name]['output']>;

/** A table whose items are read and written by key. */
export interface ItemsAddress {
  readonly call: CallDynamoDb;
  readonly tableName: string;
}

/** A table that is queried. */
export interface TableAddress {
  readonly client: DynamoDBClient;
  readonly tableName: string;
}

const COMMANDS = {
  BatchExecuteStatement: BatchExecuteStatementCommand,
  BatchGetItem: BatchGetItemCommand,
  BatchWriteItem: BatchWriteItemCommand,
  GetItem: GetItemCommand,
  PutItem: PutItemCommand,
} as const satisfies Readonly<Record<ItemOperation, unknown>>;

/** The items of a table through the SDK's client. */
export function itemsThroughSdk({ client, tableName }: TableAddress): ItemsAddress {
  type Command = InstanceType<(typeof COMMANDS)[ItemOperation]>;
  const call = (operation: ItemOperation, input: object) =>
    client.send(new (COMMANDS[operation] as new (input: object) => Command)(input) as GetItemCommand);
  return { call: call as CallDynamoDb, tableName };
}

/** A condition on the item that a put replaces. */
export interface Condition {
  readonly expression: string;
  readonly names: Readonly<Record<string, string>>;
  readonly values?: Item;
}

export type TableQuery = Omit<QueryCommandInput, 'TableName'>;

export const MARSHALL_OPTIONS = { removeUndefinedValues: true } as const;

/** Reads an item with strong consistency. @throws LedgerUnavailable */
export async function getItem(
  operation: string,
  key: Item,
  { call, tableName }: ItemsAddress,
): Promise<Item | undefined> {
  const input = { TableName: tableName, Key: marshall(key), ConsistentRead: true };
  const { Item: found } = await reach(operation, () => call('GetItem', input));
  return found && unmarshall(found);
}

/** @returns false if `condition` does not hold @throws LedgerUnavailable */
export async function putItem(
  operation: string,
  item: Item,
  { call, tableName }: ItemsAddress,
  condition?: Condition,
): Promise<boolean> {
  const input = {
    TableName: tableName,
    Item: marshall(item, MARSHALL_OPTIONS),
    ...(condition && {
      ConditionExpression: condition.expression,
      ExpressionAttributeNames: condition.names,
      ...(condition.values && { ExpressionAttributeValues: marshall(condition.values) }),
    }),
  };
  try {
    await call('PutItem', input);
    return true;
  } catch (thrown) {
    if (errorName(thrown) === 'ConditionalCheckFailedException') return false;
    throw unavailable(operation, thrown);
  }
}

/** The pages of a query. @throws LedgerUnavailable */
export function queryPages(operation: string, query: TableQuery, table: TableAddress, options: CountOptions = {}) {
  const { client, tableName } = table;
  // The paginator writes the start key of the next page into its input.
  return pagesOf(operation, paginateQuery({ client }, { TableName: tableName, ...query }, options));
}

/** The items of a query, page by page. @throws LedgerUnavailable */
export async function* queryItems(operation: string, query: TableQuery, table: TableAddress): AsyncGenerator<Item[]> {
  for await (const { Items = [] } of queryPages(operation, query, table)) yield Items.map((item) => unmarshall(item));
}

/** The items of a query's first page: with `Limit`, at most that many. @throws LedgerUnavailable */
export async function queryFirstPage(
  operation: string,
  query: TableQuery,
  { client, tableName }: TableAddress,
  options: CountOptions = {},
): Promise<Item[]> {
  const command = new QueryCommand({ TableName: tableName, ...query });
  const { Items = [] } = await reach(operation, () => client.send(command, options));
  return Items.map((item) => unmarshall(item));
}

/** One page of a query. */
export interface QueryPage {
  readonly items: readonly Item[];
  /** Items that were read, whether or not they match the filter. */
  readonly rowsRead: number;
  readonly readUnits: number;
  /** Absent after the last page. */
  readonly lastKey: Record<string, AttributeValue> | undefined;
}

/** Reads one page of a query, which has at most its `Limit` of items before they are filtered. @throws LedgerUnavailable */
export async function queryPage(
  operation: string,
  query: TableQuery,
  { client, tableName }: TableAddress,
  { abortSignal }: { readonly abortSignal?: AbortSignal | undefined } = {},
): Promise<QueryPage> {
  const command = new QueryCommand({ TableName: tableName, ...query, ReturnConsumedCapacity: 'TOTAL' });
  const options = abortSignal === undefined ? {} : { abortSignal };
  const page = await reach(operation, () => client.send(command, options));
  return {
    items: (page.Items ?? []).map((item) => unmarshall(item)),
    rowsRead: page.ScannedCount ?? 0,
    readUnits: page.ConsumedCapacity?.CapacityUnits ?? 0,
    lastKey: page.LastEvaluatedKey,
  };
}

/** Counts the items that match the queries, which run in parallel. @throws LedgerUnavailable */
export async function countItems(
  operation: string,
  queries: readonly TableQuery[],
  table: TableAddress,
  options?: CountOptions,
): Promise<number> {
  const pages = queries.map((query) => queryPages(operation, { ...query, Select: 'COUNT' }, table, options));
  let count = 0;
  for await (const { Count = 0 } of inParallel(pages)) count += Count;
  return count;
}

/** The pages of a scan. @throws LedgerUnavailable */
export function scanPages(
  operation: string,
  scan: Omit<ScanCommandInput, 'TableName'>,
  table: TableAddress,
  abortSignal?: AbortSignal,
) {
  const { client, tableName } = table;
  const options = abortSignal === undefined ? {} : { abortSignal };
  return pagesOf(operation, paginateScan({ client }, { TableName: tableName, ...scan }, options));
}

async function* pagesOf<T>(operation: string, pages: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* pages;
  } catch (thrown) {
    throw unavailable(operation, thrown);
  }
}

/**
 * Merges generators, and yields each value as soon as it is available. Each generator has one step in progress: the next step
 * starts before the last result is yielded. When a consumer stops early, only the steps in progress still run.
 */
export async function* inParallel<T>(sources: readonly AsyncGenerator<T>[]): AsyncGenerator<T> {
  const steps = new Map<AsyncGenerator<T>, Promise<{ source: AsyncGenerator<T>; step: IteratorResult<T> }>>();
  const proceed = (source: AsyncGenerator<T>) => {
    const next = source.next().then((step) => ({ source, step }));
    // If the consumer has stopped, nothing else handles the rejection.
    next.catch(() => undefined);
    steps.set(source, next);
  };
  for (const source of sources) proceed(source);
  while (steps.size > 0) {
    const { source, step } = await Promise.race(steps.values());
    if (step.done) steps.delete(source);
    else {
      proceed(source);
      yield step.value;
    }
  }
}

/** @throws LedgerUnavailable for anything that `call` throws */
export async function reach<T>(operation: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (thrown) {
    throw unavailable(operation, thrown);
  }
}

/** The ledger's error for a failed call. It names the operation and the error, and never contains a value. */
export function unavailable(operation: string, cause: unknown): LedgerUnavailable {
  if (cause instanceof LedgerUnavailable) return cause;
  const { code } = (cause ?? {}) as { code?: unknown };
  const name = errorName(cause);
  // For a failed connection the SDK throws Node's error, whose code is more specific than its name.
  const isNodes = ['Error', 'AggregateError'].includes(name) && typeof code === 'string';
  return new LedgerUnavailable(`${operation}: ${isNodes ? code : name}`, { cause });
}

/**
 * Errors about one key or one request, and not about the table. DynamoDB throttles a partition with too many writes while all
 * others respond (Developer Guide, "Error handling with DynamoDB").
 */
const OF_ONE_CALL: ReadonlySet<string> = new Set([
  'ProvisionedThroughputExceededException',
  'ThrottlingException',
  'RequestLimitExceeded',
  'ValidationException',
  'SerializationException',
]);

/** Whether an error means that the table responds to no calls. */
export function isTableFault(thrown: unknown): boolean {
  // Without a cause, DynamoDB responded: it left requests unprocessed, which is throttling, or an item is unreadable.
  if (!(thrown instanceof LedgerUnavailable) || thrown.cause === undefined) return false;
  return !OF_ONE_CALL.has(errorName(thrown.cause));
}
