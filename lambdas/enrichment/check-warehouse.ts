import { Logger } from '@aws-lambda-powertools/logger';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { openClient } from '../adapters/aws-clients.ts';
import { readDatedSecret } from '../adapters/secrets-manager.ts';
import { createSnowflakeInspector } from '../adapters/snowflake/inspector.ts';
import { createSnowflakeWarehouse } from '../adapters/snowflake-warehouse.ts';
import type { CheckWarehouseReport } from '../contract/check-warehouse.ts';
import { checkWarehouseEnvironment, readEnvironment } from '../contract/environment.ts';
import { ioDeadlines } from '../contract/io-deadlines.ts';
import { snowflakeSecretSchema } from '../domain/snowflake-secret.ts';
import { inspectWarehouse } from './inspect-warehouse.ts';
import { learningTimeTables } from './learning-time-tables.ts';

let services: ReturnType<typeof createServices> | undefined;

/** Called by `./ltw check-warehouse`: with the network, the role and the secret that enrichment asks with. */
export async function handler(input: unknown): Promise<CheckWarehouseReport> {
  services ??= createServices(process.env);
  const { inspecting, log } = services;
  const report = await inspectWarehouse(input, inspecting);
  const verdicts = report.checks.map(({ check, verdict }) => [check, verdict]);
  log.info('warehouse.checked', Object.fromEntries(verdicts));
  return report;
}

/** On a cold start only. */
function createServices(variables: NodeJS.ProcessEnv) {
  const environment = readEnvironment(checkWarehouseEnvironment, variables);
  const deadlines = ioDeadlines(environment.IO_DEADLINE_FACTOR);
  const log = new Logger();
  const client = openClient(SecretsManagerClient, deadlines.clients.settings);
  const secretId = environment.SNOWFLAKE_SECRET_ID;
  const names = learningTimeTables(environment);
  const queryTag = environment.SNOWFLAKE_QUERY_TAG;
  const inspecting = {
    readSecret: () => readDatedSecret({ client, secretId, parse: snowflakeSecretSchema, ...deadlines.secret }),
    openInspector: (secret) => createSnowflakeInspector({ secret, tables: names, queryTag }),
    openWarehouse: (secret) => {
      const secrets = { read: async () => secret, refetch: async () => secret };
      return createSnowflakeWarehouse({ secrets, tables: names, queryTag, log });
    },
    names,
    now: Date.now,
    elapsed: () => performance.now(),
  } satisfies Parameters<typeof inspectWarehouse>[1];
  return { inspecting, log };
}
