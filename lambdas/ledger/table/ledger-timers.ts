import { marshall } from '@aws-sdk/util-dynamodb';
import { MAX_EXECUTION_DAYS } from '../../events/delivery.ts';
import type { LedgerTable } from '../ports.ts';
import { LEDGER_TABLE } from '../record.ts';
import { type Timer, timerSchema } from '../timer.ts';
import { batchGet } from './batch-calls.ts';
import { AFTER_ALL, HEX_DIGITS } from './ledger-items.ts';
import {
  type Condition,
  countItems,
  type Item,
  type ItemsAddress,
  itemsThroughSdk,
  putItem,
  queryFirstPage,
  type TableAddress,
  type TableQuery,
} from './table-calls.ts';

const { partitionKey, sortKey, expiry, index } = LEDGER_TABLE;
const SORT = 'timer';
const DAY_SECONDS = 24 * 3600;

/** Largest number of overdue timers read from each of the sixteen partitions. */
const OVERDUE_AT_MOST = 100;

/** Users' timers. */
export function createTimers(table: ItemsAddress): Pick<LedgerTable, 'timers' | 'putTimer'> {
  return {
    async timers(keys) {
      const items = await batchGet('timers', [...new Set(keys)].map(keyOf), table);
      return new Map(items.flatMap((item) => timerOfItem(item) ?? []).map((timer) => [timer.key, timer]));
    },
    putTimer: (timer) => putItem('putTimer', itemOf(timer), table, conditionOf(timer)),
  };
}

/** The list of waiting timers: sixteen partitions of the index, without integration or day. */
export function createTimerLists(table: TableAddress): Pick<LedgerTable, 'countTimers' | 'overdueTimers'> {
  const { timers } = createTimers(itemsThroughSdk(table));
  return {
    async overdueTimers(nowMs) {
      const queries = queriesBetween(`${SORT}#`, sortKeyAt(nowMs)).map((query) => ({
        ...query,
        Limit: OVERDUE_AT_MOST,
      }));
      const found = await Promise.all(queries.map((query) => queryFirstPage('overdueTimers', query, table)));
      // The index is eventually consistent with the table.
      const standing = [...(await timers(found.flat().map((item) => String(item[partitionKey])))).values()];
      return standing.filter(({ due_at }) => due_at !== undefined && Date.parse(due_at) <= nowMs);
    },
    async countTimers(nowMs, options) {
      const now = sortKeyAt(nowMs);
      const [overdue, later] = await Promise.all([
        countItems('countTimers', queriesBetween(`${SORT}#`, now), table, options),
        countItems('countTimers', queriesBetween(now + AFTER_ALL, `${SORT}#${AFTER_ALL}`), table, options),
      ]);
      return { waiting: overdue + later, overdue };
    },
  };
}

function sortKeyAt(ms: number): string {
  return `${SORT}#${new Date(ms).toISOString()}`;
}

/** Queries for waiting timers, in the order of their due times. */
function queriesBetween(from: string, until: string): TableQuery[] {
  return HEX_DIGITS.map((hexDigit) => ({
    IndexName: index.name,
    KeyConditionExpression: '#pk = :pk AND #sk BETWEEN :from AND :until',
    ExpressionAttributeNames: { '#pk': index.partitionKey, '#sk': index.sortKey },
    ExpressionAttributeValues: marshall({ ':pk': listingOf(hexDigit), ':from': from, ':until': until }),
  }));
}

/** The rules of `Ledger.putTimer`. */
function conditionOf({ latest_at, webhook_id, due_at, generation }: Timer): Condition {
  const names = { '#pk': partitionKey, '#at': 'latest_at', '#webhook': 'webhook_id' };
  const values = { ':at': latest_at, ':webhook': webhook_id };
  if (due_at === undefined) {
    return { expression: 'attribute_not_exists(#pk) OR #at < :at OR #webhook = :webhook', names, values };
  }
  const others = '#webhook <> :webhook AND #at < :at';
  const own = '#webhook = :webhook AND #at <= :at AND #generation <= :generation';
  return {
    expression: `attribute_not_exists(#pk) OR (${others}) OR (${own})`,
    names: { ...names, '#generation': 'generation' },
    values: { ...values, ':generation': generation },
  };
}

function keyOf(key: string): Item {
  return { [partitionKey]: key, [sortKey]: SORT };
}

/** The item of a timer; only waiting timers are in the index. It expires after every execution that it may cancel. */
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

/** @returns undefined if it does not match the schema: the timer is then treated as missing */
function timerOfItem(item: Item): Timer | undefined {
  return timerSchema.safeParse({ ...item, key: item[partitionKey] }).data;
}

/** An integration's id has no colon, so the partition cannot be that of an integration. */
function listingOf(hexDigit: string): string {
  return `:timers#${hexDigit}`;
}
