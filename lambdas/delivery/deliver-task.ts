import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { createCounter } from '../adapters/metrics.ts';
import type { TaskResult } from '../contract/delivery.ts';
import { deliverTaskEnvironment, readEnvironment } from '../contract/environment.ts';
import { MalformedDelivery } from '../contract/errors.ts';
import { readTaskInput } from '../domain/task-input.ts';
import { createDeliveryServices } from './delivery-services.ts';
import { findReceiver } from './find-receiver.ts';
import { tryDelivery } from './try-delivery.ts';

let services: ReturnType<typeof createServices> | undefined;

/** Called by the retry workflow with a delivery whose learning time is settled. */
export async function handler(input: unknown): Promise<TaskResult> {
  services ??= createServices(process.env);
  const { delivering, counter } = services;
  const delivery = readTaskInput(input);
  const { enrichment } = delivery.progress;
  if (enrichment.status === 'pending') throw new MalformedDelivery('its enrichment is not settled');
  try {
    const receiver = await findReceiver(delivery, delivering);
    if ('result' in receiver) return receiver.result;
    return await tryDelivery(delivery, enrichment, receiver.integration, delivering);
  } finally {
    counter.publish();
  }
}

/** On a cold start only. */
function createServices(variables: NodeJS.ProcessEnv) {
  const environment = readEnvironment(deliverTaskEnvironment, variables);
  const counter = createCounter(new Metrics());
  return { delivering: createDeliveryServices(environment, new Logger(), counter), counter };
}
