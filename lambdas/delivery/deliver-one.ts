import type { Delivery, TaskResult } from '../contract/delivery.ts';
import { MalformedDelivery } from '../contract/errors.ts';
import { METRICS } from '../contract/metrics.ts';
import { waiting } from '../domain/progress.ts';
import { type FindReceiverServices, findReceiver } from './find-receiver.ts';
import { type GatedTriesServices, type Passage, tryThroughGate } from './gated-tries.ts';

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
  const passage = await (passages[0] as Promise<Passage>);
  if (passage.to === 'settled') return passage.result;
  if (passage.to === 'workflow') throw new MalformedDelivery('it is in the workflow already');
  services.counter.count(METRICS.deliveryDeferred);
  return waiting(delivery, passage.reason, passage.atMs, passage.reservedForMs);
}
