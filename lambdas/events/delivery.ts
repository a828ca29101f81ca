import * as z from 'zod';
import { courseIdSchema, enterpriseIdSchema, integrationIdSchema } from './event.ts';
import { EVENT_TYPES, KINDS } from './event-types/event-types.ts';
import { DEAD_REASONS } from './operational-event.ts';
import { traceparentSchema } from './trace-context.ts';

/**
 * Largest workflow input, in bytes of UTF-8. Step Functions allows 256 KiB for an input and for a state's output; the
 * remaining 6 KiB are for the progress that tasks write.
 */
export const MAX_WORKFLOW_INPUT_BYTES = 250 * 1024;

/** Timeout of an execution, in days (`lib/retry-workflow.ts` computes it); Step Functions allows a year. */
export const MAX_EXECUTION_DAYS = 16;

/** Minimum wait of a delivery after many waits without an attempt, in seconds (`events/workflow-waits.ts`). */
export const LONG_WAIT_SECONDS = 2 * 3600;

/** After this number of failed queries a webhook is sent without learning time: the batch's query and three retries. */
export const ENRICHMENT_ATTEMPTS = 4;

/** Why a webhook is sent without learning time; for logs and metrics, never for the partner. */
export const NOT_ENRICHED_REASONS = [
  'not_a_completion',
  'flag_off',
  'no_data',
  'learner_not_identified',
  'warehouse_unavailable',
] as const;

