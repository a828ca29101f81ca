import type { Span } from '../../lambdas/ledger/ports.ts';
import type {
  ListOrder,
  ListPages,
  ListPart,
  PartEnd,
  PartEntry,
  PartQuery,
  ReadOptions,
} from '../../lambdas/ledger/table/list-pages.ts';
import { comparePositions, LAST_ID, type Position } from './page-cursor.ts';

/** Queries in parallel. */
const AT_A_TIME = 16;

/** What is read of a day, which has many partitions, each in order. */
export interface DayReading {
  readonly parts: readonly ListPart[];
  readonly span: Span;
  readonly order: ListOrder;
  /** Only what comes after this position, in the order of the list. */
  readonly after: Position | undefined;
  /** Entries that are returned at the most. It limits the memory, too. */
  readonly atMost: number;
  /** Rows that a query reads at the most. */
  readonly limit: number;
  readonly filter?: PartQuery['filter'];
}

export interface ReadWork extends ReadOptions {
  /** Whether the reader is to return what it has. It reads on until it has passed its first position. */
  isSpent(): boolean;
  /** Called after each round of queries. @param upTo everything before it has been read; the entries before it are final */
  onRound?(entries: readonly PartEntry[], upTo: Position): Promise<void>;
}

export interface InOrder {
  /** In order, each position once: a delivery's record replaces its event. */
  readonly entries: readonly PartEntry[];
  /** Up to where the day was read; absent if nothing is left of it. */
  readonly end?: Position;
}

interface PartState {
  readonly part: ListPart;
  /** All before it has been read. */
  upTo: Position;
  startKey: PartEnd | undefined;
  isDone: boolean;
}

/**
 * The next entries of a day in order, which no single partition has. Of each partition it reads as far as the best entries
 * found so far reach, the furthest behind first, and keeps no more than `atMost` entries, however many the day has.
 *
 * @throws LedgerUnavailable
 */
export async function readInOrder(
  source: Pick<ListPages, 'page'>,
  reading: DayReading,
  work: ReadWork,
): Promise<InOrder> {
  const { parts, order, atMost } = reading;
  const compare =
    order === 'newest first' ? (one: Position, other: Position) => comparePositions(other, one) : comparePositions;
  const first = reading.after ?? firstOf(reading);
  const best = createBest(atMost, compare);
  const states = parts.map((part): PartState => ({ part, upTo: first, startKey: undefined, isDone: false }));
  for (;;) {
    const last = best.last();
    const behind = states
      .filter(({ isDone, upTo }) => !isDone && (last === undefined || compare(upTo, last) < 0))
      .toSorted((one, other) => compare(one.upTo, other.upTo));
    const [furthestBehind] = behind;
    if (furthestBehind === undefined) {
      const isWhole = !best.hasDropped() && states.every(({ isDone }) => isDone);
      return { entries: best.entries(), ...(last !== undefined && !isWhole && { end: last }) };
    }
    const { upTo } = furthestBehind;
    if (work.isSpent() && compare(upTo, first) > 0) return { entries: best.entriesBefore(upTo), end: upTo };
    await Promise.all(
      behind.slice(0, AT_A_TIME).map(async (state) => {
        for (const entry of await readOn(state, source, reading, work)) {
          if (compare(positionOf(entry), first) > 0) best.add(entry);
        }
      }),
    );
    await work.onRound?.(best.entriesBefore(upTo), upTo);
  }
}

export function positionOf({ accepted_at, webhook_id }: Pick<PartEntry, 'accepted_at' | 'webhook_id'>): Position {
  return { at: accepted_at, id: webhook_id };
}

/** The place before everything in a span. */
function firstOf({ span: { from, until }, order }: Pick<DayReading, 'span' | 'order'>): Position {
  return order === 'newest first' ? { at: until, id: LAST_ID } : { at: from, id: '' };
}

/** Reads a page of a partition. @returns its entries */
async function readOn(
  state: PartState,
  source: Pick<ListPages, 'page'>,
  { span, order, limit, filter, after }: DayReading,
  work: ReadWork,
): Promise<readonly PartEntry[]> {
  const { entries, end } = await source.page(
    {
      ...{ part: state.part, span: after === undefined ? span : from(span, after, order), order, limit },
      ...(filter !== undefined && { filter }),
      ...(state.startKey !== undefined && { startKey: state.startKey }),
    },
    work,
  );
  if (end === undefined) state.isDone = true;
  else {
    state.startKey = end;
    // Others of the same time may follow, in no order.
    state.upTo = { at: end.acceptedAt, id: order === 'newest first' ? LAST_ID : '' };
  }
  return entries;
}

/** What is left of a span. Those of the position's own time are read again: the index has them in no order. */
function from(span: Span, { at }: Position, order: ListOrder): Span {
  return order === 'newest first' ? { from: span.from, until: at } : { from: at, until: span.until };
}

/** Keeps the first entries in order, each position once. */
function createBest(atMost: number, compare: (one: Position, other: Position) => number) {
  const kept: PartEntry[] = [];
  let hasDropped = false;
  /** Index of the first entry that is not before a position. */
  const indexOf = (position: Position) => {
    let [low, high] = [0, kept.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compare(positionOf(kept[middle] as PartEntry), position) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return {
    add(entry: PartEntry): void {
      const position = positionOf(entry);
      const at = indexOf(position);
      const standing = kept[at];
      if (standing !== undefined && compare(positionOf(standing), position) === 0) {
        if (entry.kind === 'record') kept[at] = entry;
        return;
      }
      if (at < atMost) kept.splice(at, 0, entry);
      hasDropped ||= at >= atMost || kept.length > atMost;
      if (kept.length > atMost) kept.pop();
    },
    hasDropped: () => hasDropped,
    /** The last position that counts; undefined while there is room. */
    last: (): Position | undefined => (kept.length < atMost ? undefined : positionOf(kept[atMost - 1] as PartEntry)),
    entries: (): readonly PartEntry[] => kept,
    entriesBefore: (position: Position): readonly PartEntry[] => kept.slice(0, indexOf(position)),
  };
}
