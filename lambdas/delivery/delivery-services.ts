import { AppConfigDataClient } from '@aws-sdk/client-appconfigdata';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';
import type * as z from 'zod';
import { createOperationalEventBus } from '../events/operational-event-bus.ts';
import { openItems, openLedger } from '../ledger/dynamodb-ledger.ts';
import { createIntegrationNotices } from '../ledger/integration-notices.ts';
import { createIntegrationStates } from '../ledger/table/integration-states.ts';
import { outcomeSender } from '../ledger/unsettled-outcome.ts';
import { createValkeyLimiter } from '../limiter/valkey-limiter.ts';
import { createIntegrationSource } from '../partners/appconfig-integrations.ts';
import { createHttpsSender } from '../partners/http/sender.ts';
import { type IntegrationSecret, integrationSecretSchema } from '../partners/integration-secret.ts';
import { createTokenSource } from '../partners/oauth-tokens.ts';
import { createRetryAfterReader } from '../partners/retry-after.ts';
import { openClient } from '../shared/aws-clients.ts';
import { onePerKey } from '../shared/cache.ts';
import type { deliverTaskEnvironment, sendTestEnvironment } from '../shared/environment.ts';
import type { ColdStart } from '../shared/handler.ts';
import type { IoDeadlines } from '../shared/io-deadlines.ts';
import type { Log } from '../shared/log.ts';
import type { SecretSource } from '../shared/secret-source.ts';
import { createSecretSource, createUncachedSecretSource } from '../shared/secrets-manager.ts';
import { createQueues } from '../shared/sqs.ts';
import type { DeliverOneServices } from './deliver-one.ts';
import type { FindReceiverServices } from './find-receiver.ts';
import type { SendWebhookServices } from './send-webhook.ts';

/** The services of every function that sends to partners. */
export function createSendingServices({
  environment,
  deadlines,
  log,
}: Pick<ColdStart<z.infer<typeof sendTestEnvironment>>, 'environment' | 'deadlines' | 'log'>): SendWebhookServices &
  Pick<FindReceiverServices, 'integrations'> {
  const sender = createHttpsSender({
    allowPlainHttp: environment.ALLOW_PLAIN_HTTP,
    allowedCidrs: environment.ALLOWED_CIDRS,
    allowedPorts: environment.ALLOWED_PORTS,
    ...deadlines.sender,
  });
  return {
    integrations: createIntegrationSource({
      environment,
      client: openClient(AppConfigDataClient, deadlines.clients.settings),
      deadlines,
      log,
    }),
    sender,
    tokens: createTokenSource({ sender }),
    secretOf: integrationSecrets(environment.INTEGRATION_SECRETS_PREFIX, deadlines, log),
    now: Date.now,
  };
}

/** The services of both delivery functions. */
export function createDeliveryServices(start: ColdStart<z.infer<typeof deliverTaskEnvironment>>): DeliverOneServices {
  const { environment, deadlines, log, counter } = start;
  const limiter = createValkeyLimiter({
    host: environment.CACHE_HOST,
    port: environment.CACHE_PORT,
    tls: environment.CACHE_TLS,
    slowAttempts: environment.SLOW_ENDPOINT_ATTEMPTS,
    environments: environment.SENDING_ENVIRONMENTS,
    deadlines: deadlines.valkey,
    log,
  });
  limiter.connect();
  const outcomes = createQueues({ client: openClient(SQSClient, deadlines.clients.outcomes), log });
  const events = createOperationalEventBus({
    busName: environment.EVENT_BUS_NAME,
    deadlines: deadlines.clients.notices,
    log,
    counter,
  });
  const items = openItems(environment, deadlines.clients.ledger);
  return {
    ...createSendingServices(start),
    limiter,
    notices: createIntegrationNotices({ states: createIntegrationStates(items), events, log, now: Date.now }),
    ledger: openLedger(environment, {
      items,
      queueOutcome: outcomeSender(outcomes, environment.OUTCOMES_QUEUE_URL),
      events,
      log,
      counter,
    }),
    retryAfterMs: createRetryAfterReader(log),
    log,
    counter,
    random: Math.random,
  };
}

/** One secret source per integration, created at its first use, so that the next delivery finds the secret cached. */
function integrationSecrets(
  prefix: string,
  deadlines: IoDeadlines,
  log: Log,
): (integrationId: string) => SecretSource<IntegrationSecret> {
  const client = openClient(SecretsManagerClient, deadlines.clients.settings);
  return onePerKey((integrationId) => {
    const secretId = `${prefix}${integrationId}`;
    return createSecretSource({ client, secretId, parse: integrationSecretSchema, log, ...deadlines.secret });
  });
}

/** For test events: an operator has often just changed the secret. */
export function uncachedSecrets({
  environment,
  deadlines,
}: Pick<ColdStart<z.infer<typeof sendTestEnvironment>>, 'environment' | 'deadlines'>): (
  integrationId: string,
) => SecretSource<IntegrationSecret> {
  const client = openClient(SecretsManagerClient, deadlines.clients.settings);
  return (integrationId) => {
    const secretId = `${environment.INTEGRATION_SECRETS_PREFIX}${integrationId}`;
    return createUncachedSecretSource({ client, secretId, parse: integrationSecretSchema, ...deadlines.secret });
  };
}