const pendingSchema = z.object({
  status: z.literal('pending'),
  /** Failed attempts so far, including the batch's. */
  attempts: z.int().min(1),
  /** When the first attempt failed: retries are due 60, 120 and 180 s later. */
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

/** The state of a delivery's learning time: still unknown, known, or not to be added. */
export const enrichmentSchema = z.discriminatedUnion('status', [pendingSchema, enrichedSchema, notEnrichedSchema]);
export type Enrichment = z.infer<typeof enrichmentSchema>;
export type PendingEnrichment = z.infer<typeof pendingSchema>;
export type DecidedEnrichment = Exclude<Enrichment, PendingEnrichment>;

/** What is wrong with a partner's certificate: not valid at this time, or without a chain to a known authority. */
export const CERTIFICATE_FAULTS = ['certificate_expired', 'certificate_incomplete'] as const;
export type CertificateFault = (typeof CERTIFICATE_FAULTS)[number];

/**
 * Why an integration's deliveries are parked: an operator paused it, its endpoint keeps failing, it returned 410, or its
 * certificate is at fault.
 */
export const PARKED_FOR = ['paused', 'failing', 'gone', ...CERTIFICATE_FAULTS] as const;
export type ParkedFor = (typeof PARKED_FOR)[number];

/**
 * The outcome of a task. `retry`: the delivery waits until `due_at`. `dead`: it goes to the dead letter queue. The others
 * end the execution. `parked`: the ledger holds the delivery until it is released. `duplicate`: the delivery is settled, or
 * another message or execution carries it. `cancelled`: a later event of its user superseded it while it was scheduled.
 */
export const OUTCOMES = ['delivered', 'retry', 'dead', 'filtered', 'parked', 'duplicate', 'cancelled'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/**
 * The progress of a delivery, the only part that changes. A workflow task returns the next progress, and the state machine
 * replaces the previous one (`ResultPath: $.progress`), so that results contain no payload.
 */
export const progressSchema = z.object({
  enrichment: enrichmentSchema,
  /** The version of the flag that decided on the enrichment. */
  config_version: z.string().max(64).optional(),
  /** Attempts made so far. */
  attempt: z.int().min(0),
  /** When the next step is due; null if the delivery never had to wait. */
  due_at: z.iso.datetime().nullable(),
  outcome: z.enum(OUTCOMES).optional(),
  /** The slot under the integration's rate limit that is reserved for the next attempt. */
  reserved_for: z.iso.datetime().optional(),
  /** Its position in the queue of an integration whose partner throttles requests (`limiter/limiter-script.ts`). */
  queue_position: z.int().min(0).optional(),
  /** Since when its partner's back-pressure delays it: a refused attempt, or a place in the queue. A spent attempt ends it. */
  throttled_since: z.iso.datetime().optional(),
  /** How many times in a row it was parked without an attempt. */
  park_count: z.int().min(0).optional(),
  /** Waits of its execution without an attempt; after the first ones, waits become longer (`events/workflow-waits.ts`). */
  waits: z.int().min(0).optional(),
  /** Why it is parked, in the workflow or in the ledger. */
  parked_for: z.enum(PARKED_FOR).optional(),
  /** Whether a later event of its user may supersede it: its timer is read before each attempt. */
  timed: z.literal(true).optional(),
  /** Attempts of the first round; present in the second round only. */
  earlier_attempts: z.int().min(0).optional(),
  /** How many times it was sent to the deliveries queue again, to wait there. */
  deferrals: z.int().min(0).optional(),
  /** The reason for the outcome, as text for the operator. */
  reason: z.string().optional(),
  /** The code of that reason in the operational event; only with the outcome `dead`. */
  dead_reason: z.enum(DEAD_REASONS).optional(),
});
export type Progress = z.infer<typeof progressSchema>;

/**
 * One event on its way to one integration: the message on the deliveries queue, the input of the retry workflow, and the
 * body of a dead-letter message (with `generation` raised, so that redriving it to the deliveries queue resends it).
 */
export const deliverySchema = z.object({
  schema_version: z.literal(1),
  /** The same for all attempts and resends; sent as the header `webhook-id`. */
  webhook_id: z.string().regex(/^wh_[0-9a-f]{40}$/),
  event_id: z.string().min(1).max(128),
  event_type: z.enum(EVENT_TYPES),
  /** The kind of event; absent if its type has no kinds. */
  kind: z.enum(KINDS).optional(),
  integration_id: integrationIdSchema,
  occurred_at: z.iso.datetime({ offset: true }),
  /** The scheduled time, if it is not sent immediately. */
  send_at: z.iso.datetime().optional(),
  /** Raised by every resend: Step Functions refuses the name of a closed execution for 90 days. */
  generation: z.int().min(0),
  /** When it was received from the events queue; absent if an older version accepted it. */
  accepted_at: z.iso.datetime().optional(),
  /** Identifies this message or execution in the ledger, if it continues another one's claim. */
  token: z
    .string()
    .regex(/^[a-z0-9-]{1,40}$/)
    .optional(),
  /** Digits, as the warehouse requires; absent if the event has no usable id. */
  user_id: z
    .string()
    .regex(/^\d{1,18}$/)
    .optional(),
  course_id: courseIdSchema.optional(),
  enterprise_customer_uuid: enterpriseIdSchema.optional(),
  /** Sent as the header `traceparent`; absent if the publisher gave none, or an older version accepted the event. */
  traceparent: traceparentSchema.optional(),
  /** The LMS's payload as JSON text, so that numbers keep their digits. */
  payload: z.string().min(2),
  progress: progressSchema,
});
export type Delivery = z.infer<typeof deliverySchema>;

/** The constant part of a delivery: the event as it was accepted for one integration. */
export type DeliverySubject = Omit<Delivery, 'progress' | 'token'>;

/** The fields of a dead-letter message that differ from the delivery; the workflow merges them (`States.JsonMerge`). */
export type Redrive = Pick<Delivery, 'generation' | 'progress'>;

/** The result of a workflow task: the next progress and, if the delivery is dead, the fields of its dead-letter message. */
export type TaskResult = Progress & { redrive?: Redrive };

/** Message attributes of dead-letter messages, which the SQS console shows. */
export const DEAD_LETTER_ATTRIBUTES = {
  reason: 'reason',
  integrationId: 'integration_id',
  webhookId: 'webhook_id',
} as const;

/** Maximum length of a reason, in characters: it is part of message attributes and of the workflow's state. */
export const MAX_REASON_CHARACTERS = 500;
