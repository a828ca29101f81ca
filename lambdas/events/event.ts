import * as z from 'zod';
import { EVENT_TYPES } from './event-types/event-types.ts';

/**
 * Largest event that the pipeline accepts, in bytes of UTF-8. SQS allows 1 MiB, but an event must also fit a workflow input
 * (`MAX_WORKFLOW_INPUT_BYTES`), where its payload is escaped again.
 */
export const MAX_EVENT_BYTES = 200 * 1024;

/**
 * The latest scheduled time of an event, in days after its acceptance: with attempts and parking, an execution may take
 * `MAX_EXECUTION_DAYS`.
 */
export const MAX_TIMER_DAYS = 7;
const MAX_DELAY_MINUTES = MAX_TIMER_DAYS * 24 * 60;

export const REGIONS = ['US', 'EU', 'OTHER'] as const;
export type Region = (typeof REGIONS)[number];

/** Ids are part of secret names, message groups and log lines, so they contain no character that needs escaping there. */
export const integrationIdSchema = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1-64 of A-Z a-z 0-9 _ -');

const UUID = /^([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})$/;

/**
 * The form in which enterprise ids are compared, hashed, cached and recorded: a UUID in lower case with dashes. An id that
 * is no UUID, which Open edX does not issue, is in lower case too.
 */
export function canonicalEnterpriseId(id: string): string {
  return id.toLowerCase().replace(UUID, '$1-$2-$3-$4-$5');
}

/** A UUID in any case, with or without dashes, transformed to its canonical form. No colon, which separates a cache key. */
export const enterpriseIdSchema = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1-64 of A-Z a-z 0-9 _ -')
  .transform(canonicalEnterpriseId);

/**
 * A course key, at most 255 characters as in the LMS. It becomes a bind of the query that a whole batch shares, so it must
 * not have characters that SQS refuses, NUL, or lone surrogates, which UTF-8 cannot encode.
 */
export const courseIdSchema = z
  .string()
  .regex(/^[^\uFFFE\uFFFF]{1,255}$/, 'must be 1-255 characters')
  .refine((text) => text.isWellFormed() && !text.includes('\0'), 'must be well-formed Unicode without NUL');

/** A number, or a string; `enrichment/accept-event.ts` checks whether the warehouse can use it. */
const learnerIdSchema = z.union([z.number(), z.string().max(64)]);

/** With an offset. Outside these years, ISO 8601 in UTC has no four-digit year. */
const timestampSchema = z.iso
  .datetime({ offset: true })
  .refine((text) => Date.parse(text) >= 0 && Date.parse(text) < Date.UTC(10_000), 'must lie in the years 1970 to 9999');

/** Optional fields may be null, which Python publishers write for `None`. */
function optional<T extends z.ZodType>(schema: T) {
  return schema.nullish().transform((value): z.infer<T> | undefined => value ?? undefined);
}

/**
 * The event that the LMS publishes to the events queue, one message per integration (docs/publishing-events.md). Unknown fields
 * are ignored, so that a publisher may be newer than the pipeline.
 */
export const eventSchema = z
  .object({
    schema_version: z.literal(1),
    event_type: z.enum(EVENT_TYPES),
    event_id: optional(z.string().regex(/^[A-Za-z0-9_-]{1,128}$/, 'must be 1-128 of A-Z a-z 0-9 _ -')),
    integration_id: optional(integrationIdSchema),
    region: optional(z.enum(REGIONS)),
    occurred_at: timestampSchema,
    /** The scheduled time, for kinds with a timer; a time in the past means immediately. */
    send_at: optional(timestampSchema),
    /** The scheduled time, in minutes after `occurred_at`, or after the acceptance if `occurred_at` is in the future. */
    delay_minutes: optional(z.number().min(0).max(MAX_DELAY_MINUTES)),
    user_id: optional(learnerIdSchema),
    course_id: optional(courseIdSchema),
    enterprise_customer_uuid: optional(enterpriseIdSchema),
    /** Any value: an event is not rejected because of its trace context (`trace-context.ts`). */
    traceparent: z.unknown().optional(),
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

/** A valid event, before it is routed. */
export type LmsEvent = z.infer<typeof eventSchema>;
