import { SFNClient } from '@aws-sdk/client-sfn';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { SQSEvent } from 'aws-lambda';
import type * as z from 'zod';
import { deadLetterMessage } from '../events/dead-letter.ts';
import { createWorkflow } from '../events/retry-workflow.ts';
import { MAX_QUEUE_ATTEMPT_SECONDS } from '../partners/integration.ts';
import { openClient } from '../shared/aws-clients.ts';
import { type IntakeServices, intake } from '../shared/batch-intake.ts';
import { deliverBatchEnvironment } from '../shared/environment.ts';
import { type ColdStart, createHandler } from '../shared/handler.ts';
import { createQueues } from '../shared/sqs.ts';
import { deadLetterExpired } from './dead-letter-messages.ts';
import { type DeliverMessagesServices, deliverMessages } from './deliver-messages.ts';
import { createDeliveryServices } from './delivery-services.ts';

/** Called by SQS with a batch of the deliveries queue. */
export const handler = createHandler({
  environment: deliverBatchEnvironment,
  createServices,
  handle({ Records }: SQSEvent, { delivering, receiving }, remainingMs) {
    return intake(Records, (messages) => deliverMessages(messages, delivering), receiving, remainingMs);
  },
});

/** On a cold start only. */
function createServices(start: ColdStart<z.infer<typeof deliverBatchEnvironment>>) {
  const { environment, deadlines, log } = start;
  const queues = createQueues({ client: openClient(SQSClient, deadlines.clients.messages), log });
  const deadLetter: DeliverMessagesServices['deadLetter'] = (messages) =>
    queues.send(environment.DELIVERIES_DEAD_LETTER_QUEUE_URL, messages.map(deadLetterMessage));
  const delivering: DeliverMessagesServices = {
    ...createDeliveryServices(start),
    workflow: createWorkflow({
      client: openClient(SFNClient, deadlines.clients.messages),
      stateMachineArn: environment.STATE_MACHINE_ARN,
    }),
    deadLetter,
    defer: (messages) => queues.send(environment.DELIVERIES_QUEUE_URL, messages),
  };
  const receiving: IntakeServices = {
    log,
    now: Date.now,
    slowestMs: MAX_QUEUE_ATTEMPT_SECONDS * 1000 + 5_000,
    hide: (receiptHandle, seconds) => queues.hide(environment.DELIVERIES_QUEUE_URL, receiptHandle, seconds),
    deadLetter: (expired) => deadLetterExpired(expired, delivering),
  };
  return { delivering, receiving };
}
