import type { AppConfigDataClient } from '@aws-sdk/client-appconfigdata';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type * as z from 'zod';
import { createFlagSource } from '../adapters/appconfig-flag.ts';
import { openClient } from '../adapters/aws-clients.ts';
import { createSecretSource } from '../adapters/secrets-manager.ts';
import { createSnowflakeWarehouse } from '../adapters/snowflake-warehouse.ts';
import { createValkeyCache } from '../adapters/valkey-cache.ts';
import type { enrichTaskEnvironment } from '../contract/environment.ts';
import { ioDeadlines } from '../contract/io-deadlines.ts';
import type { Log } from '../contract/log.ts';
import type { Counter } from '../contract/metrics.ts';
import { snowflakeSecretSchema } from '../domain/snowflake-secret.ts';
import { guardWarehouse } from './guarded-warehouse.ts';
import { learningTimeTables } from './learning-time-tables.ts';

/** What both enrichment functions need to answer "how long did this learner learn?": flag, cache, warehouse. */
export function createLearningTimeServices(
  environment: z.infer<typeof enrichTaskEnvironment>,
  appConfig: AppConfigDataClient,
  log: Log,
  counter: Counter,
) {
  const deadlines = ioDeadlines(environment.IO_DEADLINE_FACTOR);
  const flag = createFlagSource({ environment, client: appConfig, log, counter, ...deadlines.configuration });
  const secrets = createSecretSource({
    client: openClient(SecretsManagerClient, deadlines.clients.settings),
    secretId: environment.SNOWFLAKE_SECRET_ID,
    parse: snowflakeSecretSchema,
    log,
    ...deadlines.secret,
  });
  const snowflake = createSnowflakeWarehouse({
    secrets,
    tables: learningTimeTables(environment),
    queryTag: environment.SNOWFLAKE_QUERY_TAG,
    log,
  });
  const warehouse = guardWarehouse({
    warehouse: snowflake,
    limits: {
      failuresToOpen: environment.WAREHOUSE_FAILURES_TO_OPEN,
      openMs: environment.WAREHOUSE_OPEN_SECONDS * 1000,
      slowMs: environment.WAREHOUSE_SLOW_SECONDS * 1000,
    },
    log,
    now: Date.now,
    random: Math.random,
  });
  const cache = createValkeyCache({
    host: environment.CACHE_HOST,
    port: environment.CACHE_PORT,
    tls: environment.CACHE_TLS,
    deadlines: deadlines.valkey,
    log,
  });
  cache.connect();
  return { flag, cache, warehouse };
}
