import type { EnterpriseIdForm } from '../shared/environment.ts';
import type { ChangeToken } from './change-token.ts';

/** The key of a learning time: one learner in one course of one enterprise. */
export interface LearnerKey {
  /** Digits only: the warehouse's column is an INTEGER. */
  readonly userId: string;
  readonly courseId: string;
  /** In canonical form. */
  readonly enterpriseId: string;
}

/** @param enterpriseId in canonical form */
export function inForm(enterpriseId: string, form: EnterpriseIdForm): string {
  const digits = form.endsWith('undashed') ? enterpriseId.replaceAll('-', '') : enterpriseId;
  return form.startsWith('upper') ? digits.toUpperCase() : digits;
}

/** What the warehouse has for a key: a sum (which may be 0), or no rows. */
export type LearningTime =
  | {
      readonly found: true;
      readonly totalSeconds: number;
      /** The last batch date, YYYY-MM-DD. */
      readonly lastDate: string;
    }
  | { readonly found: false };

/** The text of a key, for maps and for the cache (requirement T6). */
export function learnerKeyText({ userId, courseId, enterpriseId }: LearnerKey): string {
  return `learning_time:${userId}:${courseId}:${enterpriseId}`;
}

/** A key whose row could not be read. */
export type KeyFailure = { readonly failed: true; readonly reason: string };

/**
 * The warehouse. `snowflake/warehouse.ts` implements this port with `snowflake-sdk`.
 */
export interface Warehouse {
  /**
   * Queries all keys at once. Every key of `keys` is in the result, by `learnerKeyText`.
   *
   * @param deadlineMs for everything: secret, login and query
   * @throws WarehouseUnavailable if the deadline passes or the warehouse refuses
   * @throws WarehouseSkipped immediately, if the circuit breaker is open
   */
  query(keys: readonly LearnerKey[], deadlineMs: number): Promise<ReadonlyMap<string, LearningTime | KeyFailure>>;
}

/** What the cache had for some keys. */
export interface CacheLookup {
  /** By `learnerKeyText`. */
  readonly hits: ReadonlyMap<string, LearningTime>;
  /** The change token of the last complete warm run at that time, undefined if none is known. */
  readonly warmed: ChangeToken | undefined;
}

/** The cache of learning times. Never throws: a cache that is down has no hits and stores nothing. */
export interface LearningTimeCache {
  /** Looks up keys. Each command has a timeout of 200 ms. */
  read(keys: readonly LearnerKey[]): Promise<CacheLookup>;
  /**
   * Stores learning times for `ttlSeconds` ±10%, rounded, except over an entry that is as new or newer. Resolves when stored,
   * or after 200 ms.
   *
   * @param warmed of the lookup that had no hit, before the warehouse was queried: the answers are at least as new
   */
  write(
    learningTimes: ReadonlyMap<string, LearningTime>,
    ttlSeconds: number,
    warmed: ChangeToken | undefined,
  ): Promise<void>;
}
