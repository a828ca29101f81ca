import { randomUUID } from 'node:crypto';
import { FLAG_KEY } from '../../lambdas/flag/flag-document.ts';
import type { ControlPlane } from '../../local/control-plane/server.ts';
import { ACCOUNT } from '../../local/resolver.ts';
import { type CpuUse, processCpuMs } from '../cpu.ts';
import { APPLICATION_ID, deployIntegrations, startSurroundings } from '../surroundings.ts';
import { startServer } from '../worker.ts';
import type { QueueUse } from './queue.ts';
import type { WarehouseUse } from './warehouse.ts';

/** Work of all servers since their start. */
export interface Uses {
  readonly queue: QueueUse & CpuUse;
  readonly warehouse: WarehouseUse & CpuUse;
  readonly cache: CpuUse;
}

/** The services of EnrichBatch: queue, cache, warehouse and configuration. */
export interface EnrichmentSurroundings extends AsyncDisposable {
  /** The environment variables of a sender with a number of integrations. */
  variablesFor(integrations: number): Readonly<Record<string, string>>;
  uses(): Promise<Uses>;
}

export const SECRET_ID = '/bench/snowflake';
const FLAGS_ID = 'flags';

/** @throws Error if a part does not start; the others are stopped then */
export async function startEnrichmentSurroundings(): Promise<EnrichmentSurroundings> {
  await using starting = new AsyncDisposableStack();
  const { valkey, plane, variables } = starting.use(await startSurroundings('enrichment'));
  const start = async <Use>(file: string, env?: Readonly<Record<string, string>>) =>
    starting.use(await startServer<Use>(new URL(file, import.meta.url), env));
  const user = { account: 'bench', user: 'ENTERPRISE_SERVICE_USER', password: randomUUID() };
  const queue = await start<QueueUse>('./queue.ts');
  const warehouse = await start<WarehouseUse>('./warehouse.ts', { SNOWFLAKE_USER: JSON.stringify(user) });
  plane.secretsManager.put(SECRET_ID, JSON.stringify({ ...user, access_url: warehouse.address }));
  deployFlag(plane);
  const started = starting.move();
  return {
    variablesFor: (integrations) => ({
      ...variables,
      ...enrichmentVariables(`http://${queue.address}`),
      ...deployIntegrations(plane, `integrations-${integrations}`, integrationEntries(integrations)),
      INTEGRATIONS: String(integrations),
    }),
    uses: async () => ({
      queue: await queue.use(),
      warehouse: await warehouse.use(),
      // Available on Linux only; elsewhere it reads as idle.
      cache: { cpuMs: process.platform === 'linux' ? processCpuMs(valkey.pid) : 0 },
    }),
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

/** On for everyone. */
export function deployFlag({ appConfig }: ControlPlane): void {
  appConfig.defineProfile(APPLICATION_ID, FLAGS_ID, 'AWS.AppConfig.FeatureFlags');
  appConfig.store.defineEnvironment(APPLICATION_ID, FLAGS_ID);
  const attributes = { rollout_percentage: {}, cache_ttl_seconds: {} };
  const value = { enabled: true, rollout_percentage: 100, cache_ttl_seconds: 3600 };
  const content = {
    version: '1',
    flags: { [FLAG_KEY]: { name: FLAG_KEY, attributes } },
    values: { [FLAG_KEY]: value },
  };
  appConfig.deploy(APPLICATION_ID, FLAGS_ID, FLAGS_ID, JSON.stringify(content));
}

function integrationEntries(count: number) {
  return Array.from({ length: count }, (_, index) => ({
    id: `partner-${index}`,
    url: `https://partner-${index}.example.com/webhooks`,
  }));
}

/** The variables of flag and warehouse that the stack sets. */
export function learningTimeVariables() {
  return {
    FLAGS_ENVIRONMENT_ID: FLAGS_ID,
    FLAGS_PROFILE_ID: FLAGS_ID,
    SNOWFLAKE_SECRET_ID: SECRET_ID,
    SNOWFLAKE_WAREHOUSE: 'REPORTING_WH',
    SNOWFLAKE_ROLE: 'ANALYST',
    SNOWFLAKE_QUERY_TAG: 'learning-time-webhooks/bench',
    WAREHOUSE_FAILURES_TO_OPEN: '3',
    WAREHOUSE_OPEN_SECONDS: '10',
    WAREHOUSE_SLOW_SECONDS: '8',
    SNOWFLAKE_DISABLE_PLATFORM_DETECTION: 'true',
    SNOWFLAKE_DISABLE_MINICORE: 'true',
    SF_TELEMETRY_DISABLE_CONNECTION_SHAPE: '1',
    LEARNING_TIME_TABLE: 'PROD.BUSINESS_INTELLIGENCE.LEARNING_TIME',
    LEARNING_TIME_USER_COLUMN: 'USER_ID',
    LEARNING_TIME_COURSE_COLUMN: 'COURSE_KEY',
    LEARNING_TIME_ENTERPRISE_COLUMN: 'ENTERPRISE_CUSTOMER_UUID',
    LEARNING_TIME_DATE_COLUMN: 'DATE',
    LEARNING_TIME_ENTERPRISE_FORM: 'lower',
    LEARNING_TIME_SECONDS_COLUMN: 'LEARNING_TIME_SECONDS',
  };
}

function enrichmentVariables(queue: string) {
  return {
    ...learningTimeVariables(),
    AWS_ENDPOINT_URL_SQS: queue,
    EVENTS_QUEUE_URL: `${queue}/${ACCOUNT}/events`,
    EVENTS_DEAD_LETTER_QUEUE_URL: `${queue}/${ACCOUNT}/events-dead-letters`,
    DELIVERIES_QUEUE_URL: `${queue}/${ACCOUNT}/deliveries`,
    STATE_MACHINE_ARN: 'none',
  };
}
