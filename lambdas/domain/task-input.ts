import { type Delivery, deliverySchema } from '../contract/delivery.ts';
import { MalformedDelivery } from '../contract/errors.ts';
import { faultsOf } from '../contract/faults.ts';

/**
 * The delivery that the workflow hands to a task.
 *
 * @throws MalformedDelivery naming the fields that do not fit; their values are not repeated
 */
export function readTaskInput(input: unknown): Delivery {
  const result = deliverySchema.safeParse(input);
  if (result.success) return result.data;
  throw new MalformedDelivery(`not a delivery: ${faultsOf(result.error, 'input')}`);
}
