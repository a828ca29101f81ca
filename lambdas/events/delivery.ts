import * as z from 'zod';
import { courseIdSchema, enterpriseIdSchema, integrationIdSchema } from './event.ts';
import { EVENT_TYPES, KINDS } from './event-types/event-types.ts';

/**
 * Largest workflow input, in bytes of UTF-8. Step Functions takes 256 KiB for an input and for what a state passes on;
 * the 6 KiB between are for the progress that tasks write.
 */
export const MAX_WORKFLOW_INPUT_BYTES = 250 * 1024;

/** Longest life of an execution, in days (`lib/retry-workflow.ts` has the arithmetic); Step Functions allows a year. */
export const MAX_EXECUTION_DAYS = 16;

/** The shortest wait of a delivery that has waited often without an attempt, in seconds (`events/workflow-waits.ts`). */
export const LONG_WAIT_SECONDS = 2 * 3600;

/** Failed warehouse attempts after which a webhook goes out without learning time: the batch's own and three retries. */
export const ENRICHMENT_ATTEMPTS = 4;

/** Why a webhook goes out without learning time. Data, for logs and counts; the partner never sees it. */
export const NOT_ENRICHED_REASONS = [
  'not_a_completion',
  'flag_off',
  'no_data',
  'learner_not_identified',
  'warehouse_unavailable',
] as const;

const pendingSchema = z.object({
  status: z.literal('pending'),
  /** Failed attempts so far, the batch's included. */
  attempts: z.int().min(1),
  /** When the first try failed: retries are due 60, 120 and 180 s after it. */
  first_failed_at: z.iso.datetime(),
});

const enrichedSchema = z.object({
  status: z.literal('enriched'),
  total_seconds: z.int().min(0),
  /** The warehouse's last batch date, midnight UTC. */
  last_updated: z.iso.datetime(),
  source: z.enum(['cache', 'warehouse']),
});

const notEnrichedSchema = z.object({ status: z.literal('not_enriched'), reason: z.enum(NOT_ENRICHED_REASONS) });

/** What is known of the learning time: not yet, this much, or that none will be added. */
export const enrichmentSchema = z.discriminatedUnion('status', [pendingSchema, enrichedSchema, notEnrichedSchema]);
export type Enrichment = z.infer<typeof enrichmentSchema>;
export type PendingEnrichment = z.infer<typeof pendingSchema>;
export type SettledEnrichment = Exclude<Enrichment, PendingEnrichment>;

/** Why an integration takes nothing now: an operator's word, failure after failure, or a 410. */
export const PARKED_FOR = ['paused', 'failing', 'gone'] as const;
export type ParkedFor = (typeof PARKED_FOR)[number];

/**
 * What a task decided. `retry` waits until `due_at`; `dead` goes to the dead letter queue; the others end it. `parked`:
 * the ledger holds it from now on. `duplicate`: it was dealt with already, or somebody else carries it. `cancelled`: it
 * waited for its moment, and a later event of its user took its place.
 */
export const OUTCOMES = ['delivered', 'retry', 'dead', 'filtered', 'parked', 'duplicate', 'cancelled'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/**
 * How far a delivery has come. The only part of a delivery that changes; a workflow task returns the next one, and the
 * state machine puts it in place of the last (`ResultPath: $.progress`), so payloads never pass through a result.
 */
export const progressSchema = z.object({
  enrichment: enrichmentSchema,
  /** The version of the flag that decided on it. */
  config_version: z.string().max(64).optional(),
  /** Tries made to the partner so far. */
  attempt: z.int().min(0),
  /** When the next step is due; null before anything had to wait. */
  due_at: z.iso.datetime().nullable(),
  outcome: z.enum(OUTCOMES).optional(),
  /** The free time under the integration's rate limit that is reserved for the next try, and for no other. */
  reserved_for: z.iso.datetime().optional(),
  /** Times in a row that it was parked without an attempt: its integration is paused, failing or gone. */
  park_count: z.int().min(0).optional(),
  /** Waits of its execution without an attempt, of which the first are as short as they have to be. */
  waits: z.int().min(0).optional(),
  /** Why it is parked. */
  parked_for: z.enum(PARKED_FOR).optional(),
  /** Whether a later event of its user may still take its place: its timer is asked before each try. */
  timed: z.literal(true).optional(),
  /** Tries of an earlier round, after which its policy began anew; absent in its first round. */
  earlier_attempts: z.int().min(0).optional(),
  /** Times that it was sent to the deliveries queue again, to wait there. */
  deferrals: z.int().min(0).optional(),
  /** In words, for the dead letter and the operator: why the outcome is what it is. */
  reason: z.string().optional(),
});
export type Progress = z.infer<typeof progressSchema>;

/**
 * One webhook on its way to one integration: the message on the deliveries queue, the input of the retry workflow, and
 * the body of a dead letter (with `generation` raised, so that redriving it to the deliveries queue is a re-entry).
 */
export const deliverySchema = z.object({
  schema_version: z.literal(1),
  /** Stable over every try and re-entry; sent as the `webhook-id` header. */
  webhook_id: z.string().regex(/^wh_[0-9a-f]{40}$/),
  event_id: z.string().min(1).max(128),
  event_type: z.enum(EVENT_TYPES),
  /** Which rules hold for it; absent where its type has one kind only. */
  kind: z.enum(KINDS).optional(),
  integration_id: integrationIdSchema,
  occurred_at: z.iso.datetime({ offset: true }),
  /** When it is to be sent, if it is to wait. */
  send_at: z.iso.datetime().optional(),
  /** Raised by every re-entry: a closed execution's name is refused for 90 days. */
  generation: z.int().min(0),
  /** When it was taken from the events queue; absent from what an older version accepted. */
  accepted_at: z.iso.datetime().optional(),
  /** What the ledger knows this message or execution by, where it carries on what another function had in hand. */
  token: z
    .string()
    .regex(/^[a-z0-9-]{1,40}$/)
    .optional(),
  /** Digits, as the warehouse wants them; absent where the event had nothing usable. */
  user_id: z
    .string()
    .regex(/^\d{1,18}$/)
    .optional(),
  course_id: courseIdSchema.optional(),
  enterprise_customer_uuid: enterpriseIdSchema.optional(),
  /** The LMS's payload, as JSON text: numbers keep the digits they were written with. */
  payload: z.string().min(2),
  progress: progressSchema,
});
export type Delivery = z.infer<typeof deliverySchema>;

/** What never changes about a delivery: an event as it was accepted for one integration. */
export type DeliverySubject = Omit<Delivery, 'progress' | 'token'>;

/** The fields of a delivery that replace its own when it is dead-lettered; `States.JsonMerge` in the workflow. */
export type Redrive = Pick<Delivery, 'generation' | 'progress'>;

/** What a workflow task returns: the next progress and, where the delivery is dead, how its dead letter differs. */
export type TaskResult = Progress & { redrive?: Redrive };

/** Message attributes of every dead letter. SQS allows ten; the console shows them beside the body. */
export const DEAD_LETTER_ATTRIBUTES = {
  reason: 'reason',
  integrationId: 'integration_id',
  webhookId: 'webhook_id',
} as const;

/** Longest reason kept, in characters: it travels as a message attribute and in the workflow's state. */
export const MAX_REASON_CHARACTERS = 500;
