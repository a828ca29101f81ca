import { ACCOUNT, REGION } from '../../local/resolver.ts';
import type { Resource, Template } from './synthesized-stack.ts';
import { idsIn, type ServiceCall, type TemplateAccess } from './template-access.ts';

/** A kind of reference, or a task of a workflow, that is neither in `CALLING` nor in `SILENT`. */
export class UnknownPath extends Error {
  override readonly name = 'UnknownPath';
}

/** One resource that refers to another, and the property in which it does: list indexes left out. */
export interface Reference {
  readonly kind: string;
  readonly from: string;
  readonly to: string;
  readonly properties: Resource['Properties'];
  /** The object with the reference: the rule's target, the environment's monitor. */
  readonly sibling: Resource['Properties'];
  readonly access: TemplateAccess;
  readonly template: Template;
}

type Calls = Omit<ServiceCall, 'kind' | 'from'>[];

/** What a service does to a resource that something else names as its target. */
const SEND: Readonly<Record<string, string>> = {
  'AWS::SNS::Topic': 'sns:Publish',
  'AWS::SQS::Queue': 'sqs:SendMessage',
  'AWS::Lambda::Function': 'lambda:InvokeFunction',
};

/**
 * References by which a service calls something by itself, each with the calls that follow. Sources: the developer guides
 * of the services, as named.
 */
