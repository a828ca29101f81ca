import { PutItemCommand, QueryCommand, type QueryCommandInput } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { MAX_EXECUTION_DAYS } from '../../contract/delivery.ts';
import { errorName } from '../../contract/errors.ts';
import { LEDGER_TABLE } from '../../contract/ledger.ts';
import type { CountOptions, LedgerTable } from '../../contract/ledger-ports.ts';
import { type Timer, timerSchema } from '../../contract/timer.ts';
import { batchGet } from './batch-get.ts';
import type { TableAddress } from './batch-write.ts';
import type { Item } from './item-size.ts';
import { reach } from './unavailable.ts';

const { partitionKey, sortKey, expiry, index } = LEDGER_TABLE;
const SORT = 'timer';
const DAY_SECONDS = 24 * 3600;
const HEX_DIGITS = '0123456789abcdef';

/** Overdue timers that are read of each of the sixteen partitions. */
const OVERDUE_AT_MOST = 100;

/** Sorts after every time. */
const AFTER_ALL = '~';

/** Users' timers, and the list of those that wait: sixteen partitions of the index, of no integration and no day. */
export function createTimers(
  table: TableAddress,
): Pick<LedgerTable, 'timers' | 'keepTimer' | 'countTimers' | 'overdueTimers'> {
  const { client, tableName } = table;

  const betweenOf = (digit: string, from: string, until: string) => ({
    TableName: tableName,
    IndexName: index.name,
    KeyConditionExpression: '#pk = :pk AND #sk BETWEEN :from AND :until',
    ExpressionAttributeNames: { '#pk': index.partitionKey, '#sk': index.sortKey },
    ExpressionAttributeValues: marshall({ ':pk': listingOf(digit), ':from': from, ':until': until }),
  });

  async function countBetween(from: string, until: string, options: CountOptions = {}): Promise<number> {
    const counts = [...HEX_DIGITS].map(async (digit) => {
      let count = 0;
      let next: QueryCommandInput['ExclusiveStartKey'];
      do {
        const query = { ...betweenOf(digit, from, until), Select: 'COUNT', ExclusiveStartKey: next } as const;
        const command = new QueryCommand(query);
        const page = await reach('countTimers', () => client.send(command, options));
        count += page.Count ?? 0;
        next = page.LastEvaluatedKey;
      } while (next !== undefined);
      return count;
    });
    return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
  }

  async function timersOf(keys: readonly string[]): Promise<ReadonlyMap<string, Timer>> {
    const items = await batchGet('timers', [...new Set(keys)].map(keyOf), table);
    return new Map(items.flatMap((item) => timerOfItem(item) ?? []).map((timer) => [timer.key, timer]));
  }

  return {
    timers: timersOf,
    async overdueTimers(nowMs) {
      const until = `${SORT}#${new Date(nowMs).toISOString()}`;
      const keys = await Promise.all(
        [...HEX_DIGITS].map(async (digit) => {
          const command = new QueryCommand({ ...betweenOf(digit, `${SORT}#`, until), Limit: OVERDUE_AT_MOST });
          const { Items = [] } = await reach('overdueTimers', () => client.send(command));
          return Items.map((item) => String(unmarshall(item)[partitionKey]));
        }),
      );
      // The index lags behind the table.
      const standing = [...(await timersOf(keys.flat())).values()];
      return standing.filter(({ due_at }) => due_at !== undefined && Date.parse(due_at) <= nowMs);
    },
    async keepTimer(timer) {
      const command = new PutItemCommand({
        TableName: tableName,
        Item: marshall(itemOf(timer), { removeUndefinedValues: true }),
        ...conditionOf(timer),
      });
      return reach('keepTimer', () => client.send(command).then(isDone, refusedOrThrown));
    },
    async countTimers(nowMs, options) {
      const now = `${SORT}#${new Date(nowMs).toISOString()}`;
      const [overdue, later] = await Promise.all([
        countBetween(`${SORT}#`, now, options),
        countBetween(`${now}${AFTER_ALL}`, `${SORT}#${AFTER_ALL}`, options),
      ]);
      return { waiting: overdue + later, overdue };
    },
  };
}

/** What woke takes its own event's place, whatever stands there. */
function conditionOf({ latest_at, webhook_id, due_at, generation }: Timer) {
  const names = { '#pk': partitionKey, '#at': 'latest_at', '#webhook': 'webhook_id' };
  const values = { ':at': latest_at, ':webhook': webhook_id };
  if (due_at === undefined) {
    return {
      ConditionExpression: 'attribute_not_exists(#pk) OR #at < :at OR #webhook = :webhook',
      ExpressionAttributeNames: names,
      ExpressionAttributeValues: marshall(values),
    };
  }
  const others = '#webhook <> :webhook AND #at < :at';
  const own = '#webhook = :webhook AND #at <= :at AND #generation <= :generation';
  return {
    ConditionExpression: `attribute_not_exists(#pk) OR (${others}) OR (${own})`,
    ExpressionAttributeNames: { ...names, '#generation': 'generation' },
    ExpressionAttributeValues: marshall({ ...values, ':generation': generation }),
  };
}

function keyOf(key: string): Item {
  return { [partitionKey]: key, [sortKey]: SORT };
}

/** Only what waits is listed. It stays as long as an execution that it may still have to cancel. */
function itemOf({ key, ...timer }: Timer): Item {
  const lastMs = Date.parse(timer.due_at ?? timer.latest_at);
  return {
    ...keyOf(key),
    ...timer,
    [expiry]: Math.floor(lastMs / 1000) + MAX_EXECUTION_DAYS * DAY_SECONDS,
    ...(timer.due_at !== undefined && {
      [index.partitionKey]: listingOf(key.charAt('timer_'.length)),
      [index.sortKey]: `${SORT}#${timer.due_at}`,
    }),
  };
}

/** @returns undefined where it does not fit the schema: it is then as if there were none */
function timerOfItem(item: Item): Timer | undefined {
  return timerSchema.safeParse({ ...item, key: item[partitionKey] }).data;
}

/** A colon is in no integration's id. */
function listingOf(hexDigit: string): string {
  return `:timers#${hexDigit}`;
}

const isDone = () => true;

function refusedOrThrown(thrown: unknown): false {
  if (errorName(thrown) === 'ConditionalCheckFailedException') return false;
  throw thrown;
}
