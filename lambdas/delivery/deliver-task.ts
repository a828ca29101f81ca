import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { createCounter } from '../adapters/metrics.ts';
import type { TaskResult } from '../contract/delivery.ts';
import { deliverTaskEnvironment, readEnvironment } from '../contract/environment.ts';
import { readTaskInput } from '../domain/read-delivery.ts';
import { deliverOne } from './deliver-one.ts';
import { createDeliveryServices } from './delivery-services.ts';

let services: ReturnType<typeof createServices> | undefined;

/** Called by the retry workflow with a delivery whose learning time is settled. */
export async function handler(input: unknown): Promise<TaskResult> {
  services ??= createServices(process.env);
  const { delivering, counter } = services;
  try {
    return await deliverOne(readTaskInput(input), delivering);
  } finally {
    counter.publish();
  }
}

/** On a cold start only. */
function createServices(variables: NodeJS.ProcessEnv) {
  const environment = readEnvironment(deliverTaskEnvironment, variables);
  const counter = createCounter(new Metrics());
  const delivering = createDeliveryServices(environment, new Logger(), counter);
  return { delivering, counter };
}
