import type { EnterpriseIdForm } from '../shared/environment.ts';
/** What the warehouse is asked about: one learner in one course of one enterprise. */
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

/** What the warehouse holds for a key: a sum (which may be 0), or no rows at all. */
export type LearningTime =
  | {
      readonly found: true;
      readonly totalSeconds: number /** YYYY-MM-DD, the last batch date. */;
      readonly lastDate: string;
    }
  | { readonly found: false };

/** One string for one key, for maps and for the cache; the template is document 001's, appendix B. */
export function learnerKeyText({ userId, courseId, enterpriseId }: LearnerKey): string {
  return `learning_time:${userId}:${courseId}:${enterpriseId}`;
}

/** Why a key has no result although the warehouse was reached: its row could not be read. */
export type KeyFailure = { readonly failed: true; readonly reason: string };

/**
 * The warehouse, as the pipeline sees it. Behind this port stands `snowflake-sdk`; another way of asking can stand
 * beside it.
 */
export interface Warehouse {
  /**
   * Asks for all keys in one query. Every key of `keys` is in the result, by `learnerKeyText`.
   *
   * @param deadlineMs for everything: secret, login and query
   * @throws WarehouseUnavailable when the deadline passes or the warehouse refuses
   * @throws WarehouseSkipped at once, where it has failed too often just now
   */
  query(keys: readonly LearnerKey[], deadlineMs: number): Promise<ReadonlyMap<string, LearningTime | KeyFailure>>;
}

/** The cache of learning times. It never throws: a cache that is down has no hits and stores nothing. */
export interface LearningTimeCache {
  /** The hits among `keys`, by `learnerKeyText`; each command is bounded by 200 ms. */
  read(keys: readonly LearnerKey[]): Promise<ReadonlyMap<string, LearningTime>>;
  /** Stores learning times for `ttlSeconds` ±10%. Resolves when stored, or after 200 ms at most. */
  write(answers: ReadonlyMap<string, LearningTime>, ttlSeconds: number): Promise<void>;
}
