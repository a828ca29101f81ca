import * as z from 'zod';
import { integrationIdSchema } from '../events/event.ts';
import { DELIVERY_STATES } from './record.ts';

const DEFAULT_DAYS = 4;

/** Input of the function Reconcile. The schedule sends `{"incremental": true}`. */
const inputSchema = z.strictObject({
  /**
   * Lists what was accepted since the last such run, and reads what was open then. It covers all integrations and changes the
   * ledger, so that it takes none of `days`, `dry_run` and `integration_id`.
   */
  incremental: z.boolean().default(false),
  /** Number of UTC days of acceptance, today included. */
  days: z.int().min(1).max(400).default(DEFAULT_DAYS),
  /** A delivery that is in flight, or overdue, for longer is stuck. In seconds. */
  in_flight_bound_seconds: z.number().min(0).max(604_800).default(1800),
  /** Changes nothing; the report contains what would be done. */
  dry_run: z.boolean().default(false),
  /** Limits the run to one integration. Default: all. */
  integration_id: integrationIdSchema.optional(),
});
export const reconcileInputSchema = inputSchema.superRefine((input, context) => {
  const { incremental, days, dry_run, integration_id } = input;
  if (!incremental || (days === DEFAULT_DAYS && !dry_run && integration_id === undefined)) return;
  context.addIssue({ code: 'custom', path: ['incremental'], message: 'takes no days, dry_run or integration_id' });
});
/** Before defaults are filled in. */
export type ReconcileInput = z.input<typeof reconcileInputSchema>;
/** With defaults. */
export type ReconcileRequest = z.output<typeof reconcileInputSchema>;

/** Largest number of stuck deliveries in a report: a Lambda response has at most 6 MB. */
export const MAX_NAMED_STUCK = 1000;

/**
 * What was done with a stuck delivery. `would_resend`: a dry run. `failed`: the log has the reason, and the next run
 * retries. `impossible`: its payload is not in the ledger. `no_time`: the run ran out of time.
 */
const STUCK_ACTIONS = ['resent', 'would_resend', 'failed', 'impossible', 'no_time'] as const;

/** A delivery that does not balance. No personal data. */
const stuckDeliverySchema = z.object({
  webhook_id: z.string(),
  integration_id: integrationIdSchema,
  state: z.enum(DELIVERY_STATES),
  /** When it entered that state, or, if it is overdue, when it was due. */
  since: z.iso.datetime(),
  /** For the operator. */
  why: z.string(),
  action: z.enum(STUCK_ACTIONS),
});
export type StuckDelivery = z.infer<typeof stuckDeliverySchema>;

/** States in which a delivery is accounted for: it has ended, or a message or an execution carries it. */
export const COUNTED_STATES = ['delivered', 'scheduled', 'parked', 'dead', 'filtered', 'cancelled'] as const;
export type CountedState = (typeof COUNTED_STATES)[number];

const count = z.int().min(0);

/**
 * Response of the function Reconcile. `accepted` is the sum of `states`, `in_flight` and `unbalanced` as the run found
 * them; the counts after them are of the run's own changes.
 */
export const reconcileReportSchema = z.object({
  /** The span of acceptance times. */
  from: z.iso.datetime(),
  until: z.iso.datetime(),
  /** Number of integrations with an accepted event in the span. */
  integrations: count,
  accepted: count,
  states: z.record(z.enum(COUNTED_STATES), count),
  /** Accepted or delivering for less than the bound, with an active lease, or with an outcome that may be queued. */
  in_flight: count,
  /** Neither in a counted state nor in flight: all stuck deliveries, also those that `stuck` has no room for. */
  unbalanced: count,
  is_balanced: z.boolean(),
  /** The first stuck deliveries found. */
  stuck: z.array(stuckDeliverySchema).max(MAX_NAMED_STUCK),
  /**
   * Approximate number of outcomes in the outcomes queue. If there are any, stuck deliveries count as in flight, and
   * nothing is resent, released or ended. Null: SQS did not respond, and the run changed nothing either.
   */
  outcomes_waiting: count.nullable(),
  /** Parked deliveries released, or in a dry run, to release. */
  released: count,
  /** Deliveries parked for over 72 hours that are now dead, or in a dry run, would be. */
  ended: count,
  /** Stuck deliveries resent, or in a dry run, to resend. */
  resent: count,
  /** Number of actions that failed. */
  failed: count,
  is_dry_run: z.boolean(),
  /** False if time ran out: some days are not counted, or some actions are left to the next run. */
  is_complete: z.boolean(),
});
export type ReconcileReport = z.infer<typeof reconcileReportSchema>;
