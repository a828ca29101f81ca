import { faultsOf } from '../shared/faults.ts';
import { parseJson } from '../shared/json.ts';
import { type Delivery, deliverySchema } from './delivery.ts';

/**
 * Reads a message of the deliveries queue.
 *
 * @returns the delivery, or the fields that do not fit; their values are not repeated
 */
export function readDelivery(body: string): Delivery | string {
  const value = parseJson(body);
  if (value === undefined) return 'not JSON';
  const result = deliverySchema.safeParse(value);
  return result.success ? result.data : faultsOf(result.error, 'delivery');
}
