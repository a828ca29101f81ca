import { isRecord, parseJson } from '../shared/json.ts';
import type { Log } from '../shared/log.ts';
import { type Counter, METRICS } from '../shared/metric-definitions.ts';
import { definitionOfType, EVENT_TYPES, kindNamed, kindOf, kindOfEvent } from './event-types/event-types.ts';

/** A dead webhook: a delivery, or its record in the ledger. */
export interface DeadDelivery {
  readonly webhook_id: string;
  readonly integration_id: string;
  readonly event_type: string;
  readonly kind?: string | undefined;
}

export interface ReportServices {
  readonly log: Log;
  readonly counter: Counter;
}

/**
 * Counts and logs a dead webhook of a critical kind, for an alarm. Every function that dead-letters or ends a delivery
 * calls it, possibly twice for the same webhook.
 */
export function reportIfCritical(webhook: DeadDelivery, { log, counter }: ReportServices): void {
  const kind = kindOf(webhook);
  if (!kindNamed(kind).isCritical) return;
  const { webhook_id, integration_id } = webhook;
  counter.count(METRICS.criticalDead);
  log.error('delivery.critical_dead', { webhook_id, integration_id, kind });
}

/**
 * Counts and logs an event of a critical kind that was dead-lettered before it became a delivery. The event may be invalid
 * apart from its type and kind.
 */
export function reportIfCriticalEvent(
  message: { readonly id: string; readonly body: string; readonly integrationId?: string },
  { log, counter }: ReportServices,
): void {
  const kind = kindIn(message.body);
  if (kind === undefined || !kindNamed(kind).isCritical) return;
  counter.count(METRICS.criticalDead);
  log.error('event.critical_dead', { message_id: message.id, integration_id: message.integrationId, kind });
}

function kindIn(body: string): string | undefined {
  const event = parseJson(body);
  if (!isRecord(event)) return undefined;
  const type = EVENT_TYPES.find((name) => name === event.event_type);
  if (type === undefined) return undefined;
  const { kinds } = definitionOfType(type);
  if (kinds === undefined) return type;
  const payload = event.payload as Readonly<Record<string, unknown>> | null | undefined;
  const name = payload?.[kinds.field];
  return typeof name === 'string' ? kindOfEvent(type, { [kinds.field]: name }) : undefined;
}
