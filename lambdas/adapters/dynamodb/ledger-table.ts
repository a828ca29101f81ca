import { type DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { errorName, LedgerUnavailable } from '../../contract/errors.ts';
import { LEDGER_TABLE, type LedgerRecord } from '../../contract/ledger.ts';
import type { LedgerTable } from '../../contract/ledger-ports.ts';
import { batchGet } from './batch-get.ts';
import { batchWrite, put, remove } from './batch-write.ts';
import { fitted } from './fitted.ts';
import { createGroupCommit } from './group-commit.ts';
import type { Item } from './item-size.ts';
import { createEventKeeper } from './keep-events.ts';
import { answerItem, eventOfItem, hasExpired, keyOf, recordOf, type SORT_KEYS, stateItem } from './ledger-items.ts';
import { createLists } from './ledger-lists.ts';
import { createTimers } from './ledger-timers.ts';
import { createLearnerScan } from './scan-learner.ts';
import { reach } from './unavailable.ts';

const { partitionKey } = LEDGER_TABLE;
const DAY_MS = 24 * 3600_000;

export interface LedgerTableOptions {
  readonly client: DynamoDBClient;
  readonly tableName: string;
  /** How long events and answers are held, in days. */
  readonly payloadDays: number;
  /** How long the facts without them are held, in days. */
  readonly factsDays: number;
  /** Wall clock, ms. */
  readonly now?: () => number;
}

/** The ledger over DynamoDB: see LEDGER_TABLE for its keys, and `ledger-items.ts` for what is held how. */
export function createLedgerTable({ now = Date.now, ...options }: LedgerTableOptions): LedgerTable {
  const { client, tableName, payloadDays, factsDays } = options;
  // It copies every input and output, payloads too, for a log that nobody keeps: a twentieth of a delivery's CPU.
  client.middlewareStack.remove('loggerMiddleware');
  const table = { client, tableName };
  const overwriteTogether = createGroupCommit((writes) => batchWrite('overwrite', writes, table));
  const toItem = (record: LedgerRecord) => stateItem(fitted(record), factsDays);

  async function itemOf(operation: string, webhookId: string, sort: keyof typeof SORT_KEYS): Promise<Item | undefined> {
    const key = marshall(keyOf(webhookId, sort));
    const command = new GetItemCommand({ TableName: tableName, Key: key, ConsistentRead: true });
    const { Item: found } = await reach(operation, () => client.send(command));
    return found && unmarshall(found);
  }

  async function heldItem(operation: string, webhookId: string, sort: 'event' | 'answer'): Promise<Item | undefined> {
    const item = await itemOf(operation, webhookId, sort);
    return item === undefined || hasExpired(item, now()) ? undefined : item;
  }

  return {
    async record(webhookId) {
      const item = await itemOf('record', webhookId, 'state');
      return item && readable('record', recordOf(item), webhookId);
    },
    async records(webhookIds) {
      const keys = [...new Set(webhookIds)].map((id) => keyOf(id, 'state'));
      const items = await batchGet('records', keys, table);
      return new Map(
        items.map((item) => {
          const id = String(item[partitionKey]);
          return [id, readable('records', recordOf(item), id)];
        }),
      );
    },
    async event(webhookId) {
      const item = await heldItem('event', webhookId, 'event');
      return item && readable('event', eventOfItem(item), webhookId);
    },
    async answer(webhookId) {
      const item = await heldItem('answer', webhookId, 'answer');
      return item && String(item.answer);
    },
    async replace(record) {
      const command = new PutItemCommand({
        TableName: tableName,
        Item: marshall(toItem(record), { removeUndefinedValues: true }),
        ...(record.version === 1 ? IF_THERE_IS_NONE : ifStillAt(record.version - 1)),
      });
      return reach('replace', () => client.send(command).then(isDone, refusedOrThrown));
    },
    overwrite: async (record) => overwriteTogether(record.webhook_id, put(toItem(record))),
    keepEvents: createEventKeeper(table, { payloadDays, factsDays }),
    async keepAnswer(webhookId, acceptedAt, answerStart) {
      const item = answerItem(webhookId, acceptedAt, answerStart.toWellFormed(), payloadDays);
      const command = new PutItemCommand({ TableName: tableName, Item: marshall(item) });
      await reach('keepAnswer', () => client.send(command));
    },
    async forget(webhookId) {
      const writes = [remove(keyOf(webhookId, 'event')), remove(keyOf(webhookId, 'answer'))];
      const failure = (await batchWrite('forget', writes, table)).find((one) => one !== undefined);
      if (failure !== undefined) throw failure;
    },
    ...createTimers(table),
    ...createLists(table, () => new Date(now() - payloadDays * DAY_MS).toISOString()),
    eventsOf: createLearnerScan(table),
  };
}

const IF_THERE_IS_NONE = {
  ConditionExpression: 'attribute_not_exists(#pk)',
  ExpressionAttributeNames: { '#pk': partitionKey },
};

function ifStillAt(version: number) {
  return {
    ConditionExpression: '#version = :version',
    ExpressionAttributeNames: { '#version': 'version' },
    ExpressionAttributeValues: marshall({ ':version': version }),
  };
}

const isDone = () => true;

function refusedOrThrown(thrown: unknown): false {
  if (errorName(thrown) === 'ConditionalCheckFailedException') return false;
  throw thrown;
}

function readable<T>(operation: string, value: T | undefined, webhookId: string): T {
  if (value === undefined) throw new LedgerUnavailable(`${operation}: what is held of ${webhookId} cannot be read`);
  return value;
}
