import * as z from 'zod';
import { courseIdSchema, enterpriseIdSchema } from '../events/event.ts';
import type { LearnerKey } from './learning-time.ts';
import type { ChangeToken } from './warming.ts';

/** Known sums per check: the number of keys of a full batch. */
export const MAX_SAMPLES = 100;

/** One learner's sum, known from another source. */
export const knownSumSchema = z.strictObject({
  /** Digits only; 18 digits fit every INTEGER column. */
  user_id: z.string().regex(/^\d{1,18}$/, 'must be 1-18 digits'),
  course_id: courseIdSchema,
  enterprise_customer_uuid: enterpriseIdSchema,
  total_seconds: z.int('must be a whole number').min(0, 'must be a whole number from 0'),
});
export type KnownSum = z.infer<typeof knownSumSchema>;

/** The input of the function CheckWarehouse, which `./ltw check-warehouse` invokes. */
export const checkWarehouseRequestSchema = z.strictObject({
  sample: z.array(knownSumSchema).min(1).max(MAX_SAMPLES).optional(),
});

/** In order: each check requires the previous ones. */
export const WAREHOUSE_CHECKS = [
  'secret',
  'login',
  'role',
  'warehouse',
  'table',
  'columns',
  'row',
  'changes',
  'sample',
] as const;
export type WarehouseCheckName = (typeof WAREHOUSE_CHECKS)[number];

/** The result of one check. It contains no secret and no user name, and of a learner only the key. */
export interface WarehouseCheck {
  readonly check: WarehouseCheckName;
  /** `not_made`: the check was not possible, for the reason in `finding`. It does not count as passed. */
  readonly verdict: 'yes' | 'no' | 'not_made';
  /** What the check found, as text. */
  readonly finding: string;
  /** A problem that does not fail the check. */
  readonly warning?: string;
  /** How to fix a failed check. */
  readonly remedy?: string;
  /** The known sums that differ from the warehouse's, as text. */
  readonly differences?: readonly string[];
}

export interface CheckWarehouseReport {
  /** In the order of `WAREHOUSE_CHECKS`; `sample` only if the request has one. */
  readonly checks: readonly WarehouseCheck[];
}

/** Why a step failed. `reason` contains codes only, no text of Snowflake. */
export interface InspectionFailure {
  /** After `statement` the session is still usable; after the others it is not. */
  readonly kind: 'refused' | 'gone' | 'statement' | 'unreachable';
  /** A code of Snowflake, the SDK or the system; `deadline` after a timeout. */
  readonly code: string;
  readonly reason: string;
}

/** A step's result with its duration, in milliseconds, or its failure. */
export type Inspected<T> =
  | { readonly ok: true; readonly value: T; readonly ms: number }
  | { readonly ok: false; readonly failure: InspectionFailure };

/** A column in the metadata of a result, with the names of Snowflake's wire protocol. */
export interface WarehouseColumn {
  readonly name: string;
  /** `fixed`, `real`, `text`, `date`, `timestamp_ntz` and others. */
  readonly type: string;
  /** Decimals of `fixed`. */
  readonly scale: number | null;
}

/**
 * One session of the warehouse, step by step. Each step ends within its limit, in milliseconds, and never throws. After a
 * failure other than `statement` the only further call is `close`.
 */
export interface WarehouseInspector {
  /** @returns the part of the step's duration that loading the SDK took, in milliseconds */
  logIn(limitMs: number): Promise<Inspected<{ readonly sdkMs: number }>>;
  /** The role and the warehouse of the session; null if it has none. */
  context(limitMs: number): Promise<Inspected<{ readonly role: string | null; readonly warehouse: string | null }>>;
  columns(limitMs: number): Promise<Inspected<readonly WarehouseColumn[]>>;
  /** The key of one row, as text; undefined if no row is visible. */
  anyKey(limitMs: number): Promise<Inspected<readonly unknown[] | undefined>>;
  /** The rows for a key, by the pipeline's own query. */
  rowsOf(key: LearnerKey, limitMs: number): Promise<Inspected<readonly unknown[]>>;
  /** The table's change token, in a second session, which has no warehouse; undefined if the table has none. */
  changeToken(limitMs: number): Promise<Inspected<ChangeToken | undefined>>;
  /** Ends the sessions without waiting. Never throws. */
  close(): void;
}