export const CALLING: Readonly<Record<string, (reference: Reference) => Calls>> = {
  'AWS::ApiGatewayV2::Integration IntegrationUri': ({ from, to, properties, access, template }) => {
    const [apiId] = idsIn(properties.ApiId);
    // API Gateway Developer Guide, "Lambda integrations for HTTP APIs": the method and path are the route's.
    return access
      .all('AWS::ApiGatewayV2::Route')
      .filter(([, { Target }]) => idsIn(Target).includes(from))
      .map(([, { RouteKey }]) => {
        const [method, path] = String(RouteKey).split(' ');
        const stage = access
          .all('AWS::ApiGatewayV2::Stage')
          .find(([, { ApiId }]) => idsIn(ApiId).includes(apiId ?? ''));
        const arn = `arn:aws:execute-api:${REGION}:${ACCOUNT}:${apiId}/${stage?.[1].StageName}/${method}${path}`;
        return send(template, access, 'apigateway.amazonaws.com', to, arn);
      });
  },
  // CloudWatch Logs User Guide, "Enable logging from AWS services": a group under this prefix has a policy that the
  // service makes and keeps; any other needs one of its own.
  'AWS::ApiGatewayV2::Stage AccessLogSettings.DestinationArn': vendedLogs,
  'AWS::StepFunctions::StateMachine LoggingConfiguration.Destinations.CloudWatchLogsLogGroup.LogGroupArn': vendedLogs,
  'AWS::AppConfig::Environment Monitors.AlarmRoleArn': ({ to }) => [
    assumeRole(to, 'appconfig.amazonaws.com'),
    // AppConfig User Guide, "Configure permissions for automatic rollback": of all alarms, not of one.
    {
      by: { role: to },
      action: 'cloudwatch:DescribeAlarms',
      resource: `arn:aws:cloudwatch:${REGION}:${ACCOUNT}:alarm:*`,
    },
  ],
  'AWS::CloudWatch::Alarm AlarmActions': alarmAction,
  'AWS::CloudWatch::Alarm OKActions': alarmAction,
  'AWS::CloudWatch::CompositeAlarm AlarmActions': alarmAction,
  'AWS::CloudWatch::CompositeAlarm OKActions': alarmAction,
  // VPC User Guide, "IAM role for publishing flow logs to CloudWatch Logs".
  'AWS::EC2::FlowLog DeliverLogsPermissionArn': ({ to, properties, access }) => [
    assumeRole(to, 'vpc-flow-logs.amazonaws.com'),
    ...['logs:CreateLogStream', 'logs:PutLogEvents', 'logs:DescribeLogStreams'].flatMap((action) =>
      idsIn(properties.LogGroupName).map((group) => ({ by: { role: to }, action, resource: access.arn(group) })),
    ),
  ],
  'AWS::Events::Rule Targets.Arn': ruleCall,
  'AWS::Events::Rule Targets.DeadLetterConfig.Arn': ruleCall,
  'AWS::Lambda::EventInvokeConfig DestinationConfig.OnFailure.Destination': ({ to, properties, access, template }) =>
    idsIn(properties.FunctionName).map((fn) => ({
      by: { role: roleOf(template, fn) },
      action: sendAction(template, to),
      resource: access.arn(to),
      on: to,
    })),
  // Lambda Developer Guide, "Using Lambda with Amazon SQS", execution role permissions.
  'AWS::Lambda::EventSourceMapping EventSourceArn': ({ to, properties, access, template }) =>
    ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'].flatMap((action) =>
      idsIn(properties.FunctionName).map((fn) => ({
        by: { role: roleOf(template, fn) },
        action,
        resource: access.arn(to),
        on: to,
      })),
    ),
  'AWS::Lambda::Function Role': ({ to, properties }) => [
    assumeRole(to, 'lambda.amazonaws.com'),
    ...(properties.TracingConfig?.Mode === 'Active' ? tracing(to) : []),
  ],
  'AWS::Lambda::Function LoggingConfig.LogGroup': ({ from, to, access, template }) =>
    ['logs:CreateLogStream', 'logs:PutLogEvents'].map((action) => ({
      by: { role: roleOf(template, from) },
      action,
      resource: access.arn(to),
    })),
  // Lambda Developer Guide, "Giving Lambda functions access to resources in an Amazon VPC". Lambda calls it outside of the
  // function, so the call has no `lambda:SourceFunctionArn`.
  'AWS::Lambda::Function VpcConfig.SubnetIds': ({ from, template }) =>
    [
      'ec2:CreateNetworkInterface',
      'ec2:DescribeNetworkInterfaces',
      'ec2:DescribeSubnets',
      'ec2:DeleteNetworkInterface',
      'ec2:AssignPrivateIpAddresses',
      'ec2:UnassignPrivateIpAddresses',
    ].map((action) => ({ by: { role: roleOf(template, from) }, action, resource: ANY })),
  'AWS::StepFunctions::StateMachine RoleArn': ({ from, to, properties, access, template }) => [
    assumeRole(to, 'states.amazonaws.com', access.arn(from)),
    ...(properties.TracingConfiguration?.Enabled === true ? tracing(to) : []),
    ...(properties.LoggingConfiguration === undefined ? [] : logDelivery(to)),
    ...taskCalls(from, to, access, template),
  ],
  // Step Functions Developer Guide, "Data at rest encryption": the role decrypts executions, and log delivery its lines.
  'AWS::StepFunctions::StateMachine EncryptionConfiguration.KmsKeyId': ({ from, to, properties, access }) => {
    const [role = ''] = idsIn(properties.RoleArn);
    const ofExecutions = { 'kms:EncryptionContext:aws:states:stateMachineArn': access.arn(from) };
    const ofLogs = { 'kms:EncryptionContext:SourceArn': `arn:aws:logs:${REGION}:${ACCOUNT}:*` };
    const call = { resource: access.arn(to), on: to };
    return [
      { ...call, by: { role }, action: 'kms:Decrypt', context: ofExecutions },
      { ...call, by: { role }, action: 'kms:GenerateDataKey', context: ofExecutions },
      { ...call, by: { role }, action: 'kms:GenerateDataKey', context: ofLogs },
      { ...call, by: { service: 'delivery.logs.amazonaws.com' }, action: 'kms:Decrypt', context: ofLogs },
    ];
  },
  // SQS Developer Guide, "Dead-letter queues": within an account every queue may use a queue, unless that queue restricts it.
  'AWS::SQS::Queue RedrivePolicy.deadLetterTargetArn': ({ from, to, access, template }) => {
    const { redrivePermission = 'allowAll', sourceQueueArns = [] } =
      (access.resolve(template.Resources[to]?.Properties?.RedriveAllowPolicy) as RedriveAllowPolicy | undefined) ?? {};
    const isAllowed =
      redrivePermission === 'allowAll' ||
      (redrivePermission === 'byQueue' && sourceQueueArns.includes(access.arn(from)));
    return isAllowed
      ? []
      : [{ by: { service: 'sqs.amazonaws.com' }, action: 'sqs:SendMessage', resource: access.arn(to) }];
  },
};

