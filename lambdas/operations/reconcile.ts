import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { AppConfigDataClient } from '@aws-sdk/client-appconfigdata';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { Context } from 'aws-lambda';
import { createConfigurationSource } from '../adapters/appconfig/configuration-source.ts';
import { openClient } from '../adapters/aws-clients.ts';
import { createLedgerTable } from '../adapters/dynamodb/ledger-table.ts';
import { createCounter } from '../adapters/metrics.ts';
import { createQueues } from '../adapters/sqs.ts';
import { readEnvironment, reconcileEnvironment } from '../contract/environment.ts';
import { ioDeadlines } from '../contract/io-deadlines.ts';
import type { ReconcileReport } from '../contract/reconciliation.ts';
import { integrationsReader } from '../domain/integrations.ts';
import { reconcileLedger } from './reconcile-ledger.ts';
import type { ReconcileServices } from './reconcile-run.ts';

let services: ReturnType<typeof createServices> | undefined;

/** Called by schedules, and by `./ltw reconcile`. */
export async function handler(input: unknown, context: Context): Promise<ReconcileReport> {
  services ??= createServices(process.env);
  try {
    return await reconcileLedger(input, services.reconciling, () => context.getRemainingTimeInMillis());
  } finally {
    services.counter.publish();
  }
}

/** On a cold start only. */
function createServices(variables: NodeJS.ProcessEnv) {
  const environment = readEnvironment(reconcileEnvironment, variables);
  const deadlines = ioDeadlines(environment.IO_DEADLINE_FACTOR);
  const log = new Logger();
  const counter = createCounter(new Metrics());
  const queues = createQueues({ client: openClient(SQSClient, deadlines.clients.messages), log });
  const reconciling: ReconcileServices = {
    table: createLedgerTable({
      client: openClient(DynamoDBClient, deadlines.clients.schedule),
      tableName: environment.LEDGER_TABLE_NAME,
      payloadDays: environment.LEDGER_PAYLOAD_DAYS,
      factsDays: environment.LEDGER_FACTS_DAYS,
    }),
    integrations: createConfigurationSource({
      client: openClient(AppConfigDataClient, deadlines.clients.settings),
      applicationId: environment.APPCONFIG_APPLICATION_ID,
      environmentId: environment.INTEGRATIONS_ENVIRONMENT_ID,
      profileId: environment.INTEGRATIONS_PROFILE_ID,
      parse: integrationsReader(log),
      log,
      ...deadlines.configuration,
    }),
    countOutcomes: () => queues.count(environment.OUTCOMES_QUEUE_URL),
    send: (messages) => queues.send(environment.DELIVERIES_QUEUE_URL, messages),
    deadLetter: (letters) => queues.send(environment.DELIVERIES_DEAD_LETTER_QUEUE_URL, letters),
    log,
    counter,
    now: Date.now,
  };
  return { reconciling, counter };
}
