import { AppConfigDataClient } from '@aws-sdk/client-appconfigdata';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SQSClient } from '@aws-sdk/client-sqs';
import type * as z from 'zod';
import { createOperationalEventBus } from '../events/operational-event-bus.ts';
import { createIntegrationNotices } from '../ledger/integration-notices.ts';
import { createIntegrationStates, listIntegrationStates } from '../ledger/table/integration-states.ts';
import { createLedgerTable } from '../ledger/table/ledger-table.ts';
import { createReconcileProgress } from '../ledger/table/reconcile-progress.ts';
import { itemsThroughSdk } from '../ledger/table/table-calls.ts';
import { createIntegrationSource } from '../partners/appconfig-integrations.ts';
import { openClient } from '../shared/aws-clients.ts';
import { reconcileEnvironment } from '../shared/environment.ts';
import { type ColdStart, createHandler } from '../shared/handler.ts';
import { createQueues } from '../shared/sqs.ts';
import { reconcileLedger } from './reconcile-ledger.ts';
import type { ReconcileServices } from './reconcile-run.ts';

/** Called by a schedule, and by `./ltw reconcile`. */
export const handler = createHandler({
  environment: reconcileEnvironment,
  createServices,
  handle: reconcileLedger,
});

/** On a cold start only. */
function createServices(start: ColdStart<z.infer<typeof reconcileEnvironment>>): ReconcileServices {
  const { environment, deadlines, log, counter } = start;
  const queues = createQueues({ client: openClient(SQSClient, deadlines.clients.messages), log });
  const client = openClient(DynamoDBClient, deadlines.clients.schedule);
  const tableName = environment.LEDGER_TABLE_NAME;
  const states = createIntegrationStates(itemsThroughSdk({ client, tableName }));
  const events = createOperationalEventBus({
    busName: environment.EVENT_BUS_NAME,
    deadlines: deadlines.clients.notices,
    log,
    counter,
  });
  return {
    table: createLedgerTable({
      client,
      tableName,
      payloadDays: environment.LEDGER_PAYLOAD_DAYS,
      factsDays: environment.LEDGER_FACTS_DAYS,
    }),
    progress: createReconcileProgress({ client, tableName }),
    payloadDays: environment.LEDGER_PAYLOAD_DAYS,
    integrations: createIntegrationSource({
      environment,
      client: openClient(AppConfigDataClient, deadlines.clients.settings),
      deadlines,
      log,
    }),
    countOutcomes: () => queues.count(environment.OUTCOMES_QUEUE_URL),
    send: (messages) => queues.send(environment.DELIVERIES_QUEUE_URL, messages),
    deadLetter: (messages) => queues.send(environment.DELIVERIES_DEAD_LETTER_QUEUE_URL, messages),
    events,
    integrationStates: () => listIntegrationStates({ client, tableName }),
    notices: createIntegrationNotices({ states, events, log, now: Date.now }),
    log,
    counter,
    now: Date.now,
  };
}
