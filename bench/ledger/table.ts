import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { LEDGER_TABLE } from '../../lambdas/ledger/record.ts';
import { answerServerOrders, listen } from '../worker.ts';

/**
 * The table's operations of the happy path. It responds `TABLE_LATENCY_MS` after a request, whatever the concurrency. The local
 * platform's DynamoDB would be the bottleneck: it takes a millisecond for each claim, one after another.
 */
export interface TableUse {
  /** Duration of each response since the last call; far over the latency means that the table is overloaded. */
  readonly responseMs: readonly number[];
}

const latencyMs = Number(process.env.TABLE_LATENCY_MS);
type Item = Readonly<Record<string, { readonly S?: string }>>;

interface Refusal {
  readonly refusal: string;
}

const { partitionKey, sortKey } = LEDGER_TABLE;
const items = new Map<string, Item>();

function keyText(item: Item): string {
  return `${item[partitionKey]?.S} ${item[sortKey]?.S}`;
}

// biome-ignore lint/suspicious/noExplicitAny: anything that the SDK sends.
type Input = any;

const OPERATIONS: Readonly<Record<string, (input: Input) => object | Refusal>> = {
  PutItem({ Item, ConditionExpression: condition }) {
    if (condition !== 'attribute_not_exists(#pk)') return { refusal: 'ValidationException' };
    if (items.has(keyText(Item))) return { refusal: 'ConditionalCheckFailedException' };
    items.set(keyText(Item), Item);
    return {};
  },
  BatchExecuteStatement({ Statements }) {
    return {
      Responses: Statements.map(({ Statement, Parameters }: Input) => {
        const names = [...Statement.matchAll(/'(\w+)': \?/g)].map(([, name]) => name);
        const item = Object.fromEntries(names.map((name, at) => [name, Parameters[at]]));
        if (items.has(keyText(item))) return { Error: { Code: 'DuplicateItem' } };
        items.set(keyText(item), item);
        return {};
      }),
    };
  },
  BatchWriteItem({ RequestItems }) {
    for (const { PutRequest } of Object.values<Input>(RequestItems).flat()) {
      items.set(keyText(PutRequest.Item), PutRequest.Item);
    }
    return { UnprocessedItems: {} };
  },
  BatchGetItem({ RequestItems }) {
    const found = Object.entries<Input>(RequestItems).map(([table, { Keys }]) => [
      table,
      Keys.map((key: Item) => items.get(keyText(key))).filter((item?: Item) => item !== undefined),
    ]);
    return { Responses: Object.fromEntries(found), UnprocessedKeys: {} };
  },
};

function responseTo(target: string, body: string): { readonly status: number; readonly content: object } {
  const operation = OPERATIONS[target.split('.')[1] ?? ''];
  const result = operation?.(JSON.parse(body)) ?? { refusal: 'UnknownOperationException' };
  return 'refusal' in result
    ? { status: 400, content: { __type: `com.amazonaws.dynamodb.v20120810#${result.refusal}` } }
    : { status: 200, content: result };
}

let responseMs: number[] = [];
const server = createServer(async (request, response) => {
  const startedAtMs = performance.now();
  const { status, content } = responseTo(String(request.headers['x-amz-target']), await text(request));
  const respond = () => {
    responseMs.push(performance.now() - startedAtMs);
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(content));
  };
  setTimeout(respond, Math.ceil(Math.max(0, startedAtMs + latencyMs - performance.now())));
});
answerServerOrders<TableUse>(await listen(server), () => {
  const use = { responseMs };
  responseMs = [];
  return use;
});
