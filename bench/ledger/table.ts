import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { LEDGER_TABLE } from '../../lambdas/contract/ledger.ts';
import type { ServerUse } from '../server-use.ts';

/**
 * The table in a process of its own, as far as the happy path needs one: it answers so many milliseconds after a request
 * has come, however many come at once. The local platform's DynamoDB has a millisecond of work for each claim, one after
 * another, and would be what is measured. Gets its latency by message, tells its port, then at any message how it is
 * used. Ends with its parent.
 */
export interface TableUse extends ServerUse {
  /** How long each answer took, of those since it was last asked: well over the latency, it is behind. */
  readonly answerMs: readonly number[];
}

type Item = Readonly<Record<string, { readonly S?: string }>>;

interface Refusal {
  readonly refusal: string;
}

const { partitionKey, sortKey } = LEDGER_TABLE;
const items = new Map<string, Item>();

function keyText(item: Item): string {
  return `${item[partitionKey]?.S} ${item[sortKey]?.S}`;
}

// biome-ignore lint/suspicious/noExplicitAny: whatever the SDK sends.
type Input = any;

const OPERATIONS: Readonly<Record<string, (input: Input) => object | Refusal>> = {
  PutItem({ Item, ConditionExpression: condition }) {
    if (condition !== 'attribute_not_exists(#pk)') return { refusal: 'ValidationException' };
    if (items.has(keyText(Item))) return { refusal: 'ConditionalCheckFailedException' };
    items.set(keyText(Item), Item);
    return {};
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

function answerTo(target: string, body: string): { readonly status: number; readonly content: object } {
  const operation = OPERATIONS[target.split('.')[1] ?? ''];
  const answer = operation?.(JSON.parse(body)) ?? { refusal: 'UnknownOperationException' };
  return 'refusal' in answer
    ? { status: 400, content: { __type: `com.amazonaws.dynamodb.v20120810#${answer.refusal}` } }
    : { status: 200, content: answer };
}

let requests = 0;
let answerMs: number[] = [];

process.once('disconnect', () => process.exit());
process.once('message', ({ latencyMs }: { readonly latencyMs: number }) => {
  const server = createServer(async (request, response) => {
    const startedAtMs = performance.now();
    const { status, content } = answerTo(String(request.headers['x-amz-target']), await text(request));
    const answer = () => {
      requests += 1;
      answerMs.push(performance.now() - startedAtMs);
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(content));
    };
    setTimeout(answer, Math.ceil(Math.max(0, startedAtMs + latencyMs - performance.now())));
  });
  server.keepAliveTimeout = 600_000;
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
  process.on('message', () => {
    const { user, system } = process.cpuUsage();
    process.send?.({ requests, cpuMs: (user + system) / 1000, answerMs } satisfies TableUse);
    answerMs = [];
  });
});
