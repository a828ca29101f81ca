import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { AppConfigDataClient } from '@aws-sdk/client-appconfigdata';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SFNClient } from '@aws-sdk/client-sfn';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { createConfigurationSource } from '../adapters/appconfig/configuration-source.ts';
import { openClient } from '../adapters/aws-clients.ts';
import { type IntakeServices, intake, type ReceivedMessage } from '../adapters/batch-intake.ts';
import { openLedger } from '../adapters/dynamodb-ledger.ts';
import { createCounter } from '../adapters/metrics.ts';
import { createQueues, outcomeSender } from '../adapters/sqs.ts';
import { createWorkflow } from '../adapters/step-functions.ts';
import { enrichBatchEnvironment, readEnvironment } from '../contract/environment.ts';
import { ioDeadlines } from '../contract/io-deadlines.ts';
import { integrationsReader } from '../domain/integrations.ts';
import { toMessageText } from '../domain/json-text.ts';
import { BATCH_WAREHOUSE_DEADLINE_MS } from './answer-misses.ts';
import { createDeadLetter } from './dead-letter-events.ts';
import { enrichEvents } from './enrich-events.ts';
import type { EnrichEventsServices } from './enrich-events-services.ts';
import { createLearningTimeServices } from './learning-time-services.ts';

let services: ReturnType<typeof createServices> | undefined;

/** Called by SQS with a batch of the events queue. */
export async function handler(event: SQSEvent, context: Context): Promise<SQSBatchResponse> {
  services ??= createServices(process.env);
  const { enriching, receiving, counter } = services;
  const remainingMs = () => context.getRemainingTimeInMillis();
  try {
    const handle = (messages: readonly ReceivedMessage[]) => enrichEvents(messages, { ...enriching, remainingMs });
    return await intake(event.Records, handle, receiving, remainingMs);
  } finally {
    counter.publish();
  }
}

/** On a cold start only. */
function createServices(variables: NodeJS.ProcessEnv) {
  const environment = readEnvironment(enrichBatchEnvironment, variables);
  const deadlines = ioDeadlines(environment.IO_DEADLINE_FACTOR);
  const log = new Logger();
  const counter = createCounter(new Metrics());
  // One client, and so one TLS handshake on a cold start, for both configurations.
  const appConfig = openClient(AppConfigDataClient, deadlines.clients.settings);
  const queues = createQueues({ client: openClient(SQSClient, deadlines.clients.messages), log });
  const outcomes = createQueues({ client: openClient(SQSClient, deadlines.clients.outcomes), log });
  const deadLetter = createDeadLetter({
    send: (letters) => queues.send(environment.EVENTS_DEAD_LETTER_QUEUE_URL, letters),
    log,
    counter,
  });
  const enriching: Omit<EnrichEventsServices, 'remainingMs'> = {
    ...createLearningTimeServices(environment, appConfig, log, counter),
    integrations: createConfigurationSource({
      client: appConfig,
      applicationId: environment.APPCONFIG_APPLICATION_ID,
      environmentId: environment.INTEGRATIONS_ENVIRONMENT_ID,
      profileId: environment.INTEGRATIONS_PROFILE_ID,
      parse: integrationsReader(log),
      log,
      ...deadlines.configuration,
    }),
    workflow: createWorkflow({
      client: openClient(SFNClient, deadlines.clients.messages),
      stateMachineArn: environment.STATE_MACHINE_ARN,
    }),
    ledger: openLedger(environment, {
      client: openClient(DynamoDBClient, deadlines.clients.ledger),
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
  return { enriching, receiving, counter };
}
