import type { Delivery } from '../contract/delivery.ts';
import type { EnrichEventsServices } from './enrich-events-services.ts';

/** Sends deliveries on; those that the queue refuses become failed messages. */
export async function forward(
  deliveries: ReadonlyMap<string, Delivery>,
  failures: Map<string, string>,
  services: EnrichEventsServices,
) {
  if (deliveries.size === 0) return;
  for (const id of await services.forward(deliveries)) failures.set(id, 'the deliveries queue refused it');
}
