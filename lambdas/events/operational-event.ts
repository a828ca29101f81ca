import * as z from 'zod';
import { integrationIdSchema } from './event.ts';

/**
 * Events about the pipeline itself, for other systems of the operator: rules on the stage's event bus receive them, and the
 * contacts of an integration get those about parking by mail. `docs/operational-events/schema.json` is generated from this
 * file.
 *
 * They contain ids, times and codes of closed lists. They never contain a partner's response, a URL, a mail address or
 * anything about a learner.
 */
export const OPERATIONAL_EVENT_SOURCE = 'learning-time-webhooks';

/** Why a delivery was dead-lettered, with the sentence for the reader. */
const DEAD = {
  refused: 'The partner refused the webhook, or its endpoint cannot receive webhooks: an attempt would fail again.',
  attempts_used_up: 'All attempts failed.',
  not_sendable:
    'The webhook could not be composed or signed: the event does not fit its payload format, or the secret is not usable.',
  no_integration: 'The integration does not exist any more.',
  message_expired: 'Its message failed for days.',
  parked_too_long: 'The integration was parked for 72 hours.',
  workflow_failed: 'The retry workflow failed.',
} as const;
export const DEAD_REASONS = reasonsOf(DEAD);
export type DeadReason = keyof typeof DEAD;

/** Why an integration is parked. */
const PARKED = {
  endpoint_gone:
    'The integration is parked: its endpoint responded with 410 Gone. Webhooks are kept for 72 hours, one checks the endpoint every hour, and an operator can resume it at once.',
  endpoint_failing:
    'The integration is parked: its endpoint has been failing for over an hour. Webhooks are kept for 72 hours, and one checks the endpoint repeatedly.',
  certificate_expired:
    'The integration is parked: the certificate of its endpoint or token server has expired. Webhooks are kept for 72 hours, and one checks the endpoint every hour.',
  certificate_incomplete:
    'The integration is parked: the certificate of its endpoint or token server lacks an intermediate certificate. Webhooks are kept for 72 hours, and one checks the endpoint every hour.',
} as const;
export const PARKED_REASONS = reasonsOf(PARKED);
export type ParkedReason = keyof typeof PARKED;

/** Why an integration is no longer parked. */
const RESUMED = {
  endpoint_responded:
    'The integration has resumed: its endpoint responds again, and the webhooks that were kept are sent. After a 410, those kept for over an hour are sent when an operator resumes the integration.',
  resumed_by_operator:
    'The integration has resumed: an operator has ended the parking, and the webhooks that were kept are sent.',
} as const;
export const RESUMED_REASONS = reasonsOf(RESUMED);
export type ResumedReason = keyof typeof RESUMED;

/** The reason of a parked integration, by what its deliveries are parked for. */
export const PARKED_REASON_OF = {
  gone: 'endpoint_gone',
  failing: 'endpoint_failing',
  certificate_expired: 'certificate_expired',
  certificate_incomplete: 'certificate_incomplete',
} as const satisfies Readonly<Record<string, ParkedReason>>;

/** Which certificate expires. */
const EXPIRING = {
  client_certificate_expires:
    'The client certificate of the integration expires within 30 days, or has expired: store its successor.',
} as const;
const EXPIRING_REASONS = reasonsOf(EXPIRING);

function reasonsOf<Texts extends Readonly<Record<string, string>>>(texts: Texts) {
  return Object.keys(texts) as unknown as readonly [keyof Texts & string, ...(keyof Texts & string)[]];
}

const common = {
  schema_version: z.literal(1),
  integration_id: integrationIdSchema,
  /** When it happened, UTC. */
  at: z.iso.datetime(),
  /** The meaning of `reason`: a fixed text of this pipeline. */
  message: z.string().max(300),
};

/** The `detail` of each event, by its `detail-type`. */
export const OPERATIONAL_EVENTS = {
  'delivery.dead_lettered': z.strictObject({
    ...common,
    webhook_id: z.string().regex(/^wh_[0-9a-f]{40}$/),
    reason: z.enum(DEAD_REASONS),
  }),
  'integration.parked': z.strictObject({ ...common, reason: z.enum(PARKED_REASONS) }),
  'integration.resumed': z.strictObject({ ...common, reason: z.enum(RESUMED_REASONS) }),
  'certificate.expiring': z.strictObject({
    ...common,
    reason: z.enum(EXPIRING_REASONS),
    /** When the certificate expires, UTC. */
    expires_at: z.iso.datetime(),
  }),
} as const;
export type OperationalEventType = keyof typeof OPERATIONAL_EVENTS;

/** An event as `PutEvents` takes it. */
export type OperationalEvent = {
  readonly [Type in OperationalEventType]: {
    readonly type: Type;
    readonly detail: Readonly<z.infer<(typeof OPERATIONAL_EVENTS)[Type]>>;
  };
}[OperationalEventType];

/** Sends operational events. */
export interface OperationalEvents {
  /** Never throws: a failure is logged and counted, and affects no delivery. @returns whether the bus took the event */
  put(event: OperationalEvent): Promise<boolean>;
}

interface Subject {
  readonly integrationId: string;
  /** Epoch milliseconds. */
  readonly atMs: number;
}

function detailOf<Reason extends string>(
  { integrationId, atMs }: Subject,
  reason: Reason,
  texts: Readonly<Record<Reason, string>>,
) {
  return {
    schema_version: 1 as const,
    integration_id: integrationId,
    at: new Date(atMs).toISOString(),
    message: texts[reason],
    reason,
  };
}

export function deadLettered(webhookId: string, reason: DeadReason, subject: Subject): OperationalEvent {
  return { type: 'delivery.dead_lettered', detail: { ...detailOf(subject, reason, DEAD), webhook_id: webhookId } };
}

export function integrationParked(reason: ParkedReason, subject: Subject): OperationalEvent {
  return { type: 'integration.parked', detail: detailOf(subject, reason, PARKED) };
}

export function integrationResumed(reason: ResumedReason, subject: Subject): OperationalEvent {
  return { type: 'integration.resumed', detail: detailOf(subject, reason, RESUMED) };
}

/** @param expiresAtMs epoch milliseconds */
export function certificateExpiring(expiresAtMs: number, subject: Subject): OperationalEvent {
  const detail = detailOf(subject, 'client_certificate_expires', EXPIRING);
  return { type: 'certificate.expiring', detail: { ...detail, expires_at: new Date(expiresAtMs).toISOString() } };
}

/** The JSON Schema of a whole event, as rules and their targets receive it. */
export function operationalEventSchema(): object {
  const details = Object.entries(OPERATIONAL_EVENTS).map(([type, detail]) => {
    const { $schema: _, ...schema } = z.toJSONSchema(detail) as Record<string, unknown>;
    return { properties: { 'detail-type': { const: type }, detail: schema }, required: ['detail-type', 'detail'] };
  });
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'An operational event of learning-time-webhooks on EventBridge',
    type: 'object',
    properties: { source: { const: OPERATIONAL_EVENT_SOURCE } },
    required: ['source'],
    oneOf: details,
  };
}
