import type { ReceivedMessage } from '../../lambdas/adapters/batch-intake.ts';
import type { Delivery } from '../../lambdas/contract/delivery.ts';
import { acceptEvent } from '../../lambdas/domain/accept-event.ts';
import type { IntegrationBook } from '../../lambdas/domain/integrations.ts';
import { toMessageText } from '../../lambdas/domain/json-text.ts';
import { newDelivery } from '../../lambdas/domain/progress.ts';
import { completion, LEARNER } from '../../local/demo/sample-events.ts';
import { BATCH_SIZE, INTEGRATION_IDS } from '../delivery/loads.ts';
import { ENRICHED } from '../delivery/messages.ts';
import { PAYLOAD_BYTES } from './orders.ts';

/** A batch on both its ways: as EnrichBatch accepts it, and as SQS hands it to DeliverBatch. */
export interface Batch {
  readonly deliveries: readonly Delivery[];
  readonly messages: readonly ReceivedMessage[];
}

/** Batches of ten integrations each, of webhooks that nobody has seen: the ledger takes none twice. */
export function createBatches(book: IntegrationBook): () => Batch {
  let events = 0;
  return () => {
    const deliveries = Array.from({ length: BATCH_SIZE }, () => {
      events += 1;
      return deliveryFor(`event-${events}`, INTEGRATION_IDS[events % INTEGRATION_IDS.length] as string, book);
    });
    return { deliveries, messages: deliveries.map((one) => ({ id: one.event_id, body: toMessageText(one) })) };
  };
}

function deliveryFor(eventId: string, integrationId: string, book: IntegrationBook): Delivery {
  const { payload, ...event } = completion(eventId, integrationId, LEARNER.known);
  const padding = 'x'.repeat(PAYLOAD_BYTES - Buffer.byteLength(JSON.stringify({ ...payload, padding: '' })));
  const acceptance = acceptEvent(JSON.stringify({ ...event, payload: { ...payload, padding } }), book, Date.now());
  if (acceptance.verdict !== 'accepted') throw new Error(acceptance.reason);
  return newDelivery({ ...acceptance.subject, accepted_at: new Date().toISOString() }, ENRICHED);
}
