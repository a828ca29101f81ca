import type { DecidedEnrichment, Delivery, DeliverySubject } from '../events/delivery.ts';
import { newDelivery, pendingEnrichment } from '../events/progress.ts';
import { TRACEPARENT } from '../events/trace-context.ts';
import type { VersionedFlag } from '../flag/flag-document.ts';
import type { IntegrationRegistry } from '../partners/integration-registry.ts';
import type { ReceivedMessage } from '../shared/batch-intake.ts';
import type { Log } from '../shared/log.ts';
import type { LearnerKey } from '../warehouse/learning-time.ts';
import { acceptEvent } from './accept-event.ts';
import { countedNeed, enrichmentNeed } from './enrichment-need.ts';
import { type RejectEventsServices, type RejectedMessage, rejectEvents } from './reject-events.ts';

export interface SortEventsServices extends RejectEventsServices {
  now(): number;
}

/** An accepted event whose learning time is looked up, in the cache or the warehouse. */
export interface Lookup {
  readonly subject: DeliverySubject;
  readonly key: LearnerKey;
}

/** An event that its integration filters out. */
export interface Filtered {
  readonly delivery: Delivery;
  readonly reason: string;
}

/** The events of a batch, by message id. */
export interface SortedEvents {
  /** For the deliveries queue. */
  readonly ready: Map<string, Delivery>;
  /** Scheduled, for the workflow. */
  readonly scheduled: Map<string, Delivery>;
  /** Whose learning time is looked up. */
  readonly lookups: Map<string, Lookup>;
  readonly filtered: Map<string, Filtered>;
}

/** Reads every message. Invalid messages are dead-lettered; those whose integration has a broken entry fail. */
export async function sortEvents(
  messages: readonly ReceivedMessage[],
  flag: VersionedFlag,
  registry: IntegrationRegistry,
  failures: Map<string, string>,
  services: SortEventsServices,
): Promise<SortedEvents> {
  const ready = new Map<string, Delivery>();
  const scheduled = new Map<string, Delivery>();
  const lookups = new Map<string, Lookup>();
  const filtered = new Map<string, Filtered>();
  const rejected: RejectedMessage[] = [];
  const nowMs = services.now();
  const accepted_at = new Date(nowMs).toISOString();
  const decidedBy = { configVersion: flag.config_version };
  for (const message of messages) {
    const acceptance = acceptEvent(message.body, registry, nowMs, message.carried?.[TRACEPARENT]?.stringValue);
    if (acceptance.verdict === 'accepted') {
      const subject = { ...acceptance.subject, accepted_at };
      if (acceptance.isTraceIgnored) services.log.warn('event.trace_ignored', { webhook_id: subject.webhook_id });
      const need = countedNeed(subject, flag, services.counter);
      if ('key' in need) lookups.set(message.id, { subject, key: need.key });
      else {
        const delivery = newDelivery(subject, warnIfUnidentified(need.decided, subject, services.log), decidedBy);
        (delivery.progress.timed ? scheduled : ready).set(message.id, delivery);
      }
    } else if (acceptance.verdict === 'held') {
      failures.set(message.id, acceptance.reason);
      services.log.error('events.held', { messages: 1, reason: acceptance.reason });
    } else if (acceptance.verdict === 'filtered') {
      const subject = { ...acceptance.subject, accepted_at };
      filtered.set(message.id, { delivery: unsent(subject, flag, services.now()), reason: acceptance.reason });
    } else {
      rejected.push({ ...message, ...acceptance });
    }
  }
  await rejectEvents(rejected, failures, services);
  return { ready, scheduled, lookups, filtered };
}

/** The delivery as it would be sent without the filter, so that a replay can start from it. */
function unsent(subject: DeliverySubject, flag: VersionedFlag, nowMs: number): Delivery {
  const need = enrichmentNeed(subject, flag);
  const enrichment = 'key' in need ? pendingEnrichment(nowMs) : need.decided;
  return newDelivery(subject, enrichment, { configVersion: flag.config_version });
}

function warnIfUnidentified(decided: DecidedEnrichment, subject: DeliverySubject, log: Log): DecidedEnrichment {
  if (decided.status === 'not_enriched' && decided.reason === 'learner_not_identified') {
    log.warn('event.learner_not_identified', {
      webhook_id: subject.webhook_id,
      has_user_id: subject.user_id !== undefined,
      has_course_id: subject.course_id !== undefined,
      has_enterprise: subject.enterprise_customer_uuid !== undefined,
    });
  }
  return decided;
}
