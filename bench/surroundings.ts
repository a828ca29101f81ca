import { type ControlPlane, startControlPlane } from '../local/control-plane/server.ts';
import { REGION } from '../local/resolver.ts';
import { LOCAL_CREDENTIALS } from '../local/sqs/queues.ts';
import { type RunningValkey, startValkey } from '../local/valkey/start-valkey.ts';

export const APPLICATION_ID = 'bench01';

/** What the ledger's variables are, whether a benchmark has one or not. The log stream is as long as Lambda's are. */
export const LEDGER = {
  LEDGER_TABLE_NAME: 'ledger',
  LEDGER_PAYLOAD_DAYS: '30',
  LEDGER_FACTS_DAYS: '400',
  LEDGER_FAILURES_TO_OPEN: '5',
  LEDGER_OPEN_SECONDS: '10',
  LEDGER_SLOW_MILLISECONDS: '1000',
  /** Nothing is sent to it: the benchmarks' tables respond. */
  OUTCOMES_QUEUE_URL: 'http://127.0.0.1:9/000000000000/outcomes',
  /** No benchmark parks an integration or dead-letters a delivery. */
  EVENT_BUS_NAME: 'bench',
  AWS_LAMBDA_LOG_STREAM_NAME: '2026/01/10/[$LATEST]0123456789abcdef0123456789abcdef',
} as const;

/** Valkey in a process of its own, and AppConfig and Secrets Manager in this one: functions poll them every 15 s at most. */
export interface Surroundings extends AsyncDisposable {
  readonly valkey: RunningValkey;
  readonly plane: ControlPlane;
  /** What all functions have in their environment, as the stack sets it. */
  readonly variables: Readonly<Record<string, string>>;
}

/** @throws Error if a part does not start; the others are stopped then */
export async function startSurroundings(serviceName: string): Promise<Surroundings> {
  await using starting = new AsyncDisposableStack();
  const valkey = starting.adopt(await startValkey(), ({ stop }) => stop());
  const plane = starting.adopt(await startControlPlane(), ({ close }) => close());
  const started = starting.move();
  return {
    valkey,
    plane,
    variables: {
      AWS_REGION: REGION,
      AWS_ACCESS_KEY_ID: LOCAL_CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: LOCAL_CREDENTIALS.secretAccessKey,
      AWS_ENDPOINT_URL_APPCONFIGDATA: plane.endpoint,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: plane.endpoint,
      POWERTOOLS_SERVICE_NAME: serviceName,
      POWERTOOLS_METRICS_NAMESPACE: 'LearningTimeWebhooks/bench',
      IO_DEADLINE_FACTOR: '1',
      APPCONFIG_APPLICATION_ID: APPLICATION_ID,
      CACHE_HOST: '127.0.0.1',
      CACHE_PORT: String(valkey.port),
      CACHE_TLS: 'false',
      ...LEDGER,
    },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

/** Deploys integrations. @returns the variables with which a function finds them */
export function deployIntegrations({ appConfig }: ControlPlane, name: string, integrations: readonly object[]) {
  appConfig.defineProfile(APPLICATION_ID, name, 'AWS.Freeform');
  appConfig.store.defineEnvironment(APPLICATION_ID, name);
  appConfig.deploy(APPLICATION_ID, name, name, JSON.stringify({ integrations }));
  return { INTEGRATIONS_ENVIRONMENT_ID: name, INTEGRATIONS_PROFILE_ID: name };
}
