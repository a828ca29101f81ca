import { describe, expect, test } from '@jest/globals';
import { flatten, resourcesOf, synthesize } from '../support/synthesized-stack.ts';

const template = synthesize('local');

interface Statement {
  readonly Effect: string;
  readonly Action: string | string[];
  readonly Resource: unknown;
}

/** Every role's statements, as `action action on resource`. */
const permissions = new Map<string, string[]>();
for (const [, { Properties }] of resourcesOf(template, 'AWS::IAM::Policy')) {
  const statements = (Properties.PolicyDocument.Statement as Statement[]).flatMap(({ Effect, Action, Resource }) => {
    expect(Effect).toBe('Allow');
    return [Resource].flat().map((resource) => `${[Action].flat().join(' ')} on ${flatten(resource)}`);
  });
  for (const role of Properties.Roles) permissions.set(flatten(role).slice(1, -1), statements);
}

const TRACING = 'xray:PutTelemetryRecords xray:PutTraceSegments on *';
const IN_VPC =
  'ec2:AssignPrivateIpAddresses ec2:CreateNetworkInterface ec2:DeleteNetworkInterface ' +
  'ec2:DescribeNetworkInterfaces ec2:DescribeSubnets ec2:UnassignPrivateIpAddresses ' +
  TRACING;
const logsOf = (id: string) => `logs:CreateLogStream logs:PutLogEvents on <${id}Logs.Arn>`;
const polls = (name: string) =>
  'appconfig:GetLatestConfiguration appconfig:StartConfigurationSession on arn:aws:appconfig:us-east-1:000000000000:' +
  `application/<ConfigurationApplication>/environment/<Configuration${name}Environment>/` +
  `configuration/<Configuration${name}ProfileConfigurationProfile>`;
const consumes = (name: string) =>
  'sqs:ChangeMessageVisibility sqs:DeleteMessage sqs:GetQueueAttributes sqs:GetQueueUrl sqs:ReceiveMessage ' +
  `on <${name}.Arn>`;
const sends = (name: string) => `sqs:SendMessage on <${name}.Arn>`;
const QUERY = 'secretsmanager:GetSecretValue on <SecretsSnowflake>';
const START = 'states:StartExecution on <RetryWorkflowStateMachine>';
const DESCRIBE =
  'states:DescribeExecution on arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:' +
  '<RetryWorkflowStateMachine.Name>:*';
const UNDELIVERED = 'sqs:GetQueueAttributes sqs:GetQueueUrl sqs:SendMessage on <RescueUndelivered.Arn>';

describe('each role may do this, and nothing else', () => {
  test.each<[string, string[]]>([
    [
      'EnrichmentEnrichBatchRole',
      [
        logsOf('EnrichmentEnrichBatch'),
        IN_VPC,
        polls('Flags'),
        polls('Integrations'),
        QUERY,
        consumes('QueuesEvents'),
        sends('QueuesDeliveries'),
        sends('QueuesEventsDeadLetters'),
        START,
      ],
    ],
    ['EnrichmentEnrichTaskRole', [logsOf('EnrichmentEnrichTask'), IN_VPC, polls('Flags'), QUERY]],
    [
      'DeliveryDeliverBatchRole',
      [
        logsOf('DeliveryDeliverBatch'),
        IN_VPC,
        polls('Integrations'),
        consumes('QueuesDeliveries'),
        sends('QueuesDeliveriesDeadLetters'),
        START,
      ],
    ],
    ['DeliveryDeliverTaskRole', [logsOf('DeliveryDeliverTask'), IN_VPC, polls('Integrations')]],
    [
      'RescueRescueExecutionRole',
      [logsOf('RescueRescueExecution'), TRACING, START, DESCRIBE, sends('QueuesDeliveriesDeadLetters'), UNDELIVERED],
    ],
    [
      'RescueSweepExecutionsRole',
      [
        logsOf('RescueSweepExecutions'),
        TRACING,
        'states:ListExecutions states:StartExecution on <RetryWorkflowStateMachine>',
        DESCRIBE,
        sends('QueuesDeliveriesDeadLetters'),
        UNDELIVERED,
      ],
    ],
    [
      'RetryWorkflowStateMachineRole',
      [
        'lambda:InvokeFunction on <DeliveryDeliverTaskFunction.Arn>',
        'lambda:InvokeFunction on <DeliveryDeliverTaskFunction.Arn>:*',
        'lambda:InvokeFunction on <EnrichmentEnrichTaskFunction.Arn>',
        'lambda:InvokeFunction on <EnrichmentEnrichTaskFunction.Arn>:*',
        'logs:CreateLogDelivery logs:DeleteLogDelivery logs:DescribeLogGroups logs:DescribeResourcePolicies ' +
          'logs:GetLogDelivery logs:ListLogDeliveries logs:PutResourcePolicy logs:UpdateLogDelivery ' +
          'xray:GetSamplingRules xray:GetSamplingTargets xray:PutTelemetryRecords xray:PutTraceSegments on *',
        'sqs:GetQueueAttributes sqs:GetQueueUrl sqs:SendMessage on <QueuesDeliveriesDeadLetters.Arn>',
      ],
    ],
    [
      'NetworkVpcRefusedIAMRole',
      ['logs:CreateLogStream logs:DescribeLogStreams logs:PutLogEvents on <NetworkRefusedLogs.Arn>'],
    ],
  ])('%s', (role, statements) => {
    expect([...(permissions.get(role) ?? [])].sort()).toEqual([...statements].sort());
  });

  test('there are no other roles, and no managed or inline policies', () => {
    expect(permissions.size).toBe(8);
    const roles = resourcesOf(template, 'AWS::IAM::Role');
    expect(roles).toHaveLength(8);
    for (const [, { Properties }] of roles) {
      expect(Properties.ManagedPolicyArns).toBeUndefined();
      expect(Properties.Policies).toBeUndefined();
    }
    expect(resourcesOf(template, 'AWS::IAM::ManagedPolicy')).toEqual([]);
  });

  test('no role may do all of anything', () => {
    for (const statements of permissions.values()) {
      for (const statement of statements) expect(statement.split(' on ')[0]).not.toContain('*');
    }
  });
});
