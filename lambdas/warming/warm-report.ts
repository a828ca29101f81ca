import * as z from 'zod';

/** Input of the function WarmCache. Its schedule sends `{}`. */
export const warmInputSchema = z.strictObject({
  /** Starts no query and writes nothing; the report says what a run would do. */
  dry_run: z.boolean().default(false),
  /** Loads the table although it has lost more than a fifth of its rows. */
  accept_shrunk: z.boolean().default(false),
});
export type WarmInput = z.input<typeof warmInputSchema>;
export type WarmRequest = z.output<typeof warmInputSchema>;

/**
 * How a run ended. `nothing_enabled`: the flag is on for no known enterprise. `current`: the cache holds this version of the
 * table. `waiting`: the table was changed less than 30 minutes ago. `due`: a dry run that would have warmed. `complete`: all
 * rows are in the cache. `out_of_time`: the next run continues. `shrunk`: the table has lost more than a fifth of its rows, and
 * an operator has to accept that.
 */
export const WARM_RESULTS = [
  'nothing_enabled',
  'current',
  'waiting',
  'due',
  'complete',
  'out_of_time',
  'shrunk',
] as const;
export type WarmResult = (typeof WARM_RESULTS)[number];

const count = z.int().min(0);

/** Response of the function WarmCache. No personal data, and no ids of enterprises. */
export const warmReportSchema = z.object({
  result: z.enum(WARM_RESULTS),
  /** Why it warmed, or would have; null if it did not. */
  reason: z.string().nullable(),
  /** Enterprises whose learners are loaded. */
  enterprises: count,
  /** Active integrations whose enterprises are unknown, and enterprises above the limit. */
  read_through: count,
  /** When the table was last changed; null if nothing is enabled. */
  table_changed_at: z.iso.datetime().nullable(),
  /** Rows of the query; null if there was none. */
  rows: count.nullable(),
  /** Rows whose entries are in the cache, and those that could not be read; of earlier runs of this query too. */
  confirmed: count,
  unreadable: count,
  /** The last complete run, this one included; null if there is none. */
  last_complete: z
    .object({ completed_at: z.iso.datetime(), table_changed_at: z.iso.datetime(), entries: count })
    .nullable(),
});
export type WarmReport = z.infer<typeof warmReportSchema>;
