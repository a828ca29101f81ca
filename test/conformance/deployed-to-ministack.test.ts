import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AppConfigClient,
  CreateHostedConfigurationVersionCommand,
  StartDeploymentCommand,
} from '@aws-sdk/client-appconfig';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { type Message, ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { DEAD_LETTER_ATTRIBUTES } from '../../lambdas/events/delivery.ts';
import { webhookId } from '../../lambdas/events/identity.ts';
import { type Partner, startPartner } from '../../local/demo/partner.ts';
import { entriesOf, type Partners, secretsOf } from '../../local/demo/partners.ts';
import { completion, LEARNER } from '../../local/demo/sample-events.ts';
import { REGION } from '../../local/resolver.ts';
import { LOCAL_ASSEMBLY, LOCAL_STACK } from '../../local/synthesize.ts';
import { type RunningValkey, startValkey } from '../../local/valkey/start-valkey.ts';
import { until } from '../support/assembly.ts';
import { MINISTACK_CREDENTIALS, type Ministack, startMinistack } from '../support/ministack.ts';
import { LEFT_OUT, writeMinistackAssembly } from '../support/ministack-assembly.ts';
import { listeningAddresses } from '../support/processes.ts';
import { describeWithClient } from '../support/real-clients.ts';

const PARTNERS: Partners = {
  takes: { behaviour: 200 },
  'fails-once': { behaviour: [503, 200] },
  refuses: { behaviour: 400 },
};
const LIMIT_MS = 60_000;

/** The synthesized stage `local`, deployed by `cdk deploy` to an emulator of AWS that this project did not write. */
describeWithClient('ministack', 'the stage deployed to ministack', (python) => {
  const directory = mkdtempSync(join(tmpdir(), 'ministack-assembly-'));
  const secrets = secretsOf(PARTNERS);
  const signingSecrets = new Map([...secrets].map(([id, { signing_secrets }]) => [id, signing_secrets]));
  let ministack: Ministack;
  let valkey: RunningValkey;
  let partner: Partner;
  let sqs: SQSClient;
  let outputs: Readonly<Record<string, string>>;
  let leftOut: ReadonlyMap<string, number>;

  beforeAll(async () => {
    const behaviours = Object.entries(PARTNERS).map(([id, { behaviour }]) => [`/${id}`, behaviour] as const);
    [valkey, partner, ministack] = await Promise.all([
      startValkey(),
      startPartner({ behaviours: Object.fromEntries(behaviours), signingSecrets }),
      startMinistack(python),
    ]);
    leftOut = writeMinistackAssembly(LOCAL_ASSEMBLY, directory, LOCAL_STACK, { host: '127.0.0.1', port: valkey.port });
    for (const [kind, count] of leftOut) process.stdout.write(`not known to ministack, left out: ${count} ${kind}\n`);
    await ministack.deploy(directory);
    const { endpoint } = ministack;
    sqs = new SQSClient({ endpoint, region: REGION, credentials: MINISTACK_CREDENTIALS });
    outputs = await outputsOfStack(endpoint);
    await configure(endpoint);
  }, 240_000);

  afterAll(async () => {
    sqs?.destroy();
    await Promise.all([ministack?.stop(), valkey?.stop(), partner?.close()]);
    rmSync(directory, { recursive: true, force: true });
  }, 30_000);

  async function outputsOfStack(endpoint: string): Promise<Record<string, string>> {
    const client = new CloudFormationClient({ endpoint, region: REGION, credentials: MINISTACK_CREDENTIALS });
    const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName: LOCAL_STACK }));
    client.destroy();
    return Object.fromEntries(Stacks[0]?.Outputs?.map(({ OutputKey, OutputValue }) => [OutputKey, OutputValue]) ?? []);
  }

  /** As an operator: each integration's secret, then the document. */
  async function configure(endpoint: string): Promise<void> {
    const options = { endpoint, region: REGION, credentials: MINISTACK_CREDENTIALS };
    const secretsManager = new SecretsManagerClient(options);
    for (const [id, secret] of secrets) {
      const Name = `${outputs.IntegrationSecretsPrefix}${id}`;
      await secretsManager.send(new CreateSecretCommand({ Name, SecretString: JSON.stringify(secret) }));
    }
    const appConfig = new AppConfigClient(options);
    const ids = {
      ApplicationId: outputs.AppConfigApplicationId,
      ConfigurationProfileId: outputs.IntegrationsProfileId,
    };
    const { VersionNumber } = await appConfig.send(
      new CreateHostedConfigurationVersionCommand({
        ...ids,
        ContentType: 'application/json',
        Content: Buffer.from(JSON.stringify({ integrations: entriesOf(PARTNERS, partner.url) })),
      }),
    );
    await appConfig.send(
      new StartDeploymentCommand({
        ...ids,
        EnvironmentId: outputs.IntegrationsEnvironmentId,
        DeploymentStrategyId: outputs.EmergencyStrategyId,
        ConfigurationVersion: String(VersionNumber),
      }),
    );
    secretsManager.destroy();
    appConfig.destroy();
  }

  /** The first message of a queue, which no other consumer reads. */
  async function firstMessage(QueueUrl: string): Promise<Message | undefined> {
    const receive = new ReceiveMessageCommand({ QueueUrl, MessageAttributeNames: ['All'] });
    return (await sqs.send(receive)).Messages?.[0];
  }

  const reasonOf = ({ MessageAttributes = {} }: Message) =>
    MessageAttributes[DEAD_LETTER_ATTRIBUTES.reason]?.StringValue;

  const publish = (MessageBody: string) =>
    sqs.send(new SendMessageCommand({ QueueUrl: outputs.EventsQueueUrl, MessageBody }));
  const publishTo = (integrationId: string) =>
    publish(JSON.stringify(completion('deployed', integrationId, LEARNER.known)));
  const receiptsOf = (integrationId: string) =>
    partner.receipts.filter(({ headers }) => headers['webhook-id'] === webhookId(integrationId, 'deployed'));

  test('ministack listens on loopback only', () => {
    const addresses = listeningAddresses(ministack.pid);
    if (addresses !== undefined) expect(addresses).toEqual(['127.0.0.1']);
  });

  test('what is left out is what this project knows of', () => {
    expect([...leftOut.keys()].sort()).toEqual([...LEFT_OUT].sort());
  });

  test('an event is delivered, signed', async () => {
    await publishTo('takes');
    await until(() => receiptsOf('takes').length > 0, LIMIT_MS);
    expect(receiptsOf('takes')).toMatchObject([{ method: 'POST', verified: true }]);
  }, 90_000);

  test('a partner responds 503: delivered at the second attempt, by the workflow', async () => {
    await publishTo('fails-once');
    await until(() => receiptsOf('fails-once').length > 1, LIMIT_MS);
    const [first, second] = receiptsOf('fails-once');
    expect([first?.verified, second?.verified]).toEqual([true, true]);
    expect(second?.body).toBe(first?.body);
    expect(second?.headers['webhook-timestamp']).not.toBe(first?.headers['webhook-timestamp']);
  }, 90_000);

  test('a partner responds 400: dead-lettered with the reason', async () => {
    await publishTo('refuses');
    const queue = String(outputs.DeliveriesDeadLetterQueueUrl);
    const message = await until(() => firstMessage(queue), LIMIT_MS);
    expect(reasonOf(message)).toBe('HTTP 400');
    expect(message.MessageAttributes?.[DEAD_LETTER_ATTRIBUTES.webhookId]?.StringValue).toBe(
      webhookId('refuses', 'deployed'),
    );
    expect(receiptsOf('refuses')).toHaveLength(1);
  }, 90_000);

  test('a malformed event: dead-lettered with the reason', async () => {
    await publish('{"schema_version":1,');
    const queue = String(outputs.EventsDeadLetterQueueUrl);
    const message = await until(() => firstMessage(queue), LIMIT_MS);
    expect([reasonOf(message), message.Body]).toEqual(['not JSON', '{"schema_version":1,']);
  }, 90_000);
});
