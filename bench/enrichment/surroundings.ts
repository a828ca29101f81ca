import { randomUUID } from 'node:crypto';
import { FLAG_KEY } from '../../lambdas/contract/flag.ts';
import { type ControlPlane, startControlPlane } from '../../local/control-plane/server.ts';
import { LOCAL_CREDENTIALS } from '../../local/queues.ts';
import { ACCOUNT, REGION } from '../../local/resolver.ts';
import { startValkey } from '../../local/valkey/start-valkey.ts';
import { type Child, startChild } from '../child.ts';
import { LEDGER } from '../delivery/loads.ts';
import { processCpuMs } from '../process-cpu.ts';
import type { CpuUse } from '../server-use.ts';
import type { QueueUse } from './queue.ts';
import type { WarehouseUse } from './warehouse.ts';

/** What every server has done since it began. */
export interface Uses {
  readonly queue: QueueUse;
  readonly warehouse: WarehouseUse;
  readonly cache: CpuUse;
}

/** What senders need around them, each in a process of its own but for the configuration, which is polled every 15 s. */
export interface Surroundings {
  /** The environment of a sender that finds so many integrations. */
  variablesFor(integrations: number): Readonly<Record<string, string>>;
  uses(): Promise<Uses>;
  stop(): Promise<void>;
}

const CONFIGURATION = { application: 'bench01', flags: 'bench02', integrations: 'bench03' } as const;
const SECRET_ID = '/bench/snowflake';

/**
 * Starts queue, cache, warehouse and configuration.
 *
 * @throws Error where one of them does not start; the others are stopped then
 */
export async function startSurroundings(): Promise<Surroundings> {
  const stops: (() => unknown)[] = [];
  const stop = async () => {
    for (const one of stops.splice(0).reverse()) await one();
  };
  const start = (file: string): Child => {
    const child = startChild(new URL(file, import.meta.url));
    stops.push(child.stop);
    return child;
  };
  try {
    const valkey = await startValkey();
    stops.push(() => valkey.stop());
    const [queue, warehouse] = [start('./queue.ts'), start('./warehouse.ts')];
    const user = { account: 'bench', user: 'ENTERPRISE_SERVICE_USER', password: randomUUID() };
    const [queuePort, warehouseUrl] = await Promise.all([queue.ask('start'), warehouse.ask(user)]);
    const plane = await startControlPlane();
    stops.push(() => plane.close());
    plane.secretsManager.put(SECRET_ID, JSON.stringify({ ...user, access_url: warehouseUrl }));
    deployFlag(plane);
    return {
      variablesFor(integrations) {
        deployIntegrations(plane, integrations);
        return senderVariables(plane.endpoint, `http://127.0.0.1:${queuePort}`, valkey.port, integrations);
      },
      uses: async () => ({
        queue: (await queue.ask('use')) as QueueUse,
        warehouse: (await warehouse.ask('use')) as WarehouseUse,
        cache: cacheUse(valkey.pid),
      }),
      stop,
    };
  } catch (thrown) {
    await stop();
    throw thrown;
  }
}

function deployFlag({ appConfig }: ControlPlane): void {
  const { application, flags } = CONFIGURATION;
  appConfig.defineProfile(application, flags, 'AWS.AppConfig.FeatureFlags');
  appConfig.store.defineEnvironment(application, flags);
  const attributes = { rollout_percentage: {}, cache_ttl_seconds: {} };
  const value = { enabled: true, rollout_percentage: 100, cache_ttl_seconds: 3600 };
  const content = {
    version: '1',
    flags: { [FLAG_KEY]: { name: FLAG_KEY, attributes } },
    values: { [FLAG_KEY]: value },
  };
  appConfig.deploy(application, flags, flags, JSON.stringify(content));
}

/** A profile for each number of them, in an environment of the same name. */
function deployIntegrations({ appConfig }: ControlPlane, count: number): void {
  const { application } = CONFIGURATION;
  const name = integrationsName(count);
  appConfig.defineProfile(application, name, 'AWS.Freeform');
  appConfig.store.defineEnvironment(application, name);
  const integrations = Array.from({ length: count }, (_, index) => ({
    id: `partner-${index}`,
    url: `https://partner-${index}.example.com/webhooks`,
  }));
  appConfig.deploy(application, name, name, JSON.stringify({ integrations }));
}

function integrationsName(count: number): string {
  return `${CONFIGURATION.integrations}-${count}`;
}

/** As the stack sets them. */
function senderVariables(plane: string, queue: string, valkeyPort: number, integrations: number) {
  return {
    AWS_REGION: REGION,
    AWS_ACCESS_KEY_ID: LOCAL_CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: LOCAL_CREDENTIALS.secretAccessKey,
    AWS_ENDPOINT_URL_APPCONFIGDATA: plane,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: plane,
    AWS_ENDPOINT_URL_SQS: queue,
    POWERTOOLS_SERVICE_NAME: 'enrichment',
    POWERTOOLS_METRICS_NAMESPACE: 'LearningTimeWebhooks/bench',
    IO_DEADLINE_FACTOR: '1',
    APPCONFIG_APPLICATION_ID: CONFIGURATION.application,
    FLAGS_ENVIRONMENT_ID: CONFIGURATION.flags,
    FLAGS_PROFILE_ID: CONFIGURATION.flags,
    INTEGRATIONS_ENVIRONMENT_ID: integrationsName(integrations),
    INTEGRATIONS_PROFILE_ID: integrationsName(integrations),
    CACHE_HOST: '127.0.0.1',
    CACHE_PORT: String(valkeyPort),
    CACHE_TLS: 'false',
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
    ...LEDGER,
    EVENTS_QUEUE_URL: `${queue}/${ACCOUNT}/events`,
    EVENTS_DEAD_LETTER_QUEUE_URL: `${queue}/${ACCOUNT}/events-dead-letters`,
    DELIVERIES_QUEUE_URL: `${queue}/${ACCOUNT}/deliveries`,
    STATE_MACHINE_ARN: 'none',
    INTEGRATIONS: String(integrations),
  };
}

/** Known on Linux alone; elsewhere the cache is idle by it. */
function cacheUse(processId: number): CpuUse {
  return { cpuMs: process.platform === 'linux' ? processCpuMs(processId) : 0 };
}
