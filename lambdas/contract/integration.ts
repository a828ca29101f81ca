import * as z from 'zod';
import { EVENT_TYPES, enterpriseIdSchema, integrationIdSchema, REGIONS } from './event.ts';

/** Longest try from the deliveries queue, in seconds: a slower integration is delivered by the workflow's task only. */
export const MAX_QUEUE_TRY_SECONDS = 15;

/**
 * One receiver of webhooks, as the operator writes it in the AppConfig profile `integrations`.
 *
 * The URL's scheme is checked again before each send: plain HTTP is a stage's permission, not an integration's.
 */
export const integrationSchema = z.strictObject({
  id: integrationIdSchema,
  url: z
    .string()
    .max(2048)
    .regex(/^https?:\/\/[^\s/?#@]+([/?][^\s#]*)?$/, 'must be an http(s) URL without credentials or fragment'),
  /** Off: its events are acknowledged, counted and logged as unwanted. */
  active: z.boolean().default(true),
  /** Which events it takes; everything, where it says nothing. */
  event_types: z.array(z.enum(EVENT_TYPES)).min(1).optional(),
  /** One try's deadline, over connect, headers and body. */
  timeout_seconds: z.int().min(5).max(300).default(15),
  /** For events that name no integration: the enterprise's, by region. An event of another enterprise is refused. */
  enterprise_customer_uuid: enterpriseIdSchema.optional(),
  region: z.enum(REGIONS).default('OTHER'),
});
export type Integration = z.infer<typeof integrationSchema>;

/** The whole profile. Handlers read it entry by entry (`domain/integrations.ts`), so one bad entry harms no other. */
export const integrationsDocumentSchema = z.strictObject({
  integrations: z.array(integrationSchema).max(2000),
});
