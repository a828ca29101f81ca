import { AppConfigDataClient } from '@aws-sdk/client-appconfigdata';
import { SFNClient } from '@aws-sdk/client-sfn';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { SQSEvent } from 'aws-lambda';
import type * as z from 'zod';
import { createWorkflow } from '../events/retry-workflow.ts';
import { openItems, openLedger } from '../ledger/dynamodb-ledger.ts';
import { outcomeSender } from '../ledger/unsettled-outcome.ts';
import { createIntegrationSource } from '../partners/appconfig-integrations.ts';
import { openClient } from '../shared/aws-clients.ts';
import { type HandleMessages, type IntakeServices, intake } from '../shared/batch-intake.ts';
import { enrichBatchEnvironment } from '../shared/environment.ts';
import { type ColdStart, createHandler } from '../shared/handler.ts';
import { toMessageText } from '../shared/json-text.ts';
import { createQueues } from '../shared/sqs.ts';
import { BATCH_WAREHOUSE_DEADLINE_MS, type EnrichEventsServices, enrichEvents } from './enrich-events.ts';
import { createLearningTimeServices } from './learning-time-services.ts';
import { createDeadLetter } from './reject-events.ts';

/** Called by SQS with a batch of the events queue. */
export const handler = createHandler({
  environment: enrichBatchEnvironment,
  createServices,
  handle({ Records }: SQSEvent, { enriching, receiving }, remainingMs) {
    const enrich: HandleMessages = (messages) => enrichEvents(messages, { ...enriching, remainingMs });
    return intake(Records, enrich, receiving, remainingMs);
  },
});

/** On a cold start only. */
function createServices(start: ColdStart<z.infer<typeof enrichBatchEnvironment>>) {
  const { environment, deadlines, log, counter } = start;
  // One client for both configurations saves a TLS handshake on a cold start.
  const appConfig = openClient(AppConfigDataClient, deadlines.clients.settings);
  const queues = createQueues({ client: openClient(SQSClient, deadlines.clients.messages), log });
  const outcomes = createQueues({ client: openClient(SQSClient, deadlines.clients.outcomes), log });
  const deadLetter = createDeadLetter({
    send: (messages) => queues.send(environment.EVENTS_DEAD_LETTER_QUEUE_URL, messages),
    log,
    counter,
  });
  const enriching: Omit<EnrichEventsServices, 'remainingMs'> = {
    ...createLearningTimeServices(start, appConfig),
    integrations: createIntegrationSource({ environment, client: appConfig, deadlines, log }),
    workflow: createWorkflow({
      client: openClient(SFNClient, deadlines.clients.messages),
      stateMachineArn: environment.STATE_MACHINE_ARN,
    }),
    ledger: openLedger(environment, {
      items: openItems(environment, deadlines.clients.ledger),
      queueOutcome: outcomeSender(outcomes, environment.OUTCOMES_QUEUE_URL),
      log,
      counter,
    }),
    forward: (deliveries) =>
      queues.send(
        environment.DELIVERIES_QUEUE_URL,
        [...deliveries].map(([id, delivery]) => ({
          id,
          body: toMessageText(delivery),
          groupId: delivery.integration_id,
        })),
      ),
    deadLetter,
    log,
    counter,
    now: Date.now,
    random: Math.random,
  };
  const receiving: IntakeServices = {
    log,
    now: Date.now,
    slowestMs: BATCH_WAREHOUSE_DEADLINE_MS + 5_000,
    hide: (receiptHandle, seconds) => queues.hide(environment.EVENTS_QUEUE_URL, receiptHandle, seconds),
    deadLetter,
  };
  return { enriching, receiving };
}
