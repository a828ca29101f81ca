import { acceptEvent } from '../../lambdas/enrichment/accept-event.ts';
import type { DecidedEnrichment, Delivery } from '../../lambdas/events/delivery.ts';
import { newDelivery } from '../../lambdas/events/progress.ts';
import type { IntegrationRegistry } from '../../lambdas/partners/integration-registry.ts';
import { composePayload } from '../../lambdas/partners/payload.ts';
import type { ReceivedMessage } from '../../lambdas/shared/batch-intake.ts';
import { toMessageText } from '../../lambdas/shared/json-text.ts';
import { completion, LEARNER } from '../../local/demo/sample-events.ts';
import { BATCH_SIZE, INTEGRATION_IDS } from './loads.ts';

export const ENRICHED: DecidedEnrichment = {
  status: 'enriched',
  total_seconds: 18_540,
  last_updated: '2026-01-10T00:00:00Z',
  source: 'cache',
};

/** @throws Error if the event is not accepted */
export function accept(event: object, registry: IntegrationRegistry) {
  const acceptance = acceptEvent(JSON.stringify(event), registry, Date.now());
  if (acceptance.verdict !== 'accepted') throw new Error(acceptance.reason);
  return acceptance.subject;
}

/** A delivery for each of these integrations. */
export function deliveriesFor(integrationIds: readonly string[], registry: IntegrationRegistry): Delivery[] {
  return integrationIds.map((id, index) =>
    newDelivery(accept(completion(`event-${index}`, id, LEARNER.known), registry), ENRICHED),
  );
}

/** Batches as the function receives them from SQS. */
export function batchesOf(deliveries: readonly Delivery[]): ReceivedMessage[][] {
  const messages = deliveries.map((delivery, index) => ({ id: `message-${index}`, body: toMessageText(delivery) }));
  return Array.from({ length: messages.length / BATCH_SIZE }, (_, index) =>
    messages.slice(index * BATCH_SIZE, (index + 1) * BATCH_SIZE),
  );
}

/** The exact bodies that partners receive. */
export function bodiesFor(registry: IntegrationRegistry): string[] {
  return deliveriesFor(INTEGRATION_IDS, registry).map((delivery) => {
    const integration = registry.byId.get(delivery.integration_id);
    if (integration === undefined) throw new Error(`no integration ${delivery.integration_id}`);
    const composed = composePayload(delivery, ENRICHED, integration);
    if ('fault' in composed) throw new Error(composed.fault);
    return composed.body;
  });
}
