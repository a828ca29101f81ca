import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { chunksOf } from '../../shared/chunks.ts';
import type { DayEntry, EventSubject, LedgerDay, LedgerTable, ListedDelivery, ListedEvent, Span } from '../ports.ts';
import { type DeliveryState, LEDGER_TABLE } from '../record.ts';
import { AFTER_ALL, acceptedAtOf, DIRECTORY, dayOf, HEX_DIGITS, lineOf, listingOf, SORT_KEYS } from './ledger-items.ts';
import {
  countItems,
  type Item,
  inParallel,
  queryItems,
  queryPages,
  scanPages,
  type TableAddress,
  type TableQuery,
} from './table-calls.ts';

const { partitionKey, sortKey, index } = LEDGER_TABLE;

type Lists = Pick<
  LedgerTable,
  | 'days'
  | 'listRecords'
  | 'listEvents'
  | 'listDay'
  | 'listPart'
  | 'idsStartingWith'
  | 'countEvents'
  | 'latestRecords'
  | 'eventsOf'
>;

/** Filters of a list: states, and a part of the reason. */
export interface Filter {
  readonly states?: readonly DeliveryState[];
  readonly reason?: string;
}

/** Number of segments of a parallel scan. */
const SEGMENTS = 4;

/** Number of a day's sixteen partitions that `listPart` reads in parallel: its reader holds the records of no more than these. */
const PARTITIONS_TOGETHER = 4;

/**
 * Lists from the index, which is eventually consistent. The sixteen partitions of a day are read in parallel.
 *
 * @param retainedSince events accepted before this time have expired; ISO 8601, UTC
 */
export function createLists(table: TableAddress, retainedSince: () => string): Lists {
  const listItems = (operation: string, queries: readonly TableQuery[]) =>
    inParallel(queries.map((query) => queryItems(operation, query, table)));

  /** DynamoDB rejects a range that ends before it begins. */
  function eventQueries(day: LedgerDay, { from, until }: Span): TableQuery[] {
    const since = retainedSince();
    const retained = { from: from > since ? from : since, until };
    return isEmpty(retained) ? [] : dayQueries(day, 'event', retained);
  }

  async function* inTurn(queries: readonly TableQuery[]): AsyncGenerator<Item[]> {
    for (const query of queries) yield* queryItems('listPart', query, table);
  }

  async function latestOf(query: TableQuery, atMost: number): Promise<ListedDelivery[]> {
    const found: ListedDelivery[] = [];
    const latestFirst = { ...query, ScanIndexForward: false, Limit: atMost };
    for await (const page of queryItems('latestRecords', latestFirst, table)) {
      found.push(...page.map(lineOf));
      if (found.length >= atMost) break;
    }
    return found;
  }

  return {
    async days(span) {
      const days: LedgerDay[] = [];
      if (isEmpty(span)) return days;
      for await (const page of queryItems('days', directoryQuery(span), table)) days.push(...page.map(entryOf));
      return days;
    },
    async *listRecords(day, span, filter, watch = {}) {
      if (isEmpty(span) || filter?.states?.length === 0) return;
      if (watch.signal?.aborted) return;
      const pages = dayQueries(day, 'state', span, filter).map((query) => queryPages('listRecords', query, table));
      for await (const { Items = [], ScannedCount = 0 } of inParallel(pages)) {
        watch.report?.(ScannedCount);
        yield* Items.map((item) => lineOf(unmarshall(item)));
        if (watch.signal?.aborted) return;
      }
    },
    async *listEvents(day, span) {
      for await (const page of listItems('listEvents', eventQueries(day, span))) {
        yield* page.map(eventOf);
      }
    },
    async *listDay(day, span) {
      if (isEmpty(span)) return;
      const since = retainedSince();
      for await (const page of listItems('listDay', wholeDayQueries(day, span))) {
        for (const item of page) {
          const entry = dayEntryOf(item);
          const { kind, accepted_at: at } = entry;
          if (at >= span.from && at <= span.until && (kind === 'record' || at >= since)) yield entry;
        }
      }
    },
    async *listPart(day, span) {
      if (isEmpty(span)) return;
      const states = dayQueries(day, 'state', span);
      const events = eventQueries(day, span);
      const partitions = HEX_DIGITS.map((_, at) =>
        inTurn([states[at], events[at]].filter((query) => query !== undefined)),
      );
      for (const some of chunksOf(partitions, PARTITIONS_TOGETHER)) {
        for await (const page of inParallel(some)) yield* page.map(dayEntryOf);
      }
    },
    async *idsStartingWith(day, prefix) {
      for await (const page of queryItems('idsStartingWith', prefixQuery(day, prefix), table))
        yield* page.map((item) => String(item[partitionKey]));
    },
    countEvents: (day, span) => countItems('countEvents', eventQueries(day, span), table),
    async latestRecords(day, atMost) {
      if (atMost < 1) return [];
      const found = await Promise.all(dayQueries(day, 'state').map((query) => latestOf(query, atMost)));
      const latestFirst = (one: ListedDelivery, other: ListedDelivery) =>
        one.accepted_at < other.accepted_at ? 1 : -1;
      return found.flat().toSorted(latestFirst).slice(0, atMost);
    },
    /** Includes expired events until DynamoDB deletes them, because the caller must delete all stored data. */
    async *eventsOf(subject, { report, abortSignal } = {}) {
      const scan = { ...eventScan(subject), ReturnConsumedCapacity: 'TOTAL' as const };
      const segments = Array.from({ length: SEGMENTS }, (_, Segment) =>
        scanPages('eventsOf', { ...scan, TotalSegments: SEGMENTS, Segment }, table, abortSignal),
      );
      let itemsRead = 0;
      let readUnits = 0;
      for await (const { Items = [], ScannedCount = 0, ConsumedCapacity } of inParallel(segments)) {
        itemsRead += ScannedCount;
        readUnits += ConsumedCapacity?.CapacityUnits ?? 0;
        report?.(itemsRead, readUnits);
        for (const { [partitionKey]: id, integration_id, accepted_at } of Items.map((item) => unmarshall(item))) {
          yield { webhook_id: String(id), integration_id: String(integration_id), accepted_at: String(accepted_at) };
        }
      }
    },
  };
}

