import { faultsOf } from '../shared/faults.ts';
import { parseJson } from '../shared/json.ts';
import { type Delivery, deliverySchema } from './delivery.ts';

/**
 * Parses a message of the deliveries queue.
 *
 * @returns the delivery, or why the message is invalid; the reason names fields, never their values
 */
export function readDelivery(body: string): Delivery | string {
  const value = parseJson(body);
  if (value === undefined) return 'not JSON';
  const result = deliverySchema.safeParse(value);
  return result.success ? result.data : faultsOf(result.error, 'delivery');
}
