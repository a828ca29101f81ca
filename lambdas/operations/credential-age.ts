import { ListSecretVersionIdsCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { openClient } from '../shared/aws-clients.ts';
import { DAY_MS } from '../shared/durations.ts';
import { credentialAgeEnvironment } from '../shared/environment.ts';
import { createHandler } from '../shared/handler.ts';
import { METRICS } from '../shared/metric-definitions.ts';

/** Label of the current version. `ListSecretVersionIds` omits deprecated versions, so one page holds all others. */
const CURRENT = 'AWSCURRENT';

/**
 * Called by a schedule: publishes the age of the Snowflake credential, in days, without reading it. Without a credential nothing
 * is published, and the alarm has no data.
 */
export const handler = createHandler({
  environment: credentialAgeEnvironment,
  createServices: ({ environment, deadlines, log, counter }) => ({
    client: openClient(SecretsManagerClient, deadlines.clients.settings),
    secretId: environment.SNOWFLAKE_SECRET_ID,
    log,
    counter,
  }),
  async handle(_event: unknown, { client, secretId, log, counter }): Promise<void> {
    const { Versions = [] } = await client.send(new ListSecretVersionIdsCommand({ SecretId: secretId }));
    const createdAt = Versions.find(({ VersionStages }) => VersionStages?.includes(CURRENT))?.CreatedDate;
    if (createdAt === undefined) {
      log.warn('credential.missing', { secret: secretId });
      return;
    }
    const days = Math.max(0, (Date.now() - createdAt.getTime()) / DAY_MS);
    counter.measure(METRICS.credentialAge, days);
    log.info('credential.age', { secret: secretId, days: Math.floor(days) });
  },
});
