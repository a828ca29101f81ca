import type { DynamoDBClient, WriteRequest } from '@aws-sdk/client-dynamodb';
import { DAY_MS } from '../../shared/durations.ts';
import { LedgerUnavailable } from '../../shared/errors.ts';
import type { DeliveryTable, LedgerTable } from '../ports.ts';
import { LEDGER_TABLE, type LedgerEvent, type LedgerRecord } from '../record.ts';
import { batchGet, batchWrite, createItems, deleteRequest, NEW_ITEM, putRequest } from './batch-calls.ts';
import { createGroupCommit } from './group-commit.ts';
import { fitted } from './item-size.ts';
import {
  dayOf,
  directoryItem,
  eventItem,
  eventOfItem,
  hasExpired,
  keyOf,
  recordOf,
  responseItem,
} from './ledger-items.ts';
import { createLists } from './ledger-lists.ts';
import { createTimerLists, createTimers } from './ledger-timers.ts';
import { createOpenList, createOpenWriter } from './open-entries.ts';
import { type Condition, getItem, type Item, type ItemsAddress, itemsThroughSdk, putItem } from './table-calls.ts';

const { partitionKey } = LEDGER_TABLE;

/** Retention of items, in days. */
interface Retention {
  /** Of events and responses. */
  readonly payloadDays: number;
  /** Of records. */
  readonly factsDays: number;
}

export interface DeliveryTableOptions extends Retention, ItemsAddress {}

export interface LedgerTableOptions extends Retention {
  readonly client: DynamoDBClient;
  readonly tableName: string;
  /** Wall clock, ms. */
  readonly now?: () => number;
}

/**
 * The part of the ledger's table that functions use for each event. First records of deliveries, written in one turn of the
 * event loop, are one call.
 */
export function createDeliveryTable(options: DeliveryTableOptions): DeliveryTable {
  const table = createRecordTable(options);
  const createTogether = createGroupCommit((items: readonly Item[]) => createItems('replace', items, options));
  return {
    ...table,
    async replace(record) {
      if (record.version > 1) return table.replace(record);
      const result = await createTogether(fitted(record, options.factsDays).item);
      if (result instanceof LedgerUnavailable) throw result;
      return result;
    },
  };
}

/** The ledger over DynamoDB: see LEDGER_TABLE for its keys, and `ledger-items.ts` for its items. */
export function createLedgerTable({ now = Date.now, ...options }: LedgerTableOptions): LedgerTable {
  const { client, payloadDays } = options;
  // It copies every input and output, payloads included, for a log that nothing writes: 5% of a delivery's CPU time.
  client.middlewareStack.remove('loggerMiddleware');
  const table = itemsThroughSdk(options);

  async function unexpiredItem(sort: 'event' | 'response', webhookId: string): Promise<Item | undefined> {
    const item = await getItem(sort, keyOf(webhookId, sort), table);
    return item === undefined || hasExpired(item, now()) ? undefined : item;
  }

  return {
    ...createRecordTable({ ...options, ...table }),
    async event(webhookId) {
      const item = await unexpiredItem('event', webhookId);
      return item && readable('event', eventOfItem(item), webhookId);
    },
    async response(webhookId) {
      const item = await unexpiredItem('response', webhookId);
      return item && String(item.response);
    },
    async forget(webhookId) {
      const writes = [deleteRequest(keyOf(webhookId, 'event')), deleteRequest(keyOf(webhookId, 'response'))];
      const failure = (await batchWrite('forget', writes, table)).find((one) => one !== undefined);
      if (failure !== undefined) throw failure;
    },
    ...createTimerLists(options),
    ...createOpenList(options, options.factsDays),
    ...createLists(options, () => new Date(now() - payloadDays * DAY_MS).toISOString()),
  };
}

function createRecordTable(options: DeliveryTableOptions): DeliveryTable {
  const { payloadDays, factsDays } = options;
  const table: ItemsAddress = options;
  const overwriteTogether = createGroupCommit((writes: readonly WriteRequest[]) =>
    batchWrite('overwrite', writes, table),
  );
  return {
    async record(webhookId) {
      const item = await getItem('record', keyOf(webhookId, 'state'), table);
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
    replace: (record) => putItem('replace', fitted(record, factsDays).item, table, isStillBefore(record)),
    async overwrite(record) {
      const failure = await overwriteTogether(putRequest(fitted(record, factsDays).item));
      if (failure !== undefined) throw failure;
    },
    putEvents: createEventWriter(table, options),
    async putResponse(webhookId, acceptedAt, responseStart) {
      await putItem(
        'putResponse',
        responseItem(webhookId, acceptedAt, responseStart.toWellFormed(), payloadDays),
        table,
      );
    },
    ...createTimers(table),
    ...createOpenWriter(table, factsDays),
  };
}

/** Condition that the stored record is the version before this one, or that there is none. */
function isStillBefore({ version }: LedgerRecord): Condition {
  if (version === 1) return NEW_ITEM;
  return { expression: '#version = :before', names: { '#version': 'version' }, values: { ':before': version - 1 } };
}

/**
 * Writes events, together with those directory entries that this instance has not written yet. Most events are of a day and an
 * integration that have an entry.
 *
 * @returns a function that throws LedgerUnavailable if an event was not written, after all others were
 */
function createEventWriter(
  table: ItemsAddress,
  { payloadDays, factsDays }: Retention,
): (events: readonly LedgerEvent[]) => Promise<void> {
  const known = new Set<string>();
  return async (events) => {
    const entries = new Map(
      events.map(({ accepted_at, integration_id }) => {
        const day = dayOf(accepted_at);
        return [`${day}#${integration_id}`, directoryItem(day, integration_id, factsDays)];
      }),
    );
    for (const name of known) entries.delete(name);
    const items = [...entries.values(), ...events.map((event) => eventItem(event, payloadDays))];
    const results = await batchWrite('putEvents', items.map(putRequest), table);
    for (const [at, name] of [...entries.keys()].entries()) if (results[at] === undefined) known.add(name);
    const failures = results.filter((failure) => failure !== undefined);
    const [first] = failures;
    if (first === undefined) return;
    const extent = `${failures.length} of ${results.length} writes`;
    throw new LedgerUnavailable(`${first.message} (${extent})`, { cause: first.cause });
  };
}

function readable<T>(operation: string, value: T | undefined, webhookId: string): T {
  if (value === undefined) throw new LedgerUnavailable(`${operation}: the item of ${webhookId} cannot be read`);
  return value;
}
