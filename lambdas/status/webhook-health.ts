import { AppConfigDataClient } from '@aws-sdk/client-appconfigdata';
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type * as z from 'zod';
import { createFailureSearch } from '../ledger/table/latest-failures.ts';
import { createTimerLists } from '../ledger/table/ledger-timers.ts';
import { OVERDUE_AFTER_MS } from '../ledger/timer.ts';
import { createIntegrationSource } from '../partners/appconfig-integrations.ts';
import { openClient } from '../shared/aws-clients.ts';
import { createMetricReader } from '../shared/cloudwatch.ts';
import { webhookHealthEnvironment } from '../shared/environment.ts';
import { type ColdStart, createHandler } from '../shared/handler.ts';
import { queueName } from '../shared/queue-name.ts';
import { createSecretSource } from '../shared/secrets-manager.ts';
import { metricsTokenSchema } from './health-document.ts';
import { handleOperationsRequest, type OperationsServices } from './operations-api.ts';
import { createGaugeReader } from './read-gauges.ts';
import { createHealthReader } from './read-health.ts';

/** Called by the status API's gateway, payload format 2.0. */
export const handler = createHandler({
  environment: webhookHealthEnvironment,
  createServices,
  handle: handleOperationsRequest,
});

/** On a cold start only. */
function createServices(start: ColdStart<z.infer<typeof webhookHealthEnvironment>>): OperationsServices {
  const { environment, deadlines, log } = start;
  const table = {
    client: openClient(DynamoDBClient, deadlines.clients.ledger),
    tableName: environment.LEDGER_TABLE_NAME,
  };
  const { countTimers } = createTimerLists(table);
  const shared = {
    integrations: createIntegrationSource({
      environment,
      client: openClient(AppConfigDataClient, deadlines.clients.settings),
      deadlines,
      log,
    }),
    metrics: createMetricReader({
      client: openClient(CloudWatchClient, deadlines.clients.metrics),
      log,
      ...deadlines.metrics,
    }),
    namespace: environment.POWERTOOLS_METRICS_NAMESPACE,
    log,
    now: Date.now,
  };
  return {
    health: createHealthReader({ ...shared, failures: createFailureSearch({ ...table, ...deadlines.failureSearch }) }),
    gauges: createGaugeReader({
      ...shared,
      timers: (nowMs) =>
        countTimers(nowMs - OVERDUE_AFTER_MS, { abortSignal: AbortSignal.timeout(deadlines.timerCount.timeoutMs) }),
      queues: {
        events: queueName(environment.EVENTS_QUEUE_URL),
        deliveries: queueName(environment.DELIVERIES_QUEUE_URL),
        events_dead_letters: queueName(environment.EVENTS_DEAD_LETTER_QUEUE_URL),
        deliveries_dead_letters: queueName(environment.DELIVERIES_DEAD_LETTER_QUEUE_URL),
      },
    }),
    token: createSecretSource({
      client: openClient(SecretsManagerClient, deadlines.clients.settings),
      secretId: environment.METRICS_TOKEN_SECRET_ID,
      parse: metricsTokenSchema,
      log,
      ...deadlines.secret,
    }),
    log,
  };
}
