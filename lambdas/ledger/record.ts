import * as z from 'zod';
import { enrichmentSchema, PARKED_FOR } from '../events/delivery.ts';
import { courseIdSchema, enterpriseIdSchema, integrationIdSchema } from '../events/event.ts';
import { EVENT_TYPES, KINDS } from '../events/event-types/event-types.ts';

/**
 * States of a delivery. `accepted`: received from the events queue, and not claimed yet. `delivering`: a function has a
 * lease. `scheduled`: a message or an execution carries it to its scheduled time. `parked`: its integration is paused,
 * failing, gone or without a valid certificate. The other states are final, until an operator replays the delivery.
 */
export const DELIVERY_STATES = [
  'accepted',
  'delivering',
  'scheduled',
  'parked',
  'delivered',
  'dead',
  'filtered',
  'cancelled',
] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

/**
 * Shortest lease, in seconds. It is longer than DeliverBatch may run, so that no function outlives its lease. An
 * attempt with a longer timeout has a longer lease (`leaseMs` in transitions.ts).
 */
export const MIN_LEASE_SECONDS = 40;

/** Largest state item, in bytes as DynamoDB counts them: one write unit (DynamoDB Developer Guide, "Item sizes"). */
export const MAX_STATE_ITEM_BYTES = 1024;

/** Number of attempts recorded, the latest ones. */
export const RECORDED_ATTEMPTS = 4;

/** Longest error recorded of an attempt, in characters. */
export const MAX_ATTEMPT_ERROR_CHARACTERS = 60;

/** Longest reason recorded, in characters; the dead-letter message has the full text. */
export const MAX_LEDGER_REASON_CHARACTERS = 200;

/** Longest media type recorded of a response, in characters. */
const MAX_CONTENT_TYPE_CHARACTERS = 40;

/**
 * Length of the stored start of a partner's refusal, in characters. It may repeat the request and so contain personal
 * data: it expires with the payload. Secrets that were sent are redacted.
 */
export const RESPONSE_START_CHARACTERS = 500;

/** One recorded attempt. */
export const attemptSchema = z.object({
  at: z.iso.datetime(),
  /** Absent if there was no response. */
  status: z.int().optional(),
  duration_ms: z.int().min(0),
  /** Media type of a refusal, without parameters. */
  content_type: z.string().max(MAX_CONTENT_TYPE_CHARACTERS).optional(),
  /** Received length of a refusal's body, in bytes. Absent if nothing was received. */
  body_bytes: z.int().min(1).optional(),
  /** Absent if the partner accepted the delivery. */
  error: z.string().max(MAX_ATTEMPT_ERROR_CHARACTERS).optional(),
});
export type Attempt = z.infer<typeof attemptSchema>;

/** Fields of both the state item and the event item. */
const subject = {
  webhook_id: z.string(),
  integration_id: integrationIdSchema,
  event_id: z.string(),
  event_type: z.enum(EVENT_TYPES),
  /** Absent if the event type has a single kind. */
  kind: z.enum(KINDS).optional(),
  occurred_at: z.iso.datetime({ offset: true }),
  /** When the event entered the pipeline. The index lists it under this UTC day and its integration. */
  accepted_at: z.iso.datetime(),
};

/**
 * The state item of one delivery. It contains no personal data (an enterprise is no person), so it may outlive the
 * payload. The first claim creates it; until then, the event item alone means `accepted`.
 */
