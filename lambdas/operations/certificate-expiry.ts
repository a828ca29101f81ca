import { AppConfigDataClient } from '@aws-sdk/client-appconfigdata';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { createOperationalEventBus } from '../events/operational-event-bus.ts';
import { createIntegrationNotices } from '../ledger/integration-notices.ts';
import { createIntegrationStates } from '../ledger/table/integration-states.ts';
import { itemsThroughSdk } from '../ledger/table/table-calls.ts';
import { createIntegrationSource } from '../partners/appconfig-integrations.ts';
import { integrationSecretSchema } from '../partners/integration-secret.ts';
import { openClient } from '../shared/aws-clients.ts';
import { certificateExpiryEnvironment } from '../shared/environment.ts';
import { createHandler } from '../shared/handler.ts';
import { readDatedSecret } from '../shared/secrets-manager.ts';
import { publishCertificateExpiry } from './publish-certificate-expiry.ts';

/** Called by a schedule: publishes the days until the first client certificate expires. */
export const handler = createHandler({
  environment: certificateExpiryEnvironment,
  createServices({ environment, deadlines, log, counter }) {
    const client = openClient(SecretsManagerClient, deadlines.clients.settings);
    const table = {
      client: openClient(DynamoDBClient, deadlines.clients.ledger),
      tableName: environment.LEDGER_TABLE_NAME,
    };
    const events = createOperationalEventBus({
      busName: environment.EVENT_BUS_NAME,
      deadlines: deadlines.clients.notices,
      log,
      counter,
    });
    const states = createIntegrationStates(itemsThroughSdk(table));
    return {
      notices: createIntegrationNotices({ states, events, log, now: Date.now }),
      integrations: createIntegrationSource({
        environment,
        client: openClient(AppConfigDataClient, deadlines.clients.settings),
        deadlines,
        log,
      }),
      async readSecret(integrationId: string) {
        const secretId = `${environment.INTEGRATION_SECRETS_PREFIX}${integrationId}`;
        return (await readDatedSecret({ client, secretId, parse: integrationSecretSchema, ...deadlines.secret })).value;
      },
      log,
      counter,
      now: Date.now,
    };
  },
  async handle(_event: unknown, services): Promise<void> {
    await publishCertificateExpiry(services);
  },
});
