import { type Delivery, deliverySchema } from '../contract/delivery.ts';
import { faultsOf } from '../contract/faults.ts';

/** The delivery, or what is wrong with the message. */
export function readDelivery(body: string): Delivery | string {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return 'not JSON';
  }
  const result = deliverySchema.safeParse(value);
  if (result.success) return result.data;
  return faultsOf(result.error, 'delivery');
}
