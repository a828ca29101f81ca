import type { Delivery, TaskResult } from '../contract/delivery.ts';
import { MalformedDelivery } from '../contract/errors.ts';
import { METRICS } from '../contract/metrics.ts';
import { waiting } from '../domain/progress.ts';
import { type FindReceiverServices, findReceiver } from './find-receiver.ts';
import { type GatedTriesServices, type Passage, reasonToWait, tryThroughGate } from './gated-tries.ts';

/**
 * One step of a delivery in the workflow: a try, or the next moment at which to wake.
 *
 * @throws MalformedDelivery where its learning time is not settled; ConfigurationUnavailable; SecretUnavailable
 */
export async function deliverOne(
  delivery: Delivery,
  services: FindReceiverServices & GatedTriesServices,
): Promise<TaskResult> {
  const { enrichment } = delivery.progress;
  if (enrichment.status === 'pending') throw new MalformedDelivery('its enrichment is not settled');
  const receiver = await findReceiver(delivery, services);
  if ('result' in receiver) return receiver.result;
  const { passages, reported } = await tryThroughGate(
    receiver.integration,
    [{ delivery, enrichment }],
    services,
    false,
  );
  await reported;
  const value = await (passages[0] as Promise<Passage>);
  if (value.to === 'settled') return value.result;
  const [atMs, reservedForMs] = value.to === 'later' ? [value.atMs, value.reservedForMs] : [services.now(), undefined];
  services.counter.count(METRICS.deliveryDeferred);
  return waiting(delivery, reasonToWait(reservedForMs), atMs, reservedForMs);
}
