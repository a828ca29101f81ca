import { describe, expect, test } from '@jest/globals';
import { LEDGER_TABLE } from '../../lambdas/ledger/record.ts';
import { STATUS_PATHS } from '../../lambdas/status/feature-status-document.ts';
import { OPERATIONS_PATHS } from '../../lambdas/status/health-document.ts';
import { flatten, onlyResource, resourcesOf, synthesize } from '../support/synthesized-stack.ts';

const template = synthesize('local');

interface Statement {
  readonly Effect: string;
  readonly Action: string | string[];
  readonly Resource: unknown;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

interface ResourceStatement extends Statement {
  readonly Principal: Readonly<Record<string, unknown>>;
}

/** ` if key=value and …`; every condition here is an equality, but for the wildcard of the topic’s policy. */
function conditionOf({ Condition }: Statement): string {
  if (Condition === undefined) return '';
  const tests = Object.entries(Condition).flatMap(([operator, keys]) => {
    expect(['StringEquals', 'ForAllValues:StringEquals', 'ArnEquals', 'ArnLike', 'Bool']).toContain(operator);
    return Object.entries(keys).map(([key, value]) => `${key}=${[value].flat().map(flatten)}`);
  });
  return ` if ${tests.join(' and ')}`;
}

/** Every role's statements, as `action action on resource if condition`. */
const permissions = new Map<string, string[]>();
for (const [, { Properties }] of resourcesOf(template, 'AWS::IAM::Policy')) {
  const statements = (Properties.PolicyDocument.Statement as Statement[]).flatMap((statement) => {
    const { Effect, Action, Resource } = statement;
    const what = `${Effect === 'Allow' ? '' : `${Effect} `}${[Action].flat().join(' ')}`;
    return [Resource].flat().map((resource) => `${what} on ${flatten(resource)}${conditionOf(statement)}`);
  });
  for (const role of Properties.Roles) {
    const name = flatten(role).slice(1, -1);
    permissions.set(name, [...(permissions.get(name) ?? []), ...statements]);
  }
}

const TRACING = 'xray:PutTelemetryRecords xray:PutTraceSegments on *';
const NETWORK_INTERFACES =
  'ec2:AssignPrivateIpAddresses ec2:CreateNetworkInterface ec2:DeleteNetworkInterface ' +
  'ec2:DescribeNetworkInterfaces ec2:DescribeSubnets ec2:UnassignPrivateIpAddresses';
/** For Lambda itself, not for the function's code. */
const inVpc = (id: string) => [
  `${NETWORK_INTERFACES} ${TRACING}`,
  `Deny ${NETWORK_INTERFACES} on * if lambda:SourceFunctionArn=<${id}Function.Arn>`,
];
const logsOf = (id: string) => `logs:CreateLogStream logs:PutLogEvents on <${id}Logs.Arn>`;
const polls = (name: string) =>
  'appconfig:GetLatestConfiguration appconfig:StartConfigurationSession on arn:aws:appconfig:us-east-1:000000000000:' +
  `application/<ConfigurationApplication>/environment/<Configuration${name}Environment>/` +
  `configuration/<Configuration${name}ProfileConfigurationProfile>`;
const consumes = (name: string) =>
  'sqs:ChangeMessageVisibility sqs:DeleteMessage sqs:GetQueueAttributes sqs:GetQueueUrl sqs:ReceiveMessage ' +
  `on <${name}.Arn>`;
const sends = (name: string) => `sqs:SendMessage on <${name}.Arn>`;
const INTEGRATION_SECRETS =
  'secretsmanager:GetSecretValue on arn:<AWS::Partition>:secretsmanager:<AWS::Region>:<AWS::AccountId>:' +
  'secret:/local/integrations/*';
const VERSIONS = 'secretsmanager:ListSecretVersionIds on <SecretsSnowflake>';
const METRICS_TOKEN = 'secretsmanager:GetSecretValue on <SecretsMetricsToken>';
const QUERY = 'secretsmanager:GetSecretValue on <SecretsSnowflake>';
const START = 'states:StartExecution on <RetryWorkflowStateMachine>';
const DESCRIBE =
  'states:DescribeExecution on arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:' +
  '<RetryWorkflowStateMachine.Name>:*';
const OF_ITS_EXECUTIONS =
  'kms:EncryptionContext:aws:states:stateMachineArn=' +
  'arn:aws:states:us-east-1:000000000000:stateMachine:learning-time-webhooks-local';
const OF_ITS_LOG = 'kms:EncryptionContext:SourceArn=arn:aws:logs:us-east-1:000000000000:*';
const READ_EXECUTIONS = `kms:Decrypt on <RetryWorkflowKey.Arn> if kms:ViaService=states.us-east-1.amazonaws.com and ${OF_ITS_EXECUTIONS}`;
const undelivered = (name: string) =>
  `sqs:GetQueueAttributes sqs:GetQueueUrl sqs:SendMessage on <${name}Undelivered.Arn>`;
/** The table, or one of its indexes. */
const ledger = (...operations: string[]) =>
  `${operations.map((operation) => `dynamodb:${operation}`).join(' ')} on <LedgerTable.Arn>`;
const SETTLES = 'dynamodb:GetItem dynamodb:PutItem on <LedgerTable.Arn>';
const CLAIMS = ledger('BatchGetItem', 'BatchWriteItem', 'GetItem', 'PartiQLInsert', 'PutItem');
const LISTS = 'dynamodb:Query on <LedgerTable.Arn>/index/ByIntegrationAndDay';

const PUTS_EVENTS = 'events:PutEvents on <OperationalEventsBus.Arn>';

/** In addition to log, traces and, in the VPC, network interfaces. */
const IN_VPC: Readonly<Record<string, readonly string[]>> = {
  EnrichmentEnrichBatch: [
    polls('Flags'),
    polls('Integrations'),
    QUERY,
    CLAIMS,
    consumes('QueuesEvents'),
    sends('QueuesDeliveries'),
    sends('QueuesOutcomes'),
    sends('QueuesEventsDeadLetters'),
    START,
  ],
  EnrichmentEnrichTask: [polls('Flags'), QUERY],
  EnrichmentCheckWarehouse: [QUERY],
  WarmCache: [polls('Flags'), polls('Integrations'), QUERY, undelivered('WarmCache')],
  DeliveryDeliverBatch: [
    polls('Integrations'),
    INTEGRATION_SECRETS,
    CLAIMS,
    // CDK merges the statements on one queue: the function reads from it and sends to it with a delay.
    consumes('QueuesDeliveries').replace(' on ', ' sqs:SendMessage on '),
    sends('QueuesDeliveriesDeadLetters'),
    START,
    sends('QueuesOutcomes'),
    PUTS_EVENTS,
  ],
  DeliveryDeliverTask: [polls('Integrations'), INTEGRATION_SECRETS, CLAIMS, sends('QueuesOutcomes'), PUTS_EVENTS],
  DeliverySendTest: [polls('Integrations'), INTEGRATION_SECRETS],
};
const RESCUES = [DESCRIBE, READ_EXECUTIONS, sends('QueuesDeliveriesDeadLetters'), undelivered('Rescue'), PUTS_EVENTS];
const OUTSIDE: Readonly<Record<string, readonly string[]>> = {
  RescueRescueExecution: [TRACING, START, ...RESCUES],
  RescueSweepExecutions: [
    TRACING,
    'states:ListExecutions states:StartExecution on <RetryWorkflowStateMachine>',
    'dynamodb:GetItem dynamodb:PutItem on <LedgerTable.Arn> if dynamodb:LeadingKeys=sweep',
    ...RESCUES,
  ],
  ReconcilerReconcile: [
    TRACING,
    polls('Integrations'),
    ledger('BatchGetItem', 'GetItem', 'PutItem', 'Query'),
    `dynamodb:BatchWriteItem on <LedgerTable.Arn> if dynamodb:LeadingKeys=${LEDGER_TABLE.openPartitions}`,
    LISTS,
    sends('QueuesDeliveries'),
    sends('QueuesDeliveriesDeadLetters'),
    'sqs:GetQueueAttributes on <QueuesOutcomes.Arn>',
    PUTS_EVENTS,
    undelivered('Reconciler'),
  ],
  OutcomesSettleOutcomes: [
    TRACING,
    SETTLES,
    consumes('QueuesOutcomes'),
    sends('QueuesOutcomesDeadLetters'),
    PUTS_EVENTS,
  ],
  CredentialAge: [TRACING, VERSIONS, undelivered('CredentialAge')],
  CertificateExpiry: [
    ...[TRACING, polls('Integrations'), INTEGRATION_SECRETS, undelivered('CertificateExpiry'), PUTS_EVENTS],
    'dynamodb:PutItem on <LedgerTable.Arn> if dynamodb:LeadingKeys=certificates',
  ],
  StatusApiFeatureStatus: [TRACING, polls('Flags')],
  // CDK merges the statements without a resource.
  WebhookHealth: [`cloudwatch:GetMetricData ${TRACING}`, polls('Integrations'), LISTS, METRICS_TOKEN],
};
/** Roles of services. */
const OTHERS: Readonly<Record<string, readonly string[]>> = {
  RetryWorkflowStateMachineRole: [
    `kms:Decrypt kms:GenerateDataKey on <RetryWorkflowKey.Arn> if ${OF_ITS_EXECUTIONS}`,
    `kms:GenerateDataKey on <RetryWorkflowKey.Arn> if ${OF_ITS_LOG}`,
    'lambda:InvokeFunction on <DeliveryDeliverTaskFunction.Arn>',
    'lambda:InvokeFunction on <DeliveryDeliverTaskFunction.Arn>:*',
    'lambda:InvokeFunction on <EnrichmentEnrichTaskFunction.Arn>',
    'lambda:InvokeFunction on <EnrichmentEnrichTaskFunction.Arn>:*',
    'logs:CreateLogDelivery logs:DeleteLogDelivery logs:DescribeLogGroups logs:DescribeResourcePolicies ' +
      'logs:GetLogDelivery logs:ListLogDeliveries logs:PutResourcePolicy logs:UpdateLogDelivery ' +
      'xray:GetSamplingRules xray:GetSamplingTargets xray:PutTelemetryRecords xray:PutTraceSegments on *',
    'sqs:GetQueueAttributes sqs:GetQueueUrl sqs:SendMessage on <QueuesDeliveriesDeadLetters.Arn>',
  ],
  ConfigurationAlarmReader: ['cloudwatch:DescribeAlarms on *'],
  NetworkVpcRefusedIAMRole: [
    'logs:CreateLogStream logs:DescribeLogStreams logs:PutLogEvents on <NetworkRefusedLogs.Arn>',
  ],
};

describe('each role has these permissions and no others', () => {
  test.each([
    ...Object.entries(IN_VPC).map(([id, may]) => [`${id}Role`, [logsOf(id), ...inVpc(id), ...may]] as const),
    ...Object.entries(OUTSIDE).map(([id, may]) => [`${id}Role`, [logsOf(id), ...may]] as const),
    ...Object.entries(OTHERS),
  ])('%s', (role, statements) => {
    expect(permissions.get(role)?.toSorted()).toEqual(statements.toSorted());
  });

  test('there are no other roles, and no managed or inline policies', () => {
    expect(permissions.size).toBe(18);
    const roles = resourcesOf(template, 'AWS::IAM::Role');
    expect(roles).toHaveLength(18);
    for (const [, { Properties }] of roles) {
      expect(Properties.ManagedPolicyArns).toBeUndefined();
      expect(Properties.Policies).toBeUndefined();
    }
    expect(resourcesOf(template, 'AWS::IAM::ManagedPolicy')).toEqual([]);
  });

  test('nothing in the stack may invoke SendTest and CheckWarehouse: operators need their own permissions', () => {
    for (const name of ['SendTestFunction', 'CheckWarehouseFunction']) {
      const granted = [...permissions.values()].flat().filter((statement) => statement.includes(name));
      expect(granted).toEqual([expect.stringMatching(/^Deny ec2:/)]);
    }
    const permitted = resourcesOf(template, 'AWS::Lambda::Permission').map(([, { Properties }]) => {
      const { Principal, FunctionName, SourceArn } = Properties;
      return `${Principal} ${flatten(SourceArn).split('<StatusApi>').at(-1)}: ${flatten(FunctionName)}`;
    });
    const rule = (id: string, name: string) => `events.amazonaws.com <${id}.Arn>: <${name}Function.Arn>`;
    const route = (path: string, name: string) => `apigateway.amazonaws.com /*/*${path}: <${name}Function.Arn>`;
    const { browsers, operators } = STATUS_PATHS;
    const { health, metrics } = OPERATIONS_PATHS;
    expect(permitted.sort()).toEqual(
      [
        rule('CredentialAgeRule', 'CredentialAge'),
        rule('CertificateExpiryRule', 'CertificateExpiry'),
        rule('WarmCacheRule', 'WarmCache'),
        rule('ReconcilerReconcileHourly', 'ReconcilerReconcile'),
        rule('RescueRescueExecutionRule', 'RescueRescueExecution'),
        rule('RescueSweepExecutionsRule', 'RescueSweepExecutions'),
        ...[browsers, `${browsers}/{feature}`].map((path) => route(path, 'StatusApiFeatureStatus')),
        ...[operators, `${operators}/{feature}`].map((path) => route(path, 'StatusApiFeatureStatus')),
        ...[health, `${health}/{integration}`, metrics].map((path) => route(path, 'WebhookHealth')),
      ].sort(),
    );
  });
});

describe('resource policies', () => {
  test('only the service that needs a role may assume it', () => {
    const ofItsAccount =
      ' if aws:SourceArn=arn:aws:states:us-east-1:000000000000:stateMachine:* and aws:SourceAccount=000000000000';
    const others: Readonly<Record<string, string>> = {
      RetryWorkflowStateMachineRole: `states.amazonaws.com${ofItsAccount}`,
      ConfigurationAlarmReader: 'appconfig.amazonaws.com',
      NetworkVpcRefusedIAMRole: 'vpc-flow-logs.amazonaws.com',
    };
    for (const [id, { Properties }] of resourcesOf(template, 'AWS::IAM::Role')) {
      const trusted = Properties.AssumeRolePolicyDocument.Statement.map((statement: ResourceStatement) => {
        const { Effect, Action, Principal } = statement;
        return `${Effect} ${Action}: ${Object.keys(Principal)} ${Object.values(Principal)}${conditionOf(statement)}`;
      });
      const name = flatten({ Ref: id }).slice(1, -1);
      const who = others[name] ?? 'lambda.amazonaws.com';
      expect([name, trusted]).toEqual([name, [`Allow sts:AssumeRole: Service ${who}`]]);
    }
  });

  test('only the alarms of the stage, and only EventBridge, may publish to the topics', () => {
    const said = resourcesOf(template, 'AWS::SNS::TopicPolicy').flatMap(([, { Properties }]) =>
      (Properties.PolicyDocument.Statement as ResourceStatement[]).map((statement) => {
        const { Effect, Principal, Action, Resource } = statement;
        const who = flatten(Object.values(Principal)[0]);
        return `${Effect} ${who}: ${Action} on ${flatten(Resource)}${conditionOf(statement)}`;
      }),
    );
    expect(said.toSorted()).toEqual([
      'Allow cloudwatch.amazonaws.com: sns:Publish on <AlarmsTopic> if aws:SourceAccount=000000000000 and ' +
        'aws:SourceArn=arn:aws:cloudwatch:us-east-1:000000000000:alarm:learning-time-webhooks-local-*',
      // EventBridge sends no condition keys to SNS.
      'Allow events.amazonaws.com: sns:Publish on <OperationalEventsContacts>',
      'Deny *: sns:Publish on <AlarmsTopic> if aws:SecureTransport=false',
      'Deny *: sns:Publish on <OperationalEventsContacts> if aws:SecureTransport=false',
    ]);
  });

  test('the key encrypts the workflow’s data and its log only', () => {
    const { Statement } = onlyResource(template, 'AWS::KMS::Key').Properties.KeyPolicy as {
      Statement: ResourceStatement[];
    };
    const said = Statement.map((statement) => {
      const { Effect, Principal, Action, Resource } = statement;
      expect({ Effect, Resource }).toEqual({ Effect: 'Allow', Resource: '*' });
      return `${flatten(Object.values(Principal)[0])}: ${[Action].flat().join(' ')}${conditionOf(statement)}`;
    });
    const account = 'arn:aws:iam::000000000000:root';
    const [administration, ...uses] = said;
    expect(uses).toEqual([
      `${account}: kms:Decrypt kms:GenerateDataKey if ${OF_ITS_EXECUTIONS}`,
      `${account}: kms:GenerateDataKey if ${OF_ITS_LOG}`,
      `delivery.logs.amazonaws.com: kms:Decrypt if ${OF_ITS_LOG}`,
    ]);
    expect(administration).toMatch(/^arn:aws:iam::000000000000:root: [\w: ]+$/);
    expect(administration).toContain('kms:PutKeyPolicy');
    expect(administration).not.toMatch(/Encrypt|Decrypt|DataKey|CreateGrant/);
  });

  test('queues deny calls without TLS; only EventBridge may send, to the queues of undelivered events', () => {
    const said = resourcesOf(template, 'AWS::SQS::QueuePolicy').flatMap(([, { Properties }]) =>
      (Properties.PolicyDocument.Statement as ResourceStatement[]).map((statement) => {
        const { Effect, Principal, Action, Resource } = statement;
        const who = flatten(Object.values(Principal)[0]);
        return `${Effect} ${who}: ${Action} on ${flatten(Resource)}${conditionOf(statement)}`;
      }),
    );
    const deny = (queue: string) => `Deny *: sqs:* on <${queue}.Arn> if aws:SecureTransport=false`;
    const rule = (queue: string, id: string) =>
      `Allow events.amazonaws.com: sqs:SendMessage on <${queue}.Arn> if aws:SourceArn=<${id}.Arn>`;
    expect(said.sort()).toEqual(
      [
        deny('QueuesEvents'),
        deny('QueuesEventsDeadLetters'),
        deny('QueuesDeliveries'),
        deny('QueuesDeliveriesDeadLetters'),
        deny('QueuesOutcomes'),
        deny('QueuesOutcomesDeadLetters'),
        deny('RescueUndelivered'),
        rule('RescueUndelivered', 'RescueRescueExecutionRule'),
        rule('RescueUndelivered', 'RescueSweepExecutionsRule'),
        deny('ReconcilerUndelivered'),
        rule('ReconcilerUndelivered', 'ReconcilerReconcileHourly'),
        deny('CredentialAgeUndelivered'),
        rule('CredentialAgeUndelivered', 'CredentialAgeRule'),
        deny('OperationalEventsUndelivered'),
        rule('OperationalEventsUndelivered', 'OperationalEventsMails'),
        deny('CertificateExpiryUndelivered'),
        rule('CertificateExpiryUndelivered', 'CertificateExpiryRule'),
        deny('WarmCacheUndelivered'),
        rule('WarmCacheUndelivered', 'WarmCacheRule'),
      ].sort(),
    );
  });
});
