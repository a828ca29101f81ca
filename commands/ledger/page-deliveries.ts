import type { LedgerTable, Span } from '../../lambdas/ledger/ports.ts';
import type { DeliveryState } from '../../lambdas/ledger/record.ts';
import {
  type ListOrder,
  type ListPages,
  type ListPart,
  partsOf,
  type Reading,
} from '../../lambdas/ledger/table/list-pages.ts';
import { DAY_MS } from '../../lambdas/shared/durations.ts';
import { type FoundDelivery, IN_FLIGHT } from './find-deliveries.ts';
import { type Cursor, formatCursor, LAST_ID, type Position } from './page-cursor.ts';
import { positionOf, readInOrder } from './read-in-order.ts';
import { readStanding } from './read-standing.ts';

/** Deliveries of a page at the most. */
export const PAGE_SIZE = 100;

/** Rows that a query reads at the most where a filter leaves out some. */
const FILTERED_LIMIT = 1000;

/** Without a filter, each partition is asked for twice its share of a page, and for at least this many rows. */
const LEAST_LIMIT = 5;

/** Entries that are kept while a filter that DynamoDB cannot apply takes most of them away. */
const KEPT_TO_FILTER = 1000;

/** Queries of a page at the most; then it is returned with what it has, and the next one goes on from there. */
const MAX_QUERIES = 2000;

/** Which deliveries are listed. */
export interface DeliveryQuery {
  /** When they were accepted. */
  readonly span: Span;
  readonly integrationId?: string | undefined;
  readonly state?: DeliveryState | undefined;
  /** A part of the reason. */
  readonly reason?: string | undefined;
  /** Absent: begins with the newest. */
  readonly cursor?: Cursor | undefined;
}

export interface DeliveriesPage {
  /** Newest first, `PAGE_SIZE` at the most. */
  readonly deliveries: readonly FoundDelivery[];
  /** Begins the page of older deliveries. Absent if there are none. */
  readonly older?: string;
  /** Begins the page of newer deliveries. Absent if there are none. */
  readonly newer?: string;
  /** Set if the reader stopped before the page was full: up to which time it has read. ISO 8601, UTC. */
  readonly readTo?: string;
}

/** What a page reads from. */
export interface PageSource {
  readonly lists: ListPages;
  readonly table: Pick<LedgerTable, 'records'>;
}

/** What has been found so far. */
export interface PageProgress {
  /** Those that were not in an earlier report. */
  readonly added: readonly FoundDelivery[];
  /** The direction in which it reads: `added` is newest first, or oldest first. */
  readonly to: Cursor['to'];
  /** Goes on where the reader is now. */
  readonly cursor: string;
  /** The time that the reader has come to. Absent before its first row. */
  readonly readTo?: string;
}

export interface PageWork {
  onRead(reading: Reading): void;
  /** Called after each round of queries. */
  onProgress?(progress: PageProgress): Promise<void>;
  readonly signal?: AbortSignal | undefined;
  readonly maxQueries?: number;
}

/**
 * One page of the list of deliveries, newest first, over all days and integrations that are asked for.
 *
 * A cursor is a time and an id, so that pages do not shift while new deliveries arrive. A delivery that the LMS published
 * twice is listed where it was accepted first. The time and the integration are keys of the index. A state and a reason are
 * not: DynamoDB reads over what does not match, and the reader stops after `MAX_QUERIES`.
 *
 * Memory depends on `PAGE_SIZE` and on the number of integrations of one day, and not on the number of deliveries.
 *
 * @throws LedgerUnavailable
 */
export async function pageDeliveries(
  query: DeliveryQuery,
  source: PageSource,
  work: PageWork,
): Promise<DeliveriesPage> {
  const { cursor } = query;
  const order: ListOrder = cursor?.to === 'newer' ? 'oldest first' : 'newest first';
  const { found, end } = await readPage(query, order, source, work);
  const rows = found.slice(0, PAGE_SIZE);
  const [first, last] = [rows[0], rows.at(-1)];
  const isFull = rows.length === PAGE_SIZE;
  const [onward, backward] = order === 'newest first' ? (['older', 'newer'] as const) : (['newer', 'older'] as const);
  const next = isFull && last !== undefined ? positionOf(last) : end;
  const hasNext = end !== undefined || found.length > PAGE_SIZE;
  return {
    deliveries: order === 'newest first' ? rows : rows.toReversed(),
    ...(hasNext && next !== undefined && { [onward]: formatCursor({ to: onward, ...next }) }),
    ...(cursor !== undefined && { [backward]: formatCursor({ to: backward, ...backFrom(cursor, first) }) }),
    ...(!isFull && end !== undefined && { readTo: end.at }),
  };
}

/** The position that the page before this one is read from. An empty page has no row, and its cursor's own row belongs to that page. */
function backFrom({ to, at }: Cursor, first: FoundDelivery | undefined): Position {
  if (first !== undefined) return positionOf(first);
  return { at, id: to === 'older' ? '' : LAST_ID };
}

interface Found {
  /** In the order in which they are read; more than a page if there are more. */
  readonly found: readonly FoundDelivery[];
  /** Where the reader stopped; absent if it has read everything. */
  readonly end?: Position;
}

