import * as z from 'zod';
import { integrationIdSchema } from '../events/event.ts';
import { WEBHOOK_STATES } from './record.ts';

/** What is asked of the function Reconcile. A schedule sends `{}` or `{"days": 15}`, always the same. */
export const reconcileInputSchema = z.strictObject({
  /** UTC days of acceptance to look at, today included. */
  days: z.int().min(1).max(400).default(4),
  /** What is in flight, or overdue, for longer is stuck. In seconds. */
  in_flight_bound_seconds: z.number().min(0).max(604_800).default(1800),
  /** Changes nothing: the report has what would be done. */
  dry_run: z.boolean().default(false),
  /** That one only. Default: all. */
  integration_id: integrationIdSchema.optional(),
});
/** As it is sent. */
export type ReconcileInput = z.input<typeof reconcileInputSchema>;
/** As it is read, defaults filled in. */
export type ReconcileRequest = z.output<typeof reconcileInputSchema>;

/** Stuck webhooks that a report names: a Lambda response has at most 6 MB. */
export const MAX_NAMED_STUCK = 1000;

/**
 * What was done with a stuck webhook. `would_republish`: a dry run. `failed`: the log says why, and the next run tries
 * again. `impossible`: the ledger does not hold its payload. `no_time`: the run had to end before.
 */
export const STUCK_ACTIONS = ['republished', 'would_republish', 'failed', 'impossible', 'no_time'] as const;

/** A webhook that does not balance. No personal data. */
export const stuckWebhookSchema = z.object({
  webhook_id: z.string(),
  integration_id: integrationIdSchema,
  state: z.enum(WEBHOOK_STATES),
  /** When it entered that state; of one that waits, when it was due. */
  since: z.iso.datetime(),
  /** In words. */
  why: z.string(),
  action: z.enum(STUCK_ACTIONS),
});
export type StuckWebhook = z.infer<typeof stuckWebhookSchema>;

/** States that account for a webhook: it has ended, or a message or an execution carries it. */
export const COUNTED_STATES = ['delivered', 'scheduled', 'parked', 'dead', 'filtered', 'cancelled'] as const;
export type CountedState = (typeof COUNTED_STATES)[number];

const count = z.int().min(0);

/**
 * What the function Reconcile returns. `accepted` is the sum of `states`, `in_flight` and `unbalanced`, as they were
 * found: what this run itself changed is counted below them.
 */
export const reconcileReportSchema = z.object({
  /** The span looked at, by when webhooks were accepted. */
  from: z.iso.datetime(),
  until: z.iso.datetime(),
  /** Of which something was accepted in the span. */
  integrations: count,
  accepted: count,
  states: z.record(z.enum(COUNTED_STATES), count),
  /** Accepted or delivering for less than the bound, or under a lease that has not ended; or its outcome may wait. */
  in_flight: count,
  /** Neither in a counted state nor in flight: all that are stuck, whether named or not. */
  unbalanced: count,
  is_balanced: z.boolean(),
  /** The first ones found. */
  stuck: z.array(stuckWebhookSchema).max(MAX_NAMED_STUCK),
  /**
   * Outcomes that wait in their queue for the ledger, about. Where there are any, what looks stuck counts as in flight, and
   * nothing is sent again, released or ended. Null: SQS did not respond, and nothing was done either.
   */
  outcomes_waiting: count.nullable(),
  /** Parked ones sent on; in a dry run, that would be. */
  released: count,
  /** Parked for over 72 hours, now dead; in a dry run, that would be. */
  ended: count,
  /** Stuck ones resent; in a dry run, that would be. */
  republished: count,
  /** Actions that failed. */
  failed: count,
  is_dry_run: z.boolean(),
  /** False where time ran out: some days are not counted, or something is left to do. */
  is_complete: z.boolean(),
});
export type ReconcileReport = z.infer<typeof reconcileReportSchema>;
