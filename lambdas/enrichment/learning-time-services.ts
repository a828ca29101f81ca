import type { AppConfigDataClient } from '@aws-sdk/client-appconfigdata';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type * as z from 'zod';
import { createFlagSource } from '../adapters/appconfig-flag.ts';
import { openClient } from '../adapters/aws-clients.ts';
import { createSecretSource } from '../adapters/secrets-manager.ts';
import { createSnowflakeWarehouse } from '../adapters/snowflake-warehouse.ts';
import { createValkeyCache } from '../adapters/valkey-cache.ts';
import type { enrichTaskEnvironment } from '../contract/environment.ts';
import { snowflakeSecretSchema } from '../domain/snowflake-secret.ts';
import type { ColdStart } from '../shared/handler.ts';
import { guardWarehouse } from './guarded-warehouse.ts';
import { learningTimeTables } from './learning-time-tables.ts';

/** What both enrichment functions need to find out how long a learner learned: flag, cache, warehouse. */
export function createLearningTimeServices(
  { environment, deadlines, log, counter }: ColdStart<z.infer<typeof enrichTaskEnvironment>>,
  appConfig: AppConfigDataClient,
) {
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
