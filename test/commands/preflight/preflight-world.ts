import { generateKeyPairSync } from 'node:crypto';
import { runProgram } from '../../../commands/main.ts';
import type { OutputName } from '../../../commands/shared/stage.ts';
import { FLAG_SEED } from '../../../lib/flag-seed.ts';
import { startPartner } from '../../support/partner-server.ts';
import { intercept, startOperatorWorld } from '../operator-world.ts';

const TOPIC = 'arn:aws:sns:us-east-1:000000000000:alarms';

/** Everything that a preflight reads. */
const PREFLIGHT_OUTPUTS = {
  SnowflakeSecretName: '/local/snowflake',
  EgressAddresses: 'NetworkEgress1.PublicIp',
  EventsQueueArn: 'events',
  DeliveriesQueueArn: 'deliveries',
  OutcomesQueueArn: 'outcomes',
  EventsDeadLetterQueueUrl: 'http://sqs/0/events-dead-letters',
  DeliveriesDeadLetterQueueUrl: 'http://sqs/0/deliveries-dead-letters',
  OutcomesDeadLetterQueueUrl: 'http://sqs/0/outcomes-dead-letters',
  RescueDeadLetterQueueUrl: 'http://sqs/0/rescue-dead-letters',
  CredentialAgeDeadLetterQueueUrl: 'http://sqs/0/credential-age-dead-letters',
  CertificateExpiryDeadLetterQueueUrl: 'http://sqs/0/certificate-expiry-dead-letters',
  WarmCacheDeadLetterQueueUrl: 'http://sqs/0/warm-cache-dead-letters',
  ReconcileDeadLetterQueueUrl: 'http://sqs/0/reconcile-dead-letters',
  OperationalEventsDeadLetterQueueUrl: 'http://sqs/0/mails-dead-letters',
  FlagsEnvironmentId: 'flags-env',
  FlagsProfileId: 'flags',
  AlarmTopicArn: TOPIC,
} as const;

/** In every secret of this world, to search for where it must not be. */
export const MARK = 'marked-and-never-shown';
export const SIGNING_SECRET = `whsec_${Buffer.from(`${MARK}, 24 bytes or more`).toString('base64')}`;

const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});
export const SNOWFLAKE_SECRET = { account: `ORG-${MARK}`, user: MARK, private_key: privateKey };

/** What Lambda, SNS and SQS return, by the call. Any other call fails: a preflight changes nothing. */
const RESPONSES: Readonly<Record<string, (input: Record<string, string>) => object>> = {
  GetAccountSettings: () => ({
    AccountLimit: { ConcurrentExecutions: 1000, UnreservedConcurrentExecutions: 50 },
  }),
  ListEventSourceMappings({ EventSourceArn = '' }) {
    const ScalingConfig = { MaximumConcurrency: { events: 5, deliveries: 10, outcomes: 2 }[EventSourceArn] };
    return { EventSourceMappings: [{ UUID: 'u-1', FunctionArn: 'reader', State: 'Enabled', ScalingConfig }] };
  },
  GetFunctionConcurrency: () => ({}),
  GetFunctionConfiguration: () => ({
    Environment: { Variables: { ALLOW_PLAIN_HTTP: 'true', ALLOWED_CIDRS: '127.0.0.0/8', ALLOWED_PORTS: 'any' } },
  }),
  ListSubscriptionsByTopic: () => ({
    Subscriptions: [{ Protocol: 'email', Endpoint: 'on-call@example.com', SubscriptionArn: `${TOPIC}:1` }],
  }),
  GetTopicAttributes() {
    const Principal = { Service: 'cloudwatch.amazonaws.com' };
    const statement = { Effect: 'Allow', Principal, Action: 'sns:Publish', Resource: TOPIC };
    return { Attributes: { Policy: JSON.stringify({ Statement: [statement] }) } };
  },
  GetQueueAttributes: () => ({ Attributes: { ApproximateNumberOfMessages: '0' } }),
};

/** A stage that is ready for its first event. @param omitted outputs that an older stack does not have */
export async function startPreflightWorld(omitted: readonly OutputName[] = []) {
  const outputs = Object.entries(PREFLIGHT_OUTPUTS).filter(([name]) => !omitted.some((output) => output === name));
  const world = await startOperatorWorld({ outputs: Object.fromEntries(outputs) });
  const partner = await startPartner((to) => to.end());
  const responses = { ...RESPONSES };
  const { plane, context } = world;
  const openStage = context.openStage;
  context.openStage = async (name) => {
    const stage = await openStage(name);
    for (const client of [stage.lambda, stage.sns, stage.sqs]) {
      intercept(client, (command) => {
        const call = command.constructor.name.replace(/Command$/, '');
        return (responses[call] as (input: object) => object)((command as { input: object }).input);
      });
    }
    return stage;
  };
  plane.appConfig.defineProfile('app', 'flags', 'AWS.AppConfig.FeatureFlags');
  plane.appConfig.deploy('app', 'flags-env', 'flags', JSON.stringify(FLAG_SEED));
  plane.secretsManager.put('/local/snowflake', JSON.stringify(SNOWFLAKE_SECRET));
  world.deploy({ integrations: [{ id: 'acme', url: `${partner.url}/hooks` }] });
  world.putSecret('acme', { signing_secrets: [SIGNING_SECRET] });
  return {
    world,
    partner,
    /** Replace one to change what a service returns. */
    responses,
    deny(call: string) {
      responses[call] = () => {
        throw Object.assign(new Error(`you may not ${call}`), { name: 'AccessDeniedException', $fault: 'client' });
      };
    },
    /** `./ltw preflight`: its exit status. */
    run: (...words: readonly string[]) => runProgram(['preflight', ...words], context),
    /** The printed lines that begin so. */
    lines: (beginning: string) =>
      world
        .printed()
        .split('\n')
        .filter((line) => line.startsWith(beginning)),
    async close() {
      await partner.close();
      await world.close();
    },
  };
}
