import * as z from 'zod';
import { enrichmentSchema, PARKED_FOR } from '../events/delivery.ts';
import { courseIdSchema, enterpriseIdSchema, integrationIdSchema } from '../events/event.ts';
import { EVENT_TYPES, KINDS } from '../events/event-types/event-types.ts';

/**
 * States of a webhook. `accepted`: taken from the events queue, and not claimed yet. `delivering`: a function holds its
 * lease. `scheduled`: a message or an execution carries it to its scheduled time. `parked`: its integration takes nothing
 * now. The others are final, until an operator replays it.
 */
export const WEBHOOK_STATES = [
  'accepted',
  'delivering',
  'scheduled',
  'parked',
  'delivered',
  'dead',
  'filtered',
  'cancelled',
] as const;
export type WebhookState = (typeof WEBHOOK_STATES)[number];

/**
 * Shortest lease, in seconds: longer than DeliverBatch may run, so that a function that still holds one is running. An
 * attempt that may take longer has a longer one (`leaseMs` in ledger/transitions.ts).
 */
export const MIN_LEASE_SECONDS = 40;

/** Largest state item, in bytes as DynamoDB counts them: one write unit (DynamoDB Developer Guide, "Item sizes"). */
export const MAX_STATE_ITEM_BYTES = 1024;

/** Number of attempts recorded: the last ones. */
export const RECORDED_ATTEMPTS = 4;

/** Longest error recorded of an attempt, in characters. */
export const MAX_ATTEMPT_ERROR_CHARACTERS = 60;

/** Longest reason recorded, in characters; the dead-letter message has all of it. */
export const MAX_LEDGER_REASON_CHARACTERS = 200;

/** Longest media type recorded of a response, in characters. */
export const MAX_CONTENT_TYPE_CHARACTERS = 40;

/**
 * The start of a partner's refusal, in characters. It is held beside the payload, for the same time. It may repeat the
 * request, so it may hold personal data; secrets that were sent are redacted.
 */
export const RESPONSE_START_CHARACTERS = 500;

/** One attempt, as it is recorded. */
export const attemptSchema = z.object({
  at: z.iso.datetime(),
  /** Absent where there was no response. */
  status: z.int().optional(),
  duration_ms: z.int().min(0),
  /** Of a response that refused: its media type without parameters. */
  content_type: z.string().max(MAX_CONTENT_TYPE_CHARACTERS).optional(),
  /** The same: how much of its body was received, in bytes. Absent where nothing was. */
  body_bytes: z.int().min(1).optional(),
  /** Absent where it was delivered. */
  error: z.string().max(MAX_ATTEMPT_ERROR_CHARACTERS).optional(),
});
export type Attempt = z.infer<typeof attemptSchema>;

/** Fields of both items of a webhook. */
const subject = {
  webhook_id: z.string(),
  integration_id: integrationIdSchema,
  event_id: z.string(),
  event_type: z.enum(EVENT_TYPES),
  /** Absent where its type has one kind only. */
  kind: z.enum(KINDS).optional(),
  occurred_at: z.iso.datetime({ offset: true }),
  /** When it entered the pipeline. It is listed under this UTC day and its integration. */
  accepted_at: z.iso.datetime(),
};

/**
 * What became of one webhook: the state item. It holds no personal data (an enterprise is no person), so that it outlives the payload. Before a
 * function has claimed a webhook for the first time there is none, and the event item means `accepted`.
 */
export const ledgerRecordSchema = z.object({
  ...subject,
  state: z.enum(WEBHOOK_STATES),
  /** Whose learner it was; the flag is on or off for an enterprise. */
  enterprise_customer_uuid: enterpriseIdSchema.optional(),
  /** The latest one; it never falls. */
  generation: z.int().min(0),
  /** When each state was entered last. */
  times: z.partialRecord(z.enum(WEBHOOK_STATES), z.iso.datetime()),
  /** What was sent, or would be sent, as learning time. */
  enrichment: enrichmentSchema.optional(),
  /** The version of the flag that decided on it. */
  config_version: z.string().max(64).optional(),
  /** Attempts made in this generation. */
  attempt: z.int().min(0),
  /** The last ones, oldest first, over all generations. */
  attempts: z.array(attemptSchema).max(RECORDED_ATTEMPTS),
  /** While `delivering`: no other function may send until then. */
  lease_until: z.iso.datetime().optional(),
  /** The last writer and its write: a function's log stream, or `replay`, `release`, `republish` or `end`, and a random suffix. */
  claimed_by: z.string().optional(),
  /**
   * While `scheduled` or `parked`: the message or execution that carries it on, and so may claim it. Parked without one, it
   * rests here. Once `dead`: the execution that sends the dead-letter message after this is written; absent where the
   * message was sent before.
   */
  token: z.string().optional(),
  /** While `scheduled`, or parked with a token: when it is due. */
  due_at: z.iso.datetime().optional(),
  /** Why the state is what it is. */
  reason: z.string().max(MAX_LEDGER_REASON_CHARACTERS).optional(),
  /** Since when it has been parked without an attempt in between, releases included. */
  parked_since: z.iso.datetime().optional(),
  parked_for: z.enum(PARKED_FOR).optional(),
  /** How many times the reconciler has resent it. */
  republished: z.int().min(0).optional(),
  /** Counts every change: a write that saw another one is refused. */
  version: z.int().min(1),
});
export type LedgerRecord = z.infer<typeof ledgerRecordSchema>;

/** The event as it was accepted: the payload item, written once, deleted when the stage says so. */
export const ledgerEventSchema = z.object({
  ...subject,
  /** When it was to be sent, if it was to wait. */
  send_at: z.iso.datetime().optional(),
  user_id: z.string().optional(),
  course_id: courseIdSchema.optional(),
  enterprise_customer_uuid: enterpriseIdSchema.optional(),
  payload: z.string().min(2),
});
export type LedgerEvent = z.infer<typeof ledgerEventSchema>;

/** How the table is keyed. `lib/ledger.ts` makes it so, `adapters/dynamodb/` reads and writes it so. */
export const LEDGER_TABLE = {
  /** A webhook's id; `directory` for the list of integrations and days. */
  partitionKey: 'pk',
  /** `state`, `event` or `response`; in the directory, `<day>#<integration>`. */
  sortKey: 'sk',
  /** Epoch seconds, of every item. */
  expiry: 'expires_at',
  /** Holds how far the sweeps of failed executions have come, and nothing else. */
  sweepPartition: 'sweep',
  index: {
    name: 'ByIntegrationAndDay',
    /**
     * `<integration>#<day>#<first hexadecimal digit of the webhook's hash>`: sixteen partitions for each integration and
     * day, since DynamoDB writes at most 1,000 units a second to one.
     */
    partitionKey: 'listing',
    /** `event#<accepted at>` or `state#<accepted at>`. */
    sortKey: 'listed_at',
    /** What a list shows. The payload is not among it. */
    attributes: [
      ...['state', 'integration_id', 'event_type', 'generation', 'attempt', 'changed_at', 'due_at', 'reason'],
      // For `./ltw flag adoption`.
      ...['enterprise_customer_uuid', 'enrichment'],
    ],
  },
} as const;