/** References by which no service calls anything: what belongs together, what is shown, and the policies themselves. */
export const SILENT = [
  /^AWS::ApiGatewayV2::(Integration|Route|Stage) ApiId$/,
  /^AWS::ApiGatewayV2::Route (Target|AuthorizerId)$/,
  /^AWS::ApiGatewayV2::Authorizer ApiId$/,
  /^AWS::AppConfig::\w+ (ApplicationId|ConfigurationProfileId|ConfigurationVersion|DeploymentStrategyId|EnvironmentId)$/,
  // Read with the role next to it.
  /^AWS::AppConfig::Environment Monitors\.AlarmArn$/,
  // CloudWatch looks at its own metrics and alarms.
  /^AWS::CloudWatch::Alarm (Metrics\.MetricStat\.Metric\.)?Dimensions\.Value$/,
  /^AWS::CloudWatch::CompositeAlarm (ActionsSuppressor|AlarmRule)$/,
  /^AWS::CloudWatch::Dashboard DashboardBody$/,
  /^AWS::Logs::QueryDefinition LogGroupNames$/,
  /^AWS::EC2::(?!FlowLog)\w+ \w+$/,
  /^AWS::EC2::FlowLog (LogGroupName|ResourceId)$/,
  /^AWS::ElastiCache::ServerlessCache (SecurityGroupIds|SubnetIds)$/,
  /^AWS::Events::Rule EventPattern\./,
  /^AWS::IAM::Policy /,
  /^AWS::KMS::Alias TargetKeyId$/,
  /^AWS::Lambda::(EventInvokeConfig|EventSourceMapping|Permission) FunctionName$/,
  /^AWS::Lambda::Permission SourceArn$/,
  // What the code calls with it, it calls in its role's name: `permissions.test.ts`.
  /^AWS::Lambda::Function Environment\.Variables\./,
  /^AWS::Lambda::Function VpcConfig\.SecurityGroupIds$/,
  // SNS sends mail and HTTPS requests by itself; `literalTargets` refuses every other protocol.
  /^AWS::SNS::Subscription TopicArn$/,
  /^AWS::(SNS::TopicPolicy|SQS::QueuePolicy) /,
  // With the role: `taskCalls`.
  /^AWS::StepFunctions::StateMachine DefinitionString$/,
];

function alarmAction({ from, to, access, template }: Reference): Calls {
  return [send(template, access, 'cloudwatch.amazonaws.com', to, access.arn(from))];
}

function ruleCall({ from, to, sibling, access, template }: Reference): Calls {
  // EventBridge User Guide, "Using resource-based policies": targets of other kinds need a role.
  if (sibling.RoleArn !== undefined) throw new UnknownPath('a rule whose target is called with a role');
  return [send(template, access, 'events.amazonaws.com', to, access.arn(from))];
}

function send(
  template: Template,
  access: TemplateAccess,
  service: string,
  to: string,
  sourceArn: string,
): Calls[number] {
  const context = { 'aws:SourceArn': sourceArn };
  return { by: { service }, action: sendAction(template, to), resource: access.arn(to), on: to, context };
}

function sendAction(template: Template, to: string): string {
  const type = template.Resources[to]?.Type ?? '';
  const action = SEND[type];
  if (action === undefined) throw new UnknownPath(`a service that calls ${type}`);
  return action;
}

