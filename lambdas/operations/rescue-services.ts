import { DescribeExecutionCommand, SFNClient } from '@aws-sdk/client-sfn';
import { SQSClient } from '@aws-sdk/client-sqs';
import type * as z from 'zod';
import { deadLetterMessage } from '../events/dead-letter.ts';
import { createOperationalEventBus } from '../events/operational-event-bus.ts';
import { startOnce } from '../events/retry-workflow.ts';
import { openClient } from '../shared/aws-clients.ts';
import type { rescueExecutionEnvironment } from '../shared/environment.ts';
import type { ColdStart } from '../shared/handler.ts';
import { createQueues } from '../shared/sqs.ts';
import type { RescueServices } from './rescue-through-workflow.ts';

/** The services of both rescue functions; one of them lists executions with the same Step Functions client. */
export function createRescueServices({
  environment,
  deadlines,
  log,
  counter,
}: ColdStart<z.infer<typeof rescueExecutionEnvironment>>): RescueServices & { readonly stepFunctions: SFNClient } {
  const stepFunctions = openClient(SFNClient, deadlines.clients.schedule);
  const queues = createQueues({ client: openClient(SQSClient, deadlines.clients.messages), log });
  return {
    stepFunctions,
    async describe(executionArn) {
      const { name, status, error, input } = await stepFunctions.send(new DescribeExecutionCommand({ executionArn }));
      return { name: name ?? executionArn, status: status ?? 'UNKNOWN', error, input: input ?? '{}' };
    },
    start: (name, input) => startOnce(stepFunctions, environment.STATE_MACHINE_ARN, name, input),
    async deadLetter({ name, status, input }) {
      const message = deadLetterMessage({ id: name, body: input, reason: `workflow execution ${status}: ${name}` });
      const refused = await queues.send(environment.DELIVERIES_DEAD_LETTER_QUEUE_URL, [message]);
      return refused.size === 0;
    },
    events: createOperationalEventBus({
      busName: environment.EVENT_BUS_NAME,
      deadlines: deadlines.clients.notices,
      log,
      counter,
    }),
    log,
    counter,
    now: Date.now,
  };
}
