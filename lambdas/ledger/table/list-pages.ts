import { marshall } from '@aws-sdk/util-dynamodb';
import type { DayEntry, LedgerDay, ListedDelivery, Span } from '../ports.ts';
import { LEDGER_TABLE } from '../record.ts';
import { acceptedAtOf, HEX_DIGITS, lineOf, listingOf } from './ledger-items.ts';
import { conditionsOf, directoryQuery, entryOf, type Filter, isEmpty } from './ledger-lists.ts';
import { type QueryPage, queryPage, type TableAddress, type TableQuery } from './table-calls.ts';

const { index } = LEDGER_TABLE;

/** The order of a list, by the time of acceptance. */
export type ListOrder = 'newest first' | 'oldest first';

/** One partition of the index, and of it the events or the records: DynamoDB holds them by the time of acceptance. */
export interface ListPart extends LedgerDay {
  readonly hexDigit: string;
  readonly kind: DayEntry['kind'];
}

export interface PartQuery {
  readonly part: ListPart;
  readonly span: Span;
  readonly order: ListOrder;
  /** Applied by DynamoDB to the rows that it has read, which cost the same. */
  readonly filter?: Filter;
  /** Rows that DynamoDB reads at the most, 1 or more; fewer may match. */
  readonly limit: number;
  /** Where the page before ended: its `end`. */
  readonly startKey?: PartEnd;
}

/** Where a page ended, and what begins the next one. */
export interface PartEnd {
  /** Of the last row that was read, whether or not it matched. Others of the same time may follow. */
  readonly acceptedAt: string;
  readonly key: NonNullable<QueryPage['lastKey']>;
}

/** A delivery's record, or its accepted event, which has the attributes of a delivery that was not claimed yet. */
export type PartEntry = { readonly kind: DayEntry['kind'] } & ListedDelivery;

export interface PartPage {
  /** In the order that was asked for; those of the same time in no order. */
  readonly entries: readonly PartEntry[];
  /** Absent after the last page. */
  readonly end?: PartEnd;
}

/** What a call has read. */
export interface Reading {
  readonly rows: number;
  /** Read units as DynamoDB counts them: one for 8 KB, eventually consistent, and at least a half for a call. */
  readonly units: number;
}

export interface ReadOptions {
  onRead(reading: Reading): void;
  readonly abortSignal?: AbortSignal | undefined;
}

/**
 * The ledger's lists, page by page and in order, through the index, which is eventually consistent. Each call throws
 * `LedgerUnavailable` if the table does not respond.
 */
export interface ListPages {
  /** Every day with an accepted event, each with its integrations. It is read as far as it is consumed. */
  days(span: Span, order: ListOrder, options: ReadOptions): AsyncIterable<readonly LedgerDay[]>;
  page(query: PartQuery, options: ReadOptions): Promise<PartPage>;
}

/** Entries of the directory that a call reads. */
const DIRECTORY_LIMIT = 500;

/** @param retainedSince events accepted before this time have expired; ISO 8601, UTC */
export function createListPages(table: TableAddress, retainedSince: () => string): ListPages {
  async function* directory(span: Span, order: ListOrder, options: ReadOptions): AsyncGenerator<LedgerDay> {
    const query = { ...directoryQuery(span), ScanIndexForward: order === 'oldest first', Limit: DIRECTORY_LIMIT };
    let key: QueryPage['lastKey'];
    do {
      const page = await queryPage('days', { ...query, ExclusiveStartKey: key }, table, options);
      options.onRead({ rows: page.rowsRead, units: page.readUnits });
      yield* page.items.map(entryOf);
      key = page.lastKey;
    } while (key !== undefined);
  }

  return {
    async *days(span, order, options) {
      if (isEmpty(span)) return;
      let together: LedgerDay[] = [];
      for await (const entry of directory(span, order, options)) {
        if (together[0] !== undefined && together[0].day !== entry.day) {
          yield together;
          together = [];
        }
        together.push(entry);
      }
      if (together.length > 0) yield together;
    },
    async page(query, options) {
      const { part, span } = query;
      const from = part.kind === 'event' ? fromOf(query, retainedSince()) : span.from;
      if (isEmpty({ ...span, from })) return { entries: [] };
      const page = await queryPage('page', partQuery(query, { ...span, from }), table, options);
      options.onRead({ rows: page.rowsRead, units: page.readUnits });
      const entries = page.items.map((item) => ({ kind: part.kind, ...lineOf(item) }));
      if (page.lastKey === undefined) return { entries };
      const listedAt = page.lastKey[index.sortKey]?.S ?? '';
      return { entries, end: { acceptedAt: acceptedAtOf({ [index.sortKey]: listedAt }), key: page.lastKey } };
    },
  };
}

/** Where retained events of a span begin. DynamoDB refuses a start key that has expired since, and is outside of the range. */
function fromOf({ span: { from }, startKey }: PartQuery, since: string): string {
  const earliest = startKey !== undefined && startKey.acceptedAt < since ? startKey.acceptedAt : since;
  return from < earliest ? earliest : from;
}

/** Every partition of an integration's day. */
export function partsOf({ integrationId, day }: LedgerDay, kinds: readonly DayEntry['kind'][]): ListPart[] {
  return kinds.flatMap((kind) => HEX_DIGITS.map((hexDigit) => ({ integrationId, day, hexDigit, kind })));
}

function partQuery({ part, order, filter = {}, limit, startKey }: PartQuery, { from, until }: Span): TableQuery {
  const { conditions, names, values } = conditionsOf(filter);
  const kind = part.kind === 'event' ? 'event' : 'state';
  return {
    IndexName: index.name,
    KeyConditionExpression: '#pk = :pk AND #sk BETWEEN :from AND :until',
    ...(conditions.length > 0 && { FilterExpression: conditions.join(' AND ') }),
    ExpressionAttributeNames: { '#pk': index.partitionKey, '#sk': index.sortKey, ...names },
    ExpressionAttributeValues: marshall({
      ':pk': listingOf(part.integrationId, part.day, part.hexDigit),
      ':from': `${kind}#${from}`,
      ':until': `${kind}#${until}`,
      ...values,
    }),
    ScanIndexForward: order === 'oldest first',
    Limit: limit,
    ...(startKey !== undefined && { ExclusiveStartKey: startKey.key }),
  };
}