/** @param sourceArn where the service's guide documents it, to prevent a confused deputy */
function assumeRole(role: string, service: string, sourceArn?: string): Calls[number] {
  const context = sourceArn === undefined ? {} : { 'aws:SourceArn': sourceArn };
  return { by: { service }, action: 'sts:AssumeRole', resource: role, on: role, context };
}

const ANY = '*';

/** X-Ray Developer Guide, "How AWS X-Ray works with IAM". */
function tracing(role: string): Calls {
  return ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'].map((action) => ({
    by: { role },
    action,
    resource: ANY,
  }));
}

/** Step Functions Developer Guide, "Using CloudWatch Logs to log execution history". */
function logDelivery(role: string): Calls {
  return [
    'logs:CreateLogDelivery',
    'logs:GetLogDelivery',
    'logs:UpdateLogDelivery',
    'logs:DeleteLogDelivery',
    'logs:ListLogDeliveries',
    'logs:PutResourcePolicy',
    'logs:DescribeResourcePolicies',
    'logs:DescribeLogGroups',
  ].map((action) => ({ by: { role }, action, resource: ANY }));
}

function vendedLogs({ to, access, template }: Reference): Calls {
  const { LogGroupName = '' } = template.Resources[to]?.Properties ?? {};
  if (String(LogGroupName).startsWith('/aws/vendedlogs/')) return [];
  const service = 'delivery.logs.amazonaws.com';
  return ['logs:CreateLogStream', 'logs:PutLogEvents'].map((action) => ({
    by: { service },
    action,
    resource: access.arn(to),
    on: to,
  }));
}

function roleOf(template: Template, functionId: string): string {
  const [role] = idsIn(template.Resources[functionId]?.Properties.Role);
  if (role === undefined) throw new UnknownPath(`${functionId} has no role in the template`);
  return role;
}

interface State {
  readonly Type: string;
  readonly Resource?: string;
  readonly Parameters?: { readonly FunctionName?: string; readonly QueueUrl?: string };
  readonly Branches?: readonly Definition[];
  readonly Iterator?: Definition;
  readonly ItemProcessor?: Definition;
}
interface Definition {
  readonly States: Readonly<Record<string, State>>;
}
interface RedriveAllowPolicy {
  readonly redrivePermission?: string;
  readonly sourceQueueArns?: readonly string[];
}

function taskCalls(from: string, role: string, access: TemplateAccess, template: Template): Calls {
  const { DefinitionString } = template.Resources[from]?.Properties ?? {};
  const definition = JSON.parse(String(access.resolve(DefinitionString))) as Definition;
  return tasksOf(definition).map((task) => {
    const { Resource = '', Parameters = {} } = task;
    const [, integration] = /^arn:aws:states:::(\w+:\w+)(\.sync(:2)?|\.waitForTaskToken)?$/.exec(Resource) ?? [];
    if (integration === 'lambda:invoke' || Resource.startsWith('arn:aws:lambda:')) {
      const fn = integration === undefined ? Resource : (Parameters.FunctionName ?? '');
      return { by: { role }, action: 'lambda:InvokeFunction', resource: fn };
    }
    if (integration === 'sqs:sendMessage') {
      const [queue = ''] = access
        .all('AWS::SQS::Queue')
        .map(([id]) => id)
        .filter((id) => access.resolve({ Ref: id }) === Parameters.QueueUrl);
      return { by: { role }, action: 'sqs:SendMessage', resource: access.arn(queue), on: queue };
    }
    throw new UnknownPath(`a task of ${from} calls ${Resource}`);
  });
}

function tasksOf({ States }: Definition): State[] {
  return Object.values(States).flatMap((state) => [
    ...(state.Type === 'Task' ? [state] : []),
    ...[...(state.Branches ?? []), state.Iterator, state.ItemProcessor].flatMap((inner) =>
      inner ? tasksOf(inner) : [],
    ),
  ]);
}
