import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { SFNClient } from '@aws-sdk/client-sfn';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { openClient } from '../adapters/aws-clients.ts';
import { type IntakeServices, intake } from '../adapters/batch-intake.ts';
import { createCounter } from '../adapters/metrics.ts';
import { createQueues } from '../adapters/sqs.ts';
import { createWorkflow } from '../adapters/step-functions.ts';
import { deliverBatchEnvironment, readEnvironment } from '../contract/environment.ts';
import { MAX_QUEUE_TRY_SECONDS } from '../contract/integration.ts';
import { ioDeadlines } from '../contract/io-deadlines.ts';
import { deadLetterMessage } from '../domain/dead-letter.ts';

import { type DeliverMessagesServices, deliverMessages } from './deliver-messages.ts';
import { createDeliveryServices } from './delivery-services.ts';
import { deadLetterExpired } from './settle.ts';

let services: ReturnType<typeof createServices> | undefined;

/** Called by SQS with a batch of the deliveries queue. */
export async function handler(event: SQSEvent, context: Context): Promise<SQSBatchResponse> {
  services ??= createServices(process.env);
  const { delivering, receiving, counter } = services;
  try {
    return await intake(
      event.Records,
      (messages) => deliverMessages(messages, delivering),
      receiving,
      () => context.getRemainingTimeInMillis(),
    );
  } finally {
    counter.publish();
  }
}

/** On a cold start only. */
function createServices(variables: NodeJS.ProcessEnv) {
  const environment = readEnvironment(deliverBatchEnvironment, variables);
  const deadlines = ioDeadlines(environment.IO_DEADLINE_FACTOR);
  const log = new Logger();
  const counter = createCounter(new Metrics());
  const queues = createQueues({ client: openClient(SQSClient, deadlines.clients.messages), log });
  const deadLetter: DeliverMessagesServices['deadLetter'] = (letters) =>
    queues.send(environment.DELIVERIES_DEAD_LETTER_QUEUE_URL, letters.map(deadLetterMessage));
  const delivering: DeliverMessagesServices = {
    ...createDeliveryServices(environment, log, counter),
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
  return { delivering, receiving, counter };
}