export const ledgerRecordSchema = z.object({
  ...subject,
  state: z.enum(DELIVERY_STATES),
  /** The learner's enterprise, for which the flag is on or off. */
  enterprise_customer_uuid: enterpriseIdSchema.optional(),
  /** The latest generation; it never decreases. */
  generation: z.int().min(0),
  /** When the delivery last entered each state. */
  times: z.partialRecord(z.enum(DELIVERY_STATES), z.iso.datetime()),
  /** The learning time that was sent, or would be sent. */
  enrichment: enrichmentSchema.optional(),
  /** The flag's version that decided about learning time. */
  config_version: z.string().max(64).optional(),
  /** Attempts made in this generation. */
  attempt: z.int().min(0),
  /** The latest attempts, oldest first, over all generations. */
  attempts: z.array(attemptSchema).max(RECORDED_ATTEMPTS),
  /** While `delivering`: no other function may send until then. */
  lease_until: z.iso.datetime().optional(),
  /**
   * The last writer: a function's log stream, or `replay`, `release`, `resend` or `end`, with a random suffix per
   * write.
   */
  claimed_by: z.string().optional(),
  /**
   * While `scheduled` or `parked`: the message or execution that carries the delivery and may claim it; a parked
   * delivery without a token is stored in the ledger only. Once `dead`: the execution that still has to send the
   * dead-letter message; absent if the message was sent before.
   */
  token: z.string().optional(),
  /** The due time, while `scheduled`, or `parked` with a token. */
  due_at: z.iso.datetime().optional(),
  /** Why the delivery is in this state. */
  reason: z.string().max(MAX_LEDGER_REASON_CHARACTERS).optional(),
  /** Since when the delivery has been parked, releases included. An attempt resets it. */
  parked_since: z.iso.datetime().optional(),
  parked_for: z.enum(PARKED_FOR).optional(),
  /** Number of times that the reconciler has resent the delivery. */
  resent: z.int().min(0).optional(),
  /** Incremented by every write: a write based on another version is refused. */
  version: z.int().min(1),
});
export type LedgerRecord = z.infer<typeof ledgerRecordSchema>;

/** The event item: the event as accepted, written once, and deleted after the stage's retention. */
export const ledgerEventSchema = z.object({
  ...subject,
  /** The scheduled time of a scheduled event. */
  send_at: z.iso.datetime().optional(),
  user_id: z.string().optional(),
  course_id: courseIdSchema.optional(),
  enterprise_customer_uuid: enterpriseIdSchema.optional(),
  traceparent: z.string().optional(),
  payload: z.string().min(2),
});
export type LedgerEvent = z.infer<typeof ledgerEventSchema>;

/** Keys and index of the table, for `lib/ledger.ts`, which creates it, and `table/`, which reads and writes it. */
export const LEDGER_TABLE = {
  /** A delivery's id, or `directory` for the list of integrations and days. */
  partitionKey: 'pk',
  /** `state`, `event` or `response`, or `<day>#<integration>` in the directory. */
  sortKey: 'sk',
  /** Epoch seconds, on every item. */
  expiry: 'expires_at',
  /** Partition of the single item with the progress of the sweeps of failed executions. */
  sweepPartition: 'sweep',
  /** Partitions of open deliveries: `open#` and the first hexadecimal digit of the delivery's hash. */
  openPartitions: [...'0123456789abcdef'].map((digit) => `open#${digit}`),
  /** Partition of the single item with the progress of the reconciler. */
  reconcilePartition: 'reconciler',
  /** Partition of the states of integrations, with their ids as sort keys. */
  integrationPartition: 'integrations',
  /** Partition of the expiry of client certificates that were announced, with the integrations' ids as sort keys. */
  expiryPartition: 'certificates',
  index: {
    name: 'ByIntegrationAndDay',
    /**
     * `<integration>#<day>#<first hexadecimal digit of the delivery's hash>`: sixteen partitions per integration and
     * day, because DynamoDB writes at most 1,000 units a second to one partition.
     */
    partitionKey: 'listing',
    /** `event#<accepted at>` or `state#<accepted at>`. */
    sortKey: 'listed_at',
    /** The attributes that a list shows. The payload is not one of them. */
    attributes: [
      ...['state', 'integration_id', 'event_type', 'generation', 'attempt', 'changed_at', 'due_at', 'reason'],
      // For `./ltw flag adoption`.
      ...['enterprise_customer_uuid', 'enrichment'],
    ],
  },
} as const;
