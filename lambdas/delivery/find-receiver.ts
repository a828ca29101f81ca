import type { Delivery, TaskResult } from '../contract/delivery.ts';
import { ConfigurationUnavailable } from '../contract/errors.ts';
import type { Integration } from '../contract/integration.ts';
import type { Log } from '../contract/log.ts';
import { type Counter, METRICS } from '../contract/metrics.ts';
import { type IntegrationBook, wanted } from '../domain/integrations.ts';
import { dead, decided } from '../domain/progress.ts';
import { type ParkServices, park } from './park.ts';

export interface FindReceiverServices extends ParkServices {
  readonly integrations: { read(): Promise<IntegrationBook | undefined> };
  readonly log: Log;
  readonly counter: Counter;
}

/** The integration a delivery goes to as it stands now, or what becomes of the delivery instead. */
export type Receiver = { readonly integration: Integration } | { readonly result: TaskResult };

/**
 * Looks the integration up again before each try: it may have changed since the event was accepted.
 *
 * @throws ConfigurationUnavailable where the integrations, or this one's entry, cannot be read: nobody may guess
 */
export async function findReceiver(delivery: Delivery, services: FindReceiverServices): Promise<Receiver> {
  const book = await services.integrations.read();
  if (book === undefined) throw new ConfigurationUnavailable('the integrations were never read');
  const id = delivery.integration_id;
  const integration = book.byId.get(id);
  if (integration === undefined) {
    if (book.broken.has(id))
      throw new ConfigurationUnavailable(`the entry of integration ${id} does not fit its schema`);
    services.counter.count(METRICS.deliveryDead);
    return { result: dead(delivery, delivery.progress.attempt, `no integration has the id ${id}`) };
  }
  const verdict = wanted(integration, delivery.event_type);
  if (verdict.to === 'nobody') {
    services.counter.count(METRICS.eventUnwanted);
    const fields = { webhook_id: delivery.webhook_id, integration_id: id, reason: verdict.reason };
    services.log.info('event.unwanted', fields);
    return { result: decided(delivery, delivery.progress.attempt, 'unwanted', verdict.reason) };
  }
  if (book.paused) return { result: park(delivery, 'all integrations are paused', services) };
  if (integration.paused) return { result: park(delivery, `integration ${id} is paused`, services) };
  return { integration };
}
