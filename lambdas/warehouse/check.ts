import * as z from 'zod';
import { courseIdSchema, enterpriseIdSchema } from '../events/event.ts';
import type { LearnerKey } from './learning-time.ts';

/** Known sums that are compared in one check: as many keys as a full batch asks for. */
export const MAX_SAMPLES = 100;

/** One learner's sum, known from another source. */
export const knownSumSchema = z.strictObject({
  /** Digits only: 18 of them fit every INTEGER column. */
  user_id: z.string().regex(/^\d{1,18}$/, 'must be 1-18 digits'),
  course_id: courseIdSchema,
  enterprise_customer_uuid: enterpriseIdSchema,
  total_seconds: z.int('must be a whole number').min(0, 'must be a whole number from 0'),
});
export type KnownSum = z.infer<typeof knownSumSchema>;

/** What `./ltw check-warehouse` asks of the function CheckWarehouse. */
export const checkWarehouseRequestSchema = z.strictObject({
  sample: z.array(knownSumSchema).min(1).max(MAX_SAMPLES).optional(),
});

/** In the order in which they are made: each needs the ones before it. */
export const WAREHOUSE_CHECKS = ['secret', 'login', 'role', 'warehouse', 'table', 'columns', 'row', 'sample'] as const;
export type WarehouseCheckName = (typeof WAREHOUSE_CHECKS)[number];

/** One thing that must be so. Holds no secret, no name of a user, and of a learner the key alone. */
export interface WarehouseCheck {
  readonly check: WarehouseCheckName;
  /** `not_made`: it could not be, and `finding` says why. Never counted as yes. */
  readonly verdict: 'yes' | 'no' | 'not_made';
  /** What was found, in words. */
  readonly finding: string;
  /** What is well today and will not stay so. */
  readonly warning?: string;
  /** What repairs it, where it is no. */
  readonly remedy?: string;
  /** Each known sum that the warehouse does not give back, in words. */
  readonly differences?: readonly string[];
}

export interface CheckWarehouseReport {
  /** In the order of `WAREHOUSE_CHECKS`; `sample` is there only where one was given. */
  readonly checks: readonly WarehouseCheck[];
}

/** Why a step failed. `reason` holds codes only, no text of Snowflake's. */
export interface InspectionFailure {
  /** After `statement` the session is well; after anything else it is over. */
  readonly kind: 'refused' | 'gone' | 'statement' | 'unreachable';
  /** Snowflake's, the SDK's or the system's; `deadline` where there was no response in time. */
  readonly code: string;
  readonly reason: string;
}

/** A step's result with how long it took, in milliseconds, or why there is none. */
export type Inspected<T> =
  | { readonly ok: true; readonly value: T; readonly ms: number }
  | { readonly ok: false; readonly failure: InspectionFailure };

/** A column as the warehouse describes it beside the rows, with the names of Snowflake's wire protocol. */
export interface WarehouseColumn {
  readonly name: string;
  /** `fixed`, `real`, `text`, `date`, `timestamp_ntz` and others. */
  readonly type: string;
  /** Digits after the point, of `fixed`. */
  readonly scale: number | null;
}

/** One session of the warehouse, step by step. Each step ends within its limit, in milliseconds, and throws nothing. */
export interface WarehouseInspector {
  /** @returns how long loading the SDK took, in milliseconds, of the step's whole time */
  logIn(limitMs: number): Promise<Inspected<{ readonly sdkMs: number }>>;
  /** The role and the warehouse of the session; null where it has none. */
  context(limitMs: number): Promise<Inspected<{ readonly role: string | null; readonly warehouse: string | null }>>;
  columns(limitMs: number): Promise<Inspected<readonly WarehouseColumn[]>>;
  /** The key of some row, as text; undefined where the table shows no row. */
  anyKey(limitMs: number): Promise<Inspected<readonly unknown[] | undefined>>;
  /** The rows for a key, by the pipeline's own query. */
  rowsOf(key: LearnerKey, limitMs: number): Promise<Inspected<readonly unknown[]>>;
  /** Ends the session, without waiting. Never throws. */
  close(): void;
}
