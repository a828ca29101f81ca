import { AppConfigDataClient } from '@aws-sdk/client-appconfigdata';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type * as z from 'zod';
import { createFlagSource } from '../flag/appconfig-flag.ts';
import { createIntegrationSource } from '../partners/appconfig-integrations.ts';
import { openClient } from '../shared/aws-clients.ts';
import { warmCacheEnvironment } from '../shared/environment.ts';
import { type ColdStart, createHandler } from '../shared/handler.ts';
import { createSecretSource } from '../shared/secrets-manager.ts';
import { warehouseNames } from '../warehouse/query.ts';
import { createSnowflakeWarming } from '../warehouse/snowflake/warming.ts';
import { snowflakeSecretSchema } from '../warehouse/snowflake-secret.ts';
import { createWarmStore } from '../warehouse/warm-store.ts';
import { warmInputSchema } from './warm-report.ts';
import { type WarmServices, warmCache } from './warm-run.ts';

/** Called by a schedule, and by `./ltw warm-cache`. */
export const handler = createHandler({
  environment: warmCacheEnvironment,
  input: warmInputSchema,
  createServices,
  handle: warmCache,
});

/** On a cold start only. */
function createServices(start: ColdStart<z.infer<typeof warmCacheEnvironment>>): WarmServices {
  const { environment, deadlines, log, counter } = start;
  const appConfig = openClient(AppConfigDataClient, deadlines.clients.settings);
  const { warehouse, role, ...source } = warehouseNames(environment);
  return {
    flag: createFlagSource({ environment, client: appConfig, log, counter, ...deadlines.configuration }),
    integrations: createIntegrationSource({ environment, client: appConfig, deadlines, log }),
    warehouse: createSnowflakeWarming({
      secrets: createSecretSource({
        client: openClient(SecretsManagerClient, deadlines.clients.settings),
        secretId: environment.SNOWFLAKE_SECRET_ID,
        parse: snowflakeSecretSchema,
        log,
        ...deadlines.secret,
      }),
      names: { warehouse, role, ...source },
      queryTag: environment.SNOWFLAKE_QUERY_TAG,
      log,
    }),
    store: createWarmStore({
      host: environment.CACHE_HOST,
      port: environment.CACHE_PORT,
      tls: environment.CACHE_TLS,
      maxEcpuPerSecond: environment.CACHE_MAX_ECPU_PER_SECOND,
      deadlines: deadlines.warming,
      log,
    }),
    settings: { activeDays: environment.WARM_ACTIVE_DAYS, maxRows: environment.WARM_MAX_ROWS, source },
    log,
    counter,
    now: Date.now,
  };
}
