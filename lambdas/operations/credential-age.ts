import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { ListSecretVersionIdsCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { openClient } from '../adapters/aws-clients.ts';
import { createCounter } from '../adapters/metrics.ts';
import { credentialAgeEnvironment, readEnvironment } from '../contract/environment.ts';
import { ioDeadlines } from '../contract/io-deadlines.ts';
import { METRICS } from '../contract/metrics.ts';

const DAY_MS = 24 * 3600_000;
/** Every version has a label or is deprecated, and those are left out: a handful. */
const CURRENT = 'AWSCURRENT';

let services: ReturnType<typeof createServices> | undefined;

/**
 * Called by a schedule: publishes how old the Snowflake credential is, in days, without reading it. Where it has none yet
 * nothing is published, and the alarm fires for that.
 */
export async function handler(): Promise<void> {
  services ??= createServices(process.env);
  const { client, secretId, counter, log } = services;
  try {
    const { Versions = [] } = await client.send(new ListSecretVersionIdsCommand({ SecretId: secretId }));
    const createdAt = Versions.find(({ VersionStages }) => VersionStages?.includes(CURRENT))?.CreatedDate;
    if (createdAt === undefined) {
      log.warn('credential.missing', { secret: secretId });
      return;
    }
    const days = Math.max(0, (Date.now() - createdAt.getTime()) / DAY_MS);
    counter.measure(METRICS.credentialAge, days);
    log.info('credential.age', { secret: secretId, days: Math.floor(days) });
  } finally {
    counter.publish();
  }
}

/** On a cold start only. */
function createServices(variables: NodeJS.ProcessEnv) {
  const environment = readEnvironment(credentialAgeEnvironment, variables);
  const secretId = environment.SNOWFLAKE_SECRET_ID;
  const deadlines = ioDeadlines(environment.IO_DEADLINE_FACTOR);
  const client = openClient(SecretsManagerClient, deadlines.clients.settings);
  return { client, secretId, counter: createCounter(new Metrics()), log: new Logger() };
}