async function readPage(query: DeliveryQuery, order: ListOrder, source: PageSource, work: PageWork): Promise<Found> {
  const { integrationId, cursor } = query;
  const { onRead, signal: abortSignal, maxQueries = MAX_QUERIES } = work;
  const isByEvent = canBeEvent(query);
  let queries = 0;
  const page: PageReader = {
    ...{ query, order, source, work, found: [] },
    span: remaining(query.span, cursor, order),
    // The one more says whether there is another page. Where most rows do not match, it could take long to find.
    enough: isFiltered(query) ? PAGE_SIZE : PAGE_SIZE + 1,
    isSpent: () => queries >= maxQueries,
    options: {
      abortSignal,
      onRead(reading) {
        queries += 1;
        onRead(reading);
      },
    },
  };
  const { found } = page;
  let readTo: Position | undefined;
  for await (const days of source.lists.days(page.span, order, page.options)) {
    if (readTo !== undefined && (found.length >= page.enough || page.isSpent())) return { found, end: readTo };
    const own = days.filter((day) => integrationId === undefined || day.integrationId === integrationId);
    readTo = endOf(days[0]?.day ?? '', order);
    const parts = own.flatMap((day) => partsOf(day, isByEvent ? ['record', 'event'] : ['record']));
    const end = parts.length === 0 ? undefined : await readDay(parts, readTo, page);
    if (end !== undefined) return { found, end };
  }
  return { found };
}

/** What reads one page. */
interface PageReader {
  readonly query: DeliveryQuery;
  readonly order: ListOrder;
  readonly source: PageSource;
  readonly work: PageWork;
  readonly options: { readonly abortSignal: AbortSignal | undefined; onRead(reading: Reading): void };
  readonly span: Span;
  readonly found: FoundDelivery[];
  /** Number of deliveries after which it stops. */
  readonly enough: number;
  isSpent(): boolean;
}

/** Adds the deliveries of a day to those found. @returns where it stopped; undefined at the end of the day */
async function readDay(parts: readonly ListPart[], dayEnd: Position, page: PageReader): Promise<Position | undefined> {
  const { query, order, source, span, found, options, work } = page;
  const isByEvent = canBeEvent(query);
  let after: Position | undefined = query.cursor;
  do {
    let reported = 0;
    const report = async (all: readonly FoundDelivery[], { at, id }: Position) => {
      const added = all.slice(reported, PAGE_SIZE - found.length);
      reported += added.length;
      const to = order === 'newest first' ? 'older' : 'newer';
      const isBegun = at !== span.until;
      await work.onProgress?.({ added, to, cursor: formatCursor({ to, at, id }), ...(isBegun && { readTo: at }) });
    };
    const { entries, end } = await readInOrder(
      source.lists,
      {
        ...{ parts, span, order, after },
        atMost: isByEvent && isFiltered(query) ? KEPT_TO_FILTER : page.enough - found.length,
        limit: limitOf(query, parts.length),
        ...(!isByEvent && { filter: filterOf(query) }),
      },
      {
        ...options,
        isSpent: page.isSpent,
        // What is listed by its event only is not known before its record is read.
        onRound: (final, upTo) => report(isByEvent ? [] : final, upTo),
      },
    );
    const deliveries = (await readStanding(entries, source.table, work)).filter((one) => isFound(one, query));
    await report(deliveries, end ?? dayEnd);
    found.push(...deliveries);
    after = end;
  } while (after !== undefined && found.length < page.enough && !page.isSpent());
  return after;
}

/** Whether deliveries may match that only their event lists: the others have a record that says their state and reason. */
function canBeEvent({ state, reason }: DeliveryQuery): boolean {
  return reason === undefined && (state === undefined || IN_FLIGHT.includes(state));
}

function isFiltered({ state, reason }: DeliveryQuery): boolean {
  return state !== undefined || reason !== undefined;
}

function limitOf(query: DeliveryQuery, parts: number): number {
  if (isFiltered(query)) return FILTERED_LIMIT;
  // Half of the partitions list events, which most records are listed with.
  return Math.max(LEAST_LIMIT, Math.ceil((2 * PAGE_SIZE) / (parts / 2)));
}

function filterOf({ state, reason }: DeliveryQuery) {
  return { ...(state !== undefined && { states: [state] }), ...(reason !== undefined && { reason }) };
}

function isFound(delivery: FoundDelivery, { state, reason }: DeliveryQuery): boolean {
  return (
    (state === undefined || delivery.state === state) &&
    (reason === undefined || delivery.reason?.includes(reason) === true)
  );
}

function remaining({ from, until }: Span, cursor: Cursor | undefined, order: ListOrder): Span {
  if (cursor === undefined) return { from, until };
  if (order === 'newest first') return { from, until: cursor.at < until ? cursor.at : until };
  return { from: cursor.at > from ? cursor.at : from, until };
}

/** The place after everything of a day: where the next day begins, so that a page that goes on there does not read this one. */
function endOf(day: string, order: ListOrder): Position {
  const neighbour = Date.parse(`${day}T00:00:00.000Z`) + (order === 'newest first' ? -1 : DAY_MS);
  return { at: new Date(neighbour).toISOString(), id: order === 'newest first' ? LAST_ID : '' };
}
