import { AppConfigClient } from '@aws-sdk/client-appconfig';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SNSClient } from '@aws-sdk/client-sns';
import { SQSClient } from '@aws-sdk/client-sqs';
import { openClient } from '../../lambdas/shared/aws-clients.ts';
import { CLIENT_WAITS } from '../../lambdas/shared/io-deadlines.ts';
import { NotRunning, readState } from '../../local/control/state-file.ts';
import { awsFailure, CommandFailed } from './failures.ts';

/** The outputs that commands need, of all that the constructs in `lib/` add. */
export type OutputName =
  | 'AppConfigApplicationId'
  | 'FlagsEnvironmentId'
  | 'FlagsProfileId'
  | 'FlagsStrategyId'
  | 'IntegrationsEnvironmentId'
  | 'IntegrationsProfileId'
  | 'EmergencyStrategyId'
  | 'IntegrationSecretsPrefix'
  | 'SendTestFunctionName'
  | 'CheckWarehouseFunctionName'
  | 'ReconcileFunctionName'
  | 'WarmCacheEnabled'
  | 'WarmCacheFunctionName'
  | 'RetryWorkflowArn'
  | 'LedgerTableName'
  | 'LedgerPayloadDays'
  | 'LedgerFactsDays'
  | 'EventsQueueUrl'
  | 'DeliveriesQueueUrl'
  | 'DeliveriesQueueArn'
  | 'DeliveriesDeadLetterQueueUrl'
  | 'DeliveriesDeadLetterQueueArn'
  | 'EgressAddresses'
  | 'SnowflakeSecretName'
  | 'EventsQueueArn'
  | 'EventsDeadLetterQueueUrl'
  | 'RescueDeadLetterQueueUrl'
  | 'CredentialAgeDeadLetterQueueUrl'
  | 'CertificateExpiryDeadLetterQueueUrl'
  | 'OutcomesQueueArn'
  | 'OutcomesDeadLetterQueueUrl'
  | 'ReconcileDeadLetterQueueUrl'
  | 'WarmCacheDeadLetterQueueUrl'
  | 'OperationalEventsDeadLetterQueueUrl'
  | 'AlarmTopicArn'
  | 'ContactTopicArn';

/** Services of which a command of the AWS CLI is shown. */
export type CliService = 'appconfig' | 'secretsmanager' | 'lambda' | 'sqs' | 'sns';

interface ClientOptions {
  readonly endpoint?: string;
  readonly region?: string;
  readonly credentials?: typeof LOCAL_CREDENTIALS;
}

type Clients = ReturnType<typeof openClients>;

/** One client of each service. @param optionsOf where a service is */
function openClients(optionsOf: (service: string) => ClientOptions) {
  const { command, invocation } = CLIENT_WAITS;
  return {
    appConfig: openClient(AppConfigClient, command, optionsOf('APPCONFIG')),
    secretsManager: openClient(SecretsManagerClient, command, optionsOf('SECRETS_MANAGER')),
    lambda: openClient(LambdaClient, invocation, optionsOf('LAMBDA')),
    dynamoDb: openClient(DynamoDBClient, command, optionsOf('DYNAMODB')),
    sqs: openClient(SQSClient, command, optionsOf('SQS')),
    cloudWatch: openClient(CloudWatchClient, command, optionsOf('CLOUDWATCH')),
    logs: openClient(CloudWatchLogsClient, command, optionsOf('CLOUDWATCH_LOGS')),
    sns: openClient(SNSClient, command, optionsOf('SNS')),
  };
}

/** A deployed stack, or the platform that runs on this machine: the calls are the same. */
export interface Stage extends Clients {
  readonly name: string;
  /** How far its clock is ahead of this machine's, in milliseconds: 0, except where the local platform has skipped time. */
  readonly clockOffsetMs: number;
  /** @throws OutputMissing */
  output(name: OutputName): string;
  /** @returns undefined if the stack is older than the output */
  outputIfAny(name: OutputName): string | undefined;
  /** A command of the AWS CLI that a person can paste, aimed at this stage. */
  awsCli(service: CliService, words: string): string;
  close(): void;
}

/** No platform runs, for a command that would ask it. */
export class StageNotRunning extends CommandFailed {}

/** The stack is older than what a command asks of it. */
export class OutputMissing extends CommandFailed {}

/** The platform's own (`local/`): nothing checks them. */
const LOCAL_REGION = 'us-east-1';
const LOCAL_CREDENTIALS = { accessKeyId: 'local', secretAccessKey: 'local' };

