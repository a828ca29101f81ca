import { SFNClient } from '@aws-sdk/client-sfn';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { SQSEvent } from 'aws-lambda';
import type * as z from 'zod';
import { openClient } from '../adapters/aws-clients.ts';
import { type IntakeServices, intake } from '../adapters/batch-intake.ts';
import { createQueues } from '../adapters/sqs.ts';
import { createWorkflow } from '../adapters/step-functions.ts';
import { deliverBatchEnvironment } from '../contract/environment.ts';
import { MAX_QUEUE_TRY_SECONDS } from '../contract/integration.ts';
import { deadLetterMessage } from '../domain/dead-letter.ts';
import { type ColdStart, createHandler } from '../shared/handler.ts';
import { type DeliverMessagesServices, deliverMessages } from './deliver-messages.ts';
import { createDeliveryServices } from './delivery-services.ts';
import { deadLetterExpired } from './settle.ts';

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
  const deadLetter: DeliverMessagesServices['deadLetter'] = (letters) =>
    queues.send(environment.DELIVERIES_DEAD_LETTER_QUEUE_URL, letters.map(deadLetterMessage));
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
    slowestMs: MAX_QUEUE_TRY_SECONDS * 1000 + 5_000,
    hide: (receiptHandle, seconds) => queues.hide(environment.DELIVERIES_QUEUE_URL, receiptHandle, seconds),
    deadLetter: (expired) => deadLetterExpired(expired, delivering),
  };
  return { delivering, receiving };
}
