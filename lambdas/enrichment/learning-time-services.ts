import type { AppConfigDataClient } from '@aws-sdk/client-appconfigdata';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type * as z from 'zod';
import { createFlagSource } from '../flag/appconfig-flag.ts';
import { openClient } from '../shared/aws-clients.ts';
import type { enrichTaskEnvironment } from '../shared/environment.ts';
import type { ColdStart } from '../shared/handler.ts';
import { createSecretSource } from '../shared/secrets-manager.ts';
import { createValkeyCache } from '../warehouse/cache.ts';
import { warehouseNames } from '../warehouse/query.ts';
import { createSnowflakeWarehouse } from '../warehouse/snowflake/warehouse.ts';
import { snowflakeSecretSchema } from '../warehouse/snowflake-secret.ts';
import { guardWarehouse } from './warehouse-breaker.ts';

/** The services with which both enrichment functions look up learning time: flag, cache and warehouse. */
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
    names: warehouseNames(environment),
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
