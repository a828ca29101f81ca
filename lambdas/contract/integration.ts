import * as z from 'zod';
import { enterpriseIdSchema, integrationIdSchema, REGIONS } from './event.ts';
import { EVENT_TYPES } from './event-types/event-types.ts';
import { CUSTOM_HEADER_NAME } from './own-headers.ts';

/** Longest try from the deliveries queue, in seconds: a slower integration is delivered by the workflow's task only. */
export const MAX_QUEUE_TRY_SECONDS = 15;

/** Tries after the first one, where an integration does not say how many: with the usual delays, 23.6 hours of them. */
export const USUAL_MAX_RETRIES = 9;

/** As JavaScript writes a time. A pattern: AppConfig's validators need not know JSON Schema's formats. */
const UTC_TIME = /^\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\d(\.\d{1,3})?Z$/;

/** What a header's value may hold: visible characters, spaces between them. */
export const HEADER_VALUE = /^[\x21-\x7e]([\x20-\x7e]{0,4094}[\x21-\x7e])?$/;

const PORT = '[1-9]\\d{0,3}|[1-5]\\d{4}|6[0-4]\\d{3}|65[0-4]\\d{2}|655[0-2]\\d|6553[0-5]';
/** Host or bracketed address, port, path and query: as much as a pattern can know of what URLs are. */
const ADDRESS = new RegExp(`^https?://([^\\s/?#@:%[\\]\\\\]+|\\[[0-9A-Fa-f:.]+\\])(:(${PORT}))?([/?][^\\s#]*)?$`);

/** An address to send to. The scheme, port and resolved address are checked again before each request. */
const addressSchema = z
  .string()
  .max(2048)
  .regex(ADDRESS, 'must be an http(s) URL without credentials or fragment')
  .refine((text) => URL.canParse(text), 'is no URL');

const headerNameSchema = z
  .string()
  .regex(CUSTOM_HEADER_NAME, 'must be a header name that the sender does not set itself');

const retriesSchema = z.int().min(0).max(10);

/**
 * How a request proves who sends it, besides its signature. What it takes is in the integration's secret, never here.
 *
 * `oauth2_client_credentials` is Percipio's: a JSON POST to `token_url`, answered with `access_token`.
 */
const authSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('none') }),
  z.strictObject({ type: z.literal('bearer') }),
  z.strictObject({ type: z.literal('api_key'), header: headerNameSchema.default('X-API-Key') }),
  z.strictObject({
    type: z.literal('oauth2_client_credentials'),
    token_url: addressSchema,
    scope: z.string().min(1).max(256).default('api'),
  }),
]);

/** One more header: its value as it stands here, or the one of that name in the secret's `headers`. */
const headerSchema = z.union([
  z.strictObject({ name: headerNameSchema, value: z.string().regex(HEADER_VALUE, 'must be visible ASCII') }),
  z.strictObject({ name: headerNameSchema, from_secret: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/) }),
]);

/** A field of the payload to encrypt, by the names on the way to it: `user.email`. */
const fieldPathSchema = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,64}(\.[A-Za-z0-9_-]{1,64}){0,7}$/, 'must be names, cut by dots');

export const PAYLOAD_FORMATS = ['learning_time_object', 'completion_field', 'percipio'] as const;
export type PayloadFormat = (typeof PAYLOAD_FORMATS)[number];

/** One receiver of webhooks, as the operator writes it in the AppConfig profile `integrations`. */
export const integrationSchema = z
  .strictObject({
    id: integrationIdSchema,
    url: addressSchema,
    /** Off: its events are acknowledged, counted and logged as unwanted. */
    active: z.boolean().default(true),
    /** Its events are put to sleep instead of sent, and spend no try. */
    paused: z.boolean().default(false),
    /** Written by `integration resume`: what was known of the endpoint before (gone, failing) is forgotten. */
    resumed_at: z.string().regex(UTC_TIME, 'must be a time in UTC').optional(),
    /** Which events it takes; everything, where it says nothing. */
    event_types: z.array(z.enum(EVENT_TYPES)).min(1).optional(),
    /** The longest try's deadline, over token fetch, connect, headers and body. Earlier tries get less. */
    timeout_seconds: z.int().min(5).max(300).default(MAX_QUEUE_TRY_SECONDS),
    /** Tries after the first one. */
    max_retries: retriesSchema.default(USUAL_MAX_RETRIES),
    /** The same for one type of event, where it differs. */
    max_retries_by_event_type: z
      .strictObject(Object.fromEntries(EVENT_TYPES.map((type) => [type, retriesSchema.optional()])))
      .optional(),
    /** Waits between tries, in place of the usual ones: 1 s to a day; the last one repeats. */
    retry_delays_seconds: z.array(z.int().min(1).max(86_400)).min(1).max(10).optional(),
    /** Enforced over all functions together; retries count. None where it says nothing. */
    max_requests_per_minute: z.int().min(1).max(60_000).optional(),
    auth: authSchema.default({ type: 'none' }),
    headers: z.array(headerSchema).max(20).default([]),
    payload_format: z.enum(PAYLOAD_FORMATS).default('learning_time_object'),
    /** In which `percipio`'s `duration_spent` is given: its public unit is unconfirmed. */
    duration_unit: z.enum(['seconds', 'minutes', 'hours']).default('seconds'),
    encrypted_fields: z.array(fieldPathSchema).max(20).default([]),
    /** For events that name no integration: the enterprise's, by region. An event of another enterprise is refused. */
    enterprise_customer_uuid: enterpriseIdSchema.optional(),
    region: z.enum(REGIONS).default('OTHER'),
  })
  .superRefine(({ auth, headers }, context) => {
    const taken = new Set(
      auth.type === 'none' ? [] : [auth.type === 'api_key' ? auth.header.toLowerCase() : 'authorization'],
    );
    for (const [index, { name }] of headers.entries()) {
      if (taken.has(name.toLowerCase())) {
        context.addIssue({ code: 'custom', path: ['headers', index, 'name'], message: 'is set twice' });
      }
      taken.add(name.toLowerCase());
    }
  });
export type Integration = z.infer<typeof integrationSchema>;

/** The whole profile. Handlers read it entry by entry (`domain/integrations.ts`), so one bad entry harms no other. */
export const integrationsDocumentSchema = z.strictObject({
  /** Puts every integration's events to sleep. */
  paused: z.boolean().default(false),
  integrations: z.array(integrationSchema).max(2000),
});
