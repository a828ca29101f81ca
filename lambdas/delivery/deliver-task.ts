import { deliverySchema } from '../events/delivery.ts';
import { deliverTaskEnvironment } from '../shared/environment.ts';
import { createHandler } from '../shared/handler.ts';
import { deliverOne } from './deliver-one.ts';
import { createDeliveryServices } from './delivery-services.ts';

/** Called by the retry workflow with a delivery whose learning time is decided. */
export const handler = createHandler({
  environment: deliverTaskEnvironment,
  input: deliverySchema,
  createServices: createDeliveryServices,
  handle: deliverOne,
});
