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
import type { ServerUse } from '../server-use.ts';
import { CONFIGURATION, INTEGRATION_IDS, LEDGER, MAX_REQUESTS_PER_MINUTE } from './loads.ts';
import type { PartnerOptions } from './partner.ts';

/** What a sender needs around it, each in a process of its own but for the configuration, which it reads once. */
export interface Surroundings {
  /** The sender's environment. */
  readonly variables: Readonly<Record<string, string>>;
  partnerUse(): Promise<ServerUse>;
  stop(): Promise<void>;
}

/**
 * Starts partner, gate and configuration.
 *
 * @throws Error where one of them does not start; the others are stopped then
 */
export async function startSurroundings({ partnerDelayMs = 0 } = {}): Promise<Surroundings> {
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
    const options: PartnerOptions = { cert: TEST_ONLY_CERTIFICATE, key: TEST_ONLY_KEY, delayMs: partnerDelayMs };
    const url = `https://127.0.0.1:${await partner.ask(options)}`;
    const controlPlane = await startControlPlane();
    stops.push(() => controlPlane.close());
    configure(controlPlane, url);
    const trusted = join(directory, 'trusted.pem');
    writeFileSync(trusted, TEST_ONLY_CERTIFICATE);
    return {
      variables: senderVariables(controlPlane.endpoint, valkey.port, url, trusted),
      partnerUse: async () => (await partner.ask('use')) as ServerUse,
      stop,
    };
  } catch (thrown) {
    await stop();
    throw thrown;
  }
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
    IO_DEADLINE_FACTOR: '1',
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
    SLOW_ENDPOINT_ATTEMPTS: '10',
    SENDING_ENVIRONMENTS: '20',
    ...LEDGER,
    NODE_EXTRA_CA_CERTS: trusted,
    PARTNER_URL: `${partnerUrl}/${INTEGRATION_IDS[0]}`,
  };
}