export function isEmpty({ from, until }: Span): boolean {
  return from > until;
}

/** The directory's entries of some days. */
export function directoryQuery({ from, until }: Span): TableQuery {
  return {
    KeyConditionExpression: '#pk = :pk AND #sk BETWEEN :from AND :until',
    ExpressionAttributeNames: { '#pk': partitionKey, '#sk': sortKey },
    ExpressionAttributeValues: marshall({ ':pk': DIRECTORY, ':from': dayOf(from), ':until': dayOf(until) + AFTER_ALL }),
  };
}

/** A directory entry's sort key is `<day>#<integration>`. */
export function entryOf(item: Item): LedgerDay {
  const [day = '', ...rest] = String(item[sortKey]).split('#');
  return { day, integrationId: rest.join('#') };
}

/** The sixteen queries that read one integration's events, or records, of one day. */
export function dayQueries(day: LedgerDay, kind: 'event' | 'state', span?: Span, filter: Filter = {}): TableQuery[] {
  const { conditions, names, values } = conditionsOf(filter);
  const range = span === undefined ? 'begins_with(#sk, :from)' : '#sk BETWEEN :from AND :until';
  return HEX_DIGITS.map((hexDigit) => ({
    IndexName: index.name,
    KeyConditionExpression: `#pk = :pk AND ${range}`,
    ...(conditions.length > 0 && { FilterExpression: conditions.join(' AND ') }),
    ExpressionAttributeNames: { '#pk': index.partitionKey, '#sk': index.sortKey, ...names },
    ExpressionAttributeValues: marshall({
      ':pk': listingOf(day.integrationId, day.day, hexDigit),
      ':from': `${kind}#${span?.from ?? ''}`,
      ...(span !== undefined && { ':until': `${kind}#${span.until}` }),
      ...values,
    }),
  }));
}

/** The first digit of an id chooses its partition, so that one of sixteen is read. */
function prefixQuery({ integrationId, day }: LedgerDay, prefix: string): TableQuery {
  return {
    IndexName: index.name,
    KeyConditionExpression: '#listing = :listing',
    FilterExpression: 'begins_with(#pk, :prefix)',
    ProjectionExpression: '#pk',
    ExpressionAttributeNames: { '#listing': index.partitionKey, '#pk': partitionKey },
    ExpressionAttributeValues: marshall({
      ':listing': listingOf(integrationId, day, prefix.charAt('wh_'.length)),
      ':prefix': prefix,
    }),
  };
}

/**
 * The sixteen queries that read events and records together. Records sort last, so the reverse order returns them
 * first.
 */
function wholeDayQueries({ integrationId, day }: LedgerDay, { from, until }: Span): TableQuery[] {
  return HEX_DIGITS.map((hexDigit) => ({
    IndexName: index.name,
    KeyConditionExpression: '#pk = :pk AND #sk BETWEEN :from AND :until',
    ExpressionAttributeNames: { '#pk': index.partitionKey, '#sk': index.sortKey },
    ExpressionAttributeValues: marshall({
      ':pk': listingOf(integrationId, day, hexDigit),
      ':from': `event#${from}`,
      ':until': `state#${until}`,
    }),
    ScanIndexForward: false,
  }));
}

function dayEntryOf(item: Item): DayEntry {
  const isRecord = String(item[index.sortKey]).startsWith('state#');
  return isRecord ? { kind: 'record', ...lineOf(item) } : { kind: 'event', ...eventOf(item) };
}

function eventOf(item: Item): ListedEvent {
  return { webhook_id: String(item[partitionKey]), accepted_at: acceptedAtOf(item) };
}

export function conditionsOf({ states, reason }: Filter) {
  const stateValues = Object.fromEntries((states ?? []).map((state, position) => [`:state${position}`, state]));
  return {
    conditions: [
      ...(states === undefined ? [] : [`#state IN (${Object.keys(stateValues).join(', ')})`]),
      ...(reason === undefined ? [] : ['contains(#reason, :reason)']),
    ],
    names: {
      ...(states !== undefined && { '#state': 'state' }),
      ...(reason !== undefined && { '#reason': 'reason' }),
    },
    values: { ...stateValues, ...(reason !== undefined && { ':reason': reason }) },
  };
}

function eventScan(subject: EventSubject) {
  const [condition, value, names] = scanCondition(subject);
  return {
    FilterExpression: `#sk = :event AND ${condition}`,
    ProjectionExpression: '#pk, integration_id, accepted_at',
    ExpressionAttributeNames: { '#pk': partitionKey, '#sk': sortKey, ...names },
    ExpressionAttributeValues: marshall({ ':event': SORT_KEYS.event, ':subject': value }),
  };
}

function scanCondition(subject: EventSubject): readonly [string, string, Record<string, string>] {
  if ('userId' in subject) return ['#user = :subject', subject.userId, { '#user': 'user_id' }];
  if ('courseId' in subject) return ['#course = :subject', subject.courseId, { '#course': 'course_id' }];
  const names = { '#user': 'user_id', '#payload': 'payload' };
  return ['attribute_not_exists(#user) AND contains(#payload, :subject)', subject.containing, names];
}
