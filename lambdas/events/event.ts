import * as z from 'zod';
import { EVENT_TYPES } from './event-types/event-types.ts';

/**
 * Largest event the pipeline accepts, in bytes of UTF-8. SQS takes 1 MiB, but an event must also fit a workflow input
 * (see `MAX_WORKFLOW_INPUT_BYTES`), where its payload is escaped once more.
 */
export const MAX_EVENT_BYTES = 200 * 1024;

/**
 * Longest that an event may wait before it is sent, in days after its acceptance: with its attempts and pauses an execution
 * lives for 16.
 */
export const MAX_TIMER_DAYS = 7;
const MAX_DELAY_MINUTES = MAX_TIMER_DAYS * 24 * 60;

export const REGIONS = ['US', 'EU', 'OTHER'] as const;
export type Region = (typeof REGIONS)[number];

/** Ids become part of secret names, message groups and log lines: nothing that would need escaping there. */
export const integrationIdSchema = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1-64 of A-Z a-z 0-9 _ -');

const UUID = /^([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})$/;

/**
 * The one form in which an enterprise's id is compared, hashed, cached and recorded: a UUID in lower case with dashes.
 * What is no UUID, which Open edX does not issue, is in lower case too.
 */
export function canonicalEnterpriseId(id: string): string {
  return id.toLowerCase().replace(UUID, '$1-$2-$3-$4-$5');
}

/** A UUID in any case, with or without dashes; read as its canonical form. No colon, so that it can end a cache key. */
export const enterpriseIdSchema = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1-64 of A-Z a-z 0-9 _ -')
  .transform(canonicalEnterpriseId);

/**
 * A course key, which the LMS keeps in 255 characters. It is a bind of the query that a whole batch shares: no characters
 * that SQS rejects in a message, no NUL, and no half of a surrogate pair, which UTF-8 cannot express.
 */
export const courseIdSchema = z
  .string()
  .regex(/^[^\uFFFE\uFFFF]{1,255}$/, 'must be 1-255 characters')
  .refine((text) => text.isWellFormed() && !text.includes('\0'), 'must be well-formed Unicode without NUL');

/** Numbers, or digits in a string; whether the warehouse can use it is decided later, in `enrichment/accept-event.ts`. */
const learnerIdSchema = z.union([z.number(), z.string().max(64)]);

/** With its offset. Before and after those years a moment in UTC has no year of four digits any more. */
const momentSchema = z.iso
  .datetime({ offset: true })
  .refine((text) => Date.parse(text) >= 0 && Date.parse(text) < Date.UTC(10_000), 'must lie in the years 1970 to 9999');

/** Optional fields may come as null: that is how Python publishers write "none". */
function optional<T extends z.ZodType>(schema: T) {
  return schema.nullish().transform((value): z.infer<T> | undefined => value ?? undefined);
}

/**
 * What the LMS publishes to the events queue, one message for one integration (`docs/` has the LMS team's guide).
 * Fields this version does not know are ignored, so that a publisher may be newer than the pipeline.
 */
export const eventSchema = z
  .object({
    schema_version: z.literal(1),
    event_type: z.enum(EVENT_TYPES),
    event_id: optional(z.string().regex(/^[A-Za-z0-9_-]{1,128}$/, 'must be 1-128 of A-Z a-z 0-9 _ -')),
    integration_id: optional(integrationIdSchema),
    region: optional(z.enum(REGIONS)),
    occurred_at: momentSchema,
    /** When to send it, for kinds that wait; what has passed is sent at once. */
    send_at: optional(momentSchema),
    /** The same, in minutes after it occurred, or after its acceptance where it says that it occurs later. */
    delay_minutes: optional(z.number().min(0).max(MAX_DELAY_MINUTES)),
    user_id: optional(learnerIdSchema),
    course_id: optional(courseIdSchema),
    enterprise_customer_uuid: optional(enterpriseIdSchema),
    payload: z.record(z.string(), z.unknown()),
  })
  .refine(({ send_at, delay_minutes }) => send_at === undefined || delay_minutes === undefined, {
    message: 'send_at or delay_minutes, not both',
    path: ['send_at'],
  })
  .refine((event) => event.integration_id !== undefined || event.region !== undefined, {
    message: 'names no receiver: give integration_id, or enterprise_customer_uuid and region',
    path: ['integration_id'],
  });

/** An event as it was read from the queue, before it is routed. */
export type LmsEvent = z.infer<typeof eventSchema>;
