import { generateKeyPairSync } from 'node:crypto';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { type IntegrationRegistry, readIntegrations } from '../../lambdas/partners/integration-registry.ts';
import { integrationSecretSchema } from '../../lambdas/partners/integration-secret.ts';
import { type Platform, type PlatformOptions, startPlatform } from '../platform.ts';
import { type SnowflakeServer, startSnowflakeServer } from '../snowflake/snowflake-server.ts';
import { LOCAL_STACK } from '../synthesize.ts';
import { type Evidence, readEvidence, readThrown } from './evidence.ts';
import { deployIntegrations, output, switchFlag } from './operator.ts';
import { type OnReceipt, type Partner, startPartner } from './partner.ts';
import { DEMO_PARTNERS, entriesOf, oauthClientsOf, type Partners, secretsOf } from './partners.ts';
import { ENTERPRISE, LEARNING_TIME_ROWS } from './sample-events.ts';
import { createTokenServer } from './token-server.ts';

const SNOWFLAKE_ACCOUNT = 'local';
/** Maximum age of a function's configuration: AppConfig's minimum poll interval and a second. */
export const POLL_INTERVAL_MS = 16_000;

const SNOWFLAKE_USER = 'LEARNING_TIME_READER';

/** The pipeline with warehouse, partners, publisher and operator. */
export interface Session {
  readonly platform: Platform;
  readonly warehouse: SnowflakeServer;
  readonly partner: Partner;
  /** The deployed integrations. */
  readonly integrations: IntegrationRegistry;
  /** Signing secrets of each partner, by integration id. */
  readonly signingSecrets: ReadonlyMap<string, readonly string[]>;
  /** Makes a partner verify with the newest signing secret of its integration. @throws Error if it has none */
  adoptSigningSecret(integrationId: string): void;
  /** Publishes to the events queue, as an LMS does. */
  publish(bodies: readonly string[]): Promise<void>;
  /** Deploys the flag for all enterprises, on or off, like an operator in the AppConfig console. WarmCache loads the pilots. */
  switchFlag(isOn: boolean, pilots?: readonly string[]): void;
  /** Deploys the integrations with this one no longer paused. */
  resume(integrationId: string): void;
  /** `Platform.until`. */
  until: Platform['until'];
  /** `Platform.skip`. */
  skip: Platform['skip'];
  /** Skips until all functions have the last deployed configuration. */
  skipPollInterval(): Promise<void>;
  evidence(webhookIds: readonly string[]): Promise<Evidence>;
  /** Distinct errors that functions threw: `<handler>: <error>: <message>`. */
  thrown(): readonly string[];
  stop(): Promise<void>;
}

export interface SessionOptions {
  readonly assemblyDirectory: string;
  readonly stackName?: string;
  readonly partners?: Partners;
  readonly onReceipt?: OnReceipt;
  readonly platformOptions?: Omit<PlatformOptions, 'assemblyDirectory' | 'stackName'>;
}

/**
 * Starts everything, with the flag off, as seeded by the stack.
 *
 * @throws Error if a part does not start; the others are stopped then
 */
export async function startSession(options: SessionOptions): Promise<Session> {
  const { assemblyDirectory, stackName = LOCAL_STACK, partners = DEMO_PARTNERS } = options;
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const behaviours = Object.entries(partners).map(([id, { behaviour }]) => [`/${id}`, behaviour] as const);
  const secrets = secretsOf(partners);
  const signingSecrets = new Map([...secrets].map(([id, { signing_secrets }]) => [id, signing_secrets]));
  const starting = [
    startSnowflakeServer({ account: SNOWFLAKE_ACCOUNT, user: SNOWFLAKE_USER, publicKey }),
    startPartner({
      behaviours: Object.fromEntries(behaviours),
      signingSecrets,
      tokens: createTokenServer(oauthClientsOf(partners)),
      onReceipt: options.onReceipt,
    }),
    startPlatform({ ...options.platformOptions, assemblyDirectory, stackName }),
  ] as const;
  const [warehouse, partner, platform] = await Promise.all(starting).catch(async (thrown: unknown) => {
    for (const result of await Promise.allSettled(starting)) {
      if (result.status === 'fulfilled') await ('stop' in result.value ? result.value.stop() : result.value.close());
    }
    throw thrown;
  });
  const secretsPrefix = output(platform, 'IntegrationSecretsPrefix');
  const integrations = entriesOf(partners, partner.url);
  const stop = async () => {
    sqs.destroy();
    await Promise.all([platform.stop(), warehouse.close(), partner.close()]);
  };
  const sqs = new SQSClient({
    endpoint: String(platform.endpoints.AWS_ENDPOINT_URL_SQS),
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  try {
    await warehouse.load(LEARNING_TIME_ROWS);
    platform.secrets.put(
      output(platform, 'SnowflakeSecretName'),
      JSON.stringify({
        account: SNOWFLAKE_ACCOUNT,
        user: SNOWFLAKE_USER,
        private_key: privateKey,
        access_url: warehouse.url,
      }),
    );
    // Before the entries: functions do not retry a missing secret at once.
    for (const [id, secret] of secrets) platform.secrets.create(`${secretsPrefix}${id}`, JSON.stringify(secret));
    deployIntegrations(platform, integrations);
  } catch (thrown) {
    await stop();
    throw thrown;
  }
  return {
    platform,
    warehouse,
    partner,
    integrations: readIntegrations(JSON.stringify({ integrations }), undefined),
    signingSecrets,
    adoptSigningSecret(id) {
      const text = platform.controlPlane.secretsManager.current(`${secretsPrefix}${id}`);
      if (text === undefined) throw new Error(`integration ${id} has no secret`);
      signingSecrets.set(id, [newestSigningSecret(text)]);
    },
    resume(id) {
      const isThis = (entry: Record<string, unknown>) => entry.id === id;
      deployIntegrations(
        platform,
        integrations.map((entry) => (isThis(entry) ? { ...entry, paused: false } : entry)),
      );
    },
    until: platform.until,
    skip: platform.skip,
    skipPollInterval: () => platform.skip(POLL_INTERVAL_MS),
    async publish(bodies) {
      for (const MessageBody of bodies) {
        await sqs.send(
          new SendMessageCommand({
            QueueUrl: output(platform, 'EventsQueueUrl'),
            MessageBody,
            MessageGroupId: ENTERPRISE,
          }),
        );
      }
    },
    switchFlag: (isOn, pilots) => switchFlag(platform, isOn, pilots),
    evidence: (webhookIds) => readEvidence(platform, partner.receipts, webhookIds),
    thrown: () => readThrown(platform),
    stop,
  };
}

/** @throws ZodError if the secret does not match its schema */
function newestSigningSecret(text: string): string {
  return integrationSecretSchema.parse(JSON.parse(text)).signing_secrets[0] as string;
}
