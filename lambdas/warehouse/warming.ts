import type { ChangeToken } from './change-token.ts';
import type { LearnerKey, LearningTime } from './learning-time.ts';

export type { ChangeToken };

/** Which learning times a warm run loads. */
export interface WarmSelection {
  /** In canonical form, at least one. */
  readonly enterpriseIds: readonly string[];
  /** Learners with activity in this number of days, from 1. Their sums are over all time. */
  readonly activeDays: number;
  /** The newest activity comes first, so that the limit drops the oldest. From 1. */
  readonly maxRows: number;
}

/** One row of the warm query: a learning time, or the reason why the row cannot be read. */
export type WarmRow =
  | { readonly key: LearnerKey; readonly learningTime: LearningTime }
  | { readonly unreadable: string };

/** The warehouse as `WarmCache` reads it. `snowflake/warming.ts` implements it. */
export interface WarmingWarehouse {
  /**
   * Reads the table's change token, in a session without a warehouse: it starts none.
   *
   * @throws WarehouseUnavailable
   */
  changeToken(deadlineMs: number): Promise<ChangeToken>;
  /**
   * Starts the query and waits until its result is complete.
   *
   * @returns the query's id, with which its result can be read for 24 hours, and the number of its rows
   * @throws WarehouseUnavailable
   */
  start(selection: WarmSelection, deadlineMs: number): Promise<{ readonly queryId: string; readonly rows: number }>;
  /**
   * Streams the result of a query, in its order, from a row on. Holds at most a few chunks in memory: the reader's pace is
   * the stream's.
   *
   * @param fromRow number of rows to leave out, from 0
   * @param idleMs longest wait for the next rows
   * @throws WarehouseUnavailable also in the middle of the stream
   * @throws WarmResultGone if Snowflake does not have the result any more
   */
  rows(queryId: string, fromRow: number, idleMs: number): AsyncIterable<readonly WarmRow[]>;
  /** Discards the connections, and waits up to 1 s for the logouts. */
  close(): Promise<void>;
}

/** How far a warm run has come. Kept in Valkey, so that the next run continues it. */
export interface WarmProgress {
  readonly token: ChangeToken;
  /** Names the set of enterprises, and all else that decides what the query selects. */
  readonly selectionId: string;
  readonly queryId: string;
  readonly totalRows: number;
  /** Number of rows whose entries Valkey has confirmed. */
  readonly confirmedRows: number;
  /** Of those, the rows that could not be read. */
  readonly unreadableRows: number;
  /** When the query was started: ISO 8601. */
  readonly startedAt: string;
  /** An operator has accepted that the table lost many rows. */
  readonly isShrinkAccepted: boolean;
}

/** The marker of the last complete warm run. It is written last. */
export interface WarmMarker {
  readonly token: ChangeToken;
  readonly selectionId: string;
  /** Number of entries. */
  readonly rows: number;
  /** ISO 8601. */
  readonly completedAt: string;
}

/** A learning time to store. */
export interface WarmEntry {
  readonly key: LearnerKey;
  readonly learningTime: LearningTime;
}

/** Warmed entries in Valkey. `warm-store.ts` implements it. */
export interface WarmStore {
  /** @returns undefined also if it is unreadable, which is logged. @throws CacheUnavailable */
  readMarker(): Promise<WarmMarker | undefined>;
  /** @returns undefined also if it is unreadable, which is logged. @throws CacheUnavailable */
  readProgress(): Promise<WarmProgress | undefined>;
  /**
   * Stores the progress of a new query.
   *
   * @throws CacheUnavailable
   */
  writeProgress(progress: WarmProgress): Promise<void>;
  /**
   * Replaces the progress, if there is one.
   *
   * @returns false if there is none: Valkey was emptied, and has lost entries that it had confirmed
   * @throws CacheUnavailable
   */
  advanceProgress(progress: WarmProgress): Promise<boolean>;
  /**
   * Stores entries that live for 50 hours and hold the token, in pipelines of bounded size and at half of the cache's ECPUs: a
   * second for 2,500 entries where the limit is 5,000. Resolves when Valkey has confirmed all.
   *
   * @param entries any number: the caller's unit of progress
   * @throws CacheUnavailable if one was not confirmed, also when Valkey is full
   */
  write(entries: readonly WarmEntry[], token: ChangeToken): Promise<void>;
  /**
   * Ends a run: writes the marker, and then removes the progress. A run that is killed between the two has ended: the next one
   * finds the marker. From then on readers take entries with an older token for misses, which removes rows that disappeared
   * from the table.
   *
   * @returns false if there was no progress to remove, as in `advanceProgress`, or because another run at the same time has ended
   * first. Then the marker that was there before is put back; without one, this one is removed again
   * @throws CacheUnavailable
   */
  complete(marker: WarmMarker): Promise<boolean>;
  close(): Promise<void>;
}
