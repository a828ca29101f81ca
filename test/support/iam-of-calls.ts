import type { AwsCall } from '../../local/aws-calls.ts';
import type { Platform } from '../../local/platform.ts';
import { arnOf } from '../../local/resolver.ts';

/** What IAM decides on: one action on one resource. */
export interface Access {
  readonly action: string;
  /** An ARN, or `*` for an action that is of no resource. */
  readonly resource: string;
}

/** Batches are allowed by the action of a single message (SQS Developer Guide, "Amazon SQS API permissions"). */
const SQS_ACTION = (operation: string) => operation.replace(/Batch$/, '');

/**
 * What a call needs by IAM's service authorization reference. AppConfig's `GetLatestConfiguration` carries a token
 * instead of ids: it needs access to what its caller has started sessions for.
 *
 * @param sessions resources of the caller's AppConfig sessions so far; a new one is added
 * @throws Error where the call is one that this does not know
 */
export function accessOf({ operation, body }: AwsCall, platform: Platform, sessions: Set<string>): Access[] {
  const [prefix, name = ''] = operation.split('.');
  switch (prefix) {
    case 'AmazonSQS':
      return [{ action: `sqs:${SQS_ACTION(name)}`, resource: platform.queues.find(String(body.QueueUrl)).arn }];
    case 'DynamoDB_20120810':
      if (name === 'BatchExecuteStatement') return statementAccess(body, platform);
      return tablesOf(body, platform).map((resource) => ({ action: `dynamodb:${name}`, resource }));
    case 'AWSStepFunctions':
      return [{ action: `states:${name}`, resource: String(body.stateMachineArn ?? body.executionArn) }];
    case 'secretsmanager':
      return [{ action: `secretsmanager:${name}`, resource: platform.secrets.arnOf(String(body.SecretId)) }];
    case 'GraniteServiceVersion20100801':
      return [{ action: `cloudwatch:${name}`, resource: '*' }];
    case 'AWSEvents':
      return (body.Entries as { EventBusName: string }[]).map(({ EventBusName }) => ({
        action: `events:${name}`,
        resource: arnOf('events', `event-bus/${EventBusName}`),
      }));
    case 'POST /configurationsessions':
      sessions.add(configurationArn(body));
      return [{ action: 'appconfig:StartConfigurationSession', resource: configurationArn(body) }];
    case 'GET /configuration':
      return [...sessions].map((resource) => ({ action: 'appconfig:GetLatestConfiguration', resource }));
    default:
      throw new Error(`a call that is not known here: ${operation}`);
  }
}

/** A statement needs the action of its kind, and its batch none (Developer Guide, "IAM policies with PartiQL"). */
function statementAccess({ Statements }: AwsCall['body'], { tables }: Platform): Access[] {
  return (Statements as { Statement: string }[]).map(({ Statement }) => {
    const [, tableName] = /^INSERT INTO "(.+?)"/.exec(Statement) ?? [];
    if (tableName === undefined) throw new Error(`a statement that is not known here: ${Statement}`);
    return { action: 'dynamodb:PartiQLInsert', resource: tables.find(tableName).arn };
  });
}

function tablesOf(body: AwsCall['body'], { tables }: Platform): string[] {
  if (typeof body.IndexName === 'string') return [`${tables.find(String(body.TableName)).arn}/index/${body.IndexName}`];
  const names = body.RequestItems === undefined ? [String(body.TableName)] : Object.keys(body.RequestItems as object);
  return names.map((name) => tables.find(name).arn);
}

function configurationArn(body: AwsCall['body']): string {
  const { ApplicationIdentifier, EnvironmentIdentifier, ConfigurationProfileIdentifier } = body;
  return (
    `arn:aws:appconfig:us-east-1:000000000000:application/${ApplicationIdentifier}` +
    `/environment/${EnvironmentIdentifier}/configuration/${ConfigurationProfileIdentifier}`
  );
}
