import { AppConfigDataClient } from '@aws-sdk/client-appconfigdata';
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type * as z from 'zod';
import { createIntegrationSource } from '../adapters/appconfig-integrations.ts';
import { openClient } from '../adapters/aws-clients.ts';
import { createMetricReader } from '../adapters/cloudwatch.ts';
import { createFailureSearch } from '../adapters/dynamodb/latest-failures.ts';
import { createTimers } from '../adapters/dynamodb/ledger-timers.ts';
import { createSecretSource } from '../adapters/secrets-manager.ts';
import { webhookHealthEnvironment } from '../contract/environment.ts';
import { OVERDUE_AFTER_MS } from '../contract/timer.ts';
import { metricsTokenSchema } from '../contract/webhook-health.ts';
import { queueName } from '../domain/queue-name.ts';
import { type ColdStart, createHandler } from '../shared/handler.ts';
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
  const { countTimers } = createTimers(table);
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
