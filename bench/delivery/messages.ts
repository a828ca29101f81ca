import type { ReceivedMessage } from '../../lambdas/adapters/batch-intake.ts';
import type { Delivery, SettledEnrichment } from '../../lambdas/contract/delivery.ts';
import type { Integration } from '../../lambdas/contract/integration.ts';
import type { Ready } from '../../lambdas/delivery/attempt-delivery.ts';
import { acceptEvent } from '../../lambdas/domain/accept-event.ts';
import type { IntegrationBook } from '../../lambdas/domain/integrations.ts';
import { toMessageText } from '../../lambdas/domain/json-text.ts';
import { composePayload } from '../../lambdas/domain/payload.ts';
import { newDelivery } from '../../lambdas/domain/progress.ts';
import { completion, LEARNER } from '../../local/demo/sample-events.ts';
import { BATCH_SIZE, INTEGRATION_IDS, type Receivers } from './loads.ts';

export const ENRICHED: SettledEnrichment = {
  status: 'enriched',
  total_seconds: 18_540,
  last_updated: '2026-01-10T00:00:00Z',
  source: 'cache',
};

/** Batches as SQS hands them to the function, which may be delivered again and again. */
export function batchesFor(receivers: Receivers, book: IntegrationBook): ReceivedMessage[][] {
  const messages = deliveriesFor(receivers, book).map((delivery, index) => ({
    id: `message-${index}`,
    body: toMessageText(delivery),
  }));
  return Array.from({ length: messages.length / BATCH_SIZE }, (_, index) =>
    messages.slice(index * BATCH_SIZE, (index + 1) * BATCH_SIZE),
  );
}

/** What partners get of them. */
export function bodiesFor(receivers: Receivers, book: IntegrationBook): string[] {
  return deliveriesFor(receivers, book).map((delivery) => {
    const integration = book.byId.get(delivery.integration_id);
    if (integration === undefined) throw new Error(`no integration ${delivery.integration_id}`);
    const composed = composePayload(delivery, ENRICHED, integration);
    if ('fault' in composed) throw new Error(composed.fault);
    return composed.body;
  });
}

/** One partner's batch, read and checked. */
export function readyFor(book: IntegrationBook): { integration: Integration; ready: Ready[] } {
  const deliveries = deliveriesFor('one', book).slice(0, BATCH_SIZE);
  const integration = book.byId.get(String(deliveries[0]?.integration_id));
  if (integration === undefined) throw new Error('the partner is not among the integrations');
  return { integration, ready: deliveries.map((delivery) => ({ delivery, enrichment: ENRICHED })) };
}

function deliveriesFor(receivers: Receivers, book: IntegrationBook): Delivery[] {
  return INTEGRATION_IDS.map((id, index) => {
    const integrationId = receivers === 'one' ? (INTEGRATION_IDS[0] as string) : id;
    const event = completion(`event-${index}`, integrationId, LEARNER.known);
    const acceptance = acceptEvent(JSON.stringify(event), book, Date.now());
    if (acceptance.verdict !== 'accepted') throw new Error(acceptance.reason);
    return newDelivery(acceptance.subject, ENRICHED);
  });
}
