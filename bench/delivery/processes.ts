import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ControlPlane, startControlPlane } from '../../local/control-plane/server.ts';
import { newSigningSecret } from '../../local/demo/signature.ts';
import { LOCAL_CREDENTIALS } from '../../local/queues.ts';
import { REGION } from '../../local/resolver.ts';
import { startValkey } from '../../local/valkey/start-valkey.ts';
import { TEST_ONLY_CERTIFICATE, TEST_ONLY_KEY } from '../../test/support/test-only-certificate.ts';
import { startChild } from '../child.ts';
import {
  CONFIGURATION,
  INTEGRATION_IDS,
  type Load,
  MAX_REQUESTS_PER_MINUTE,
  type Performance,
  type SenderMessage,
} from './loads.ts';

/** Everything that takes part, each in a process of its own: who is measured shares its event loop with nobody. */
export interface Processes {
  perform(load: Load, durationMs: number): Promise<Performance>;
  /** How many requests the partner has had. */
  partnerRequests(): Promise<number>;
  stop(): Promise<void>;
}

/**
 * @param profileDirectory where the sender's CPU profile is written as it ends
 * @throws Error where one of them does not start; the others are stopped then
 */
export async function startProcesses(profileDirectory?: string): Promise<Processes> {
  const stops: (() => unknown)[] = [];
  const stop = async () => {
    for (const one of stops.splice(0).reverse()) await one();
  };
  try {
    const directory = mkdtempSync(join(tmpdir(), 'bench-'));
    stops.push(() => rmSync(directory, { recursive: true, force: true }));
    const valkey = await startValkey();
    stops.push(() => valkey.stop());
    const partner = startChild(new URL('./partner.ts', import.meta.url));
    stops.push(partner.stop);
    const url = `https://localhost:${await partner.ask({ cert: TEST_ONLY_CERTIFICATE, key: TEST_ONLY_KEY })}`;
    const controlPlane = await startControlPlane();
    stops.push(() => controlPlane.close());
    configure(controlPlane, url);
    const trusted = join(directory, 'trusted.pem');
    writeFileSync(trusted, TEST_ONLY_CERTIFICATE);
    const sender = startChild(new URL('./sender.ts', import.meta.url), {
      env: senderVariables(controlPlane.endpoint, valkey.port, url, trusted),
      flags: profileDirectory === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDirectory}`],
    });
    stops.push(sender.stop);
    performanceOf(await sender.next());
    return {
      perform: async (load, durationMs) => performanceOf(await sender.ask({ load, durationMs })) as Performance,
      partnerRequests: async () => Number(await partner.ask('requests')),
      stop,
    };
  } catch (thrown) {
    await stop();
    throw thrown;
  }
}

function performanceOf(message: unknown): Performance | undefined {
  const told = message as SenderMessage;
  if ('fault' in told) throw new Error(`the sender failed: ${told.fault}`);
  return 'done' in told ? told.done : undefined;
}

function configure({ appConfig, secretsManager }: ControlPlane, url: string): void {
  const { applicationId, environmentId, profileId, secretsPrefix } = CONFIGURATION;
  appConfig.defineProfile(applicationId, profileId, 'AWS.Freeform');
  appConfig.store.defineEnvironment(applicationId, environmentId);
  const integrations = INTEGRATION_IDS.map((id) => ({
    id,
    url: `${url}/${id}`,
    max_requests_per_minute: MAX_REQUESTS_PER_MINUTE,
  }));
  appConfig.deploy(applicationId, environmentId, profileId, JSON.stringify({ integrations }));
  for (const id of INTEGRATION_IDS) {
    secretsManager.put(`${secretsPrefix}${id}`, JSON.stringify({ signing_secrets: [newSigningSecret()] }));
  }
}

/** As the stack sets them; of a deployed stage only the network differs that partners may be in. */
function senderVariables(endpoint: string, valkeyPort: number, partnerUrl: string, trusted: string) {
  return {
    AWS_REGION: REGION,
    AWS_ACCESS_KEY_ID: LOCAL_CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: LOCAL_CREDENTIALS.secretAccessKey,
    AWS_ENDPOINT_URL_APPCONFIGDATA: endpoint,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: endpoint,
    POWERTOOLS_SERVICE_NAME: 'delivery',
    POWERTOOLS_METRICS_NAMESPACE: 'LearningTimeWebhooks/bench',
    APPCONFIG_APPLICATION_ID: CONFIGURATION.applicationId,
    INTEGRATIONS_ENVIRONMENT_ID: CONFIGURATION.environmentId,
    INTEGRATIONS_PROFILE_ID: CONFIGURATION.profileId,
    INTEGRATION_SECRETS_PREFIX: CONFIGURATION.secretsPrefix,
    ALLOW_PLAIN_HTTP: 'false',
    ALLOWED_CIDRS: '127.0.0.0/8,::1/128',
    ALLOWED_PORTS: 'any',
    CACHE_HOST: '127.0.0.1',
    CACHE_PORT: String(valkeyPort),
    CACHE_TLS: 'false',
    NODE_EXTRA_CA_CERTS: trusted,
    PARTNER_URL: `${partnerUrl}/${INTEGRATION_IDS[0]}`,
  };
}
