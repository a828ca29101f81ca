import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type * as z from 'zod';
import { openClient } from '../shared/aws-clients.ts';
import { checkWarehouseEnvironment } from '../shared/environment.ts';
import { type ColdStart, createHandler } from '../shared/handler.ts';
import { readDatedSecret } from '../shared/secrets-manager.ts';
import type { CheckWarehouseReport } from '../warehouse/check.ts';
import { inspectWarehouse } from '../warehouse/inspect.ts';
import { warehouseNames } from '../warehouse/query.ts';
import { createSnowflakeInspector } from '../warehouse/snowflake/inspector.ts';
import { createSnowflakeWarehouse } from '../warehouse/snowflake/warehouse.ts';
import { snowflakeSecretSchema } from '../warehouse/snowflake-secret.ts';

/** Called by `./ltw check-warehouse`: uses the same network, role and secret as enrichment. */
export const handler = createHandler({
  environment: checkWarehouseEnvironment,
  createServices,
  async handle(input: unknown, { inspecting, log }): Promise<CheckWarehouseReport> {
    const report = await inspectWarehouse(input, inspecting);
    const verdicts = report.checks.map(({ check, verdict }) => [check, verdict]);
    log.info('warehouse.checked', Object.fromEntries(verdicts));
    return report;
  },
});

/** On a cold start only. */
function createServices({ environment, deadlines, log }: ColdStart<z.infer<typeof checkWarehouseEnvironment>>) {
  const client = openClient(SecretsManagerClient, deadlines.clients.settings);
  const secretId = environment.SNOWFLAKE_SECRET_ID;
  const names = warehouseNames(environment);
  const queryTag = environment.SNOWFLAKE_QUERY_TAG;
  const inspecting = {
    readSecret: () => readDatedSecret({ client, secretId, parse: snowflakeSecretSchema, ...deadlines.secret }),
    openInspector: (secret) => createSnowflakeInspector({ secret, names, queryTag }),
    openWarehouse: (secret) => {
      const secrets = { read: async () => secret, refetch: async () => secret };
      return createSnowflakeWarehouse({ secrets, names, queryTag, log });
    },
    names,
    now: Date.now,
    elapsed: () => performance.now(),
  } satisfies Parameters<typeof inspectWarehouse>[1];
  return { inspecting, log };
}
