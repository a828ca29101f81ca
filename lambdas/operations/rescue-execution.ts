import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import type { EventBridgeEvent } from 'aws-lambda';
import { createCounter } from '../adapters/metrics.ts';
import { readEnvironment, rescueExecutionEnvironment } from '../contract/environment.ts';
import { rescue } from './rescue.ts';
import { createRescueServices } from './rescue-services.ts';

let services: ReturnType<typeof createServices> | undefined;

/** Called by the rule on an execution of the retry workflow that failed, timed out or was aborted. */
export async function handler(
  event: EventBridgeEvent<'Step Functions Execution Status Change', { executionArn: string }>,
): Promise<void> {
  services ??= createServices(process.env);
  try {
    await rescue(event.detail.executionArn, 'event', services.rescuing);
  } finally {
    services.counter.publish();
  }
}

/** On a cold start only. */
function createServices(variables: NodeJS.ProcessEnv) {
  const environment = readEnvironment(rescueExecutionEnvironment, variables);
  const counter = createCounter(new Metrics());
  return { rescuing: createRescueServices(environment, new Logger(), counter), counter };
}
