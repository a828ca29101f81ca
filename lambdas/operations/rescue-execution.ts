import type { EventBridgeEvent } from 'aws-lambda';
import { rescueExecutionEnvironment } from '../shared/environment.ts';
import { createHandler } from '../shared/handler.ts';
import { createRescueServices } from './rescue-services.ts';
import { rescue } from './rescue-through-workflow.ts';

type ExecutionEnded = EventBridgeEvent<'Step Functions Execution Status Change', { executionArn: string }>;

/** Called by the rule on an execution of the retry workflow that failed, timed out or was aborted. */
export const handler = createHandler({
  environment: rescueExecutionEnvironment,
  createServices: createRescueServices,
  handle: ({ detail }: ExecutionEnded, services) => rescue(detail.executionArn, 'event', services),
});