/** @throws CommandFailed where there is no such stage within reach */
export async function openStage(
  name: string,
  variables: Readonly<Record<string, string | undefined>>,
  stateFile: string,
): Promise<Stage> {
  return name === 'local' ? localStage(stateFile) : deployedStage(name, variables);
}

function localStage(stateFile: string): Stage {
  const { endpoints, outputs, clock_offset_ms: clockOffsetMs } = localState(stateFile);
  const options = (service: string) => {
    const endpoint = endpoints[`AWS_ENDPOINT_URL_${service}`];
    if (endpoint === undefined) throw new CommandFailed(`the running platform has no ${service}: start it again`);
    return { endpoint, region: LOCAL_REGION, credentials: LOCAL_CREDENTIALS };
  };
  const { accessKeyId, secretAccessKey } = LOCAL_CREDENTIALS;
  return stageOf('local', outputs, {
    ...openClients(options),
    clockOffsetMs,
    awsCli: (service, words) =>
      `AWS_ACCESS_KEY_ID=${accessKeyId} AWS_SECRET_ACCESS_KEY=${secretAccessKey} AWS_DEFAULT_REGION=${LOCAL_REGION} ` +
      `aws ${service} ${words} --endpoint-url ${endpoints[CLI_ENDPOINT[service]]}`,
  });
}

const CLI_ENDPOINT = {
  appconfig: 'AWS_ENDPOINT_URL_APPCONFIG',
  secretsmanager: 'AWS_ENDPOINT_URL_SECRETS_MANAGER',
  lambda: 'AWS_ENDPOINT_URL_LAMBDA',
  sqs: 'AWS_ENDPOINT_URL_SQS',
  sns: 'AWS_ENDPOINT_URL_SNS',
} as const satisfies Record<CliService, string>;

function localState(stateFile: string) {
  try {
    return readState(stateFile);
  } catch (thrown) {
    if (thrown instanceof NotRunning) throw new StageNotRunning(thrown.message);
    throw thrown;
  }
}

async function deployedStage(name: string, variables: Readonly<Record<string, string | undefined>>): Promise<Stage> {
  // The SDK reads AWS_REGION only; the AWS CLI's users have the other one.
  const region = variables.AWS_REGION ?? variables.AWS_DEFAULT_REGION;
  const where = region === undefined ? {} : { region };
  const cloudFormation = openClient(CloudFormationClient, CLIENT_WAITS.command, where);
  try {
    const outputs = await stackOutputs(cloudFormation, `LearningTimeWebhooks-${name}`);
    return stageOf(name, outputs, {
      ...openClients(() => where),
      clockOffsetMs: 0,
      awsCli: (service, words) => `aws ${service} ${words}`,
    });
  } finally {
    cloudFormation.destroy();
  }
}

/** The outputs of a deployed stack. @throws CommandFailed where there is none of that name within reach */
export async function stackOutputs(
  client: CloudFormationClient,
  stackName: string,
): Promise<Readonly<Record<string, string>>> {
  const response = await client
    .send(new DescribeStacksCommand({ StackName: stackName }))
    .catch(async (thrown: Error) => {
      if (thrown.name === 'ValidationError' && thrown.message.includes('does not exist')) {
        const region = await client.config.region();
        throw new CommandFailed(
          `there is no stack ${stackName} in ${region}, in the account of the credentials at hand: is it deployed, and are AWS_REGION and AWS_PROFILE right?`,
        );
      }
      throw new CommandFailed(awsFailure(thrown, `AWS CloudFormation, for the stack ${stackName},`) ?? thrown.message);
    });
  const outputs = response.Stacks?.[0]?.Outputs ?? [];
  return Object.fromEntries(outputs.map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue]));
}

function stageOf(
  name: string,
  outputs: Readonly<Record<string, string>>,
  { awsCli, clockOffsetMs, ...clients }: Clients & Pick<Stage, 'awsCli' | 'clockOffsetMs'>,
): Stage {
  return {
    name,
    clockOffsetMs,
    ...clients,
    awsCli,
    output(key) {
      const value = outputs[key];
      if (value !== undefined) return value;
      const remedy = name === 'local' ? 'start the platform again' : 'deploy its current version';
      throw new OutputMissing(`the stack of stage ${name} has no output ${key}: ${remedy}`);
    },
    outputIfAny: (key) => outputs[key],
    close() {
      for (const client of Object.values(clients)) client.destroy();
    },
  };
}
