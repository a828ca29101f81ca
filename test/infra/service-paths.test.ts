import { describe, expect, test } from '@jest/globals';
import { findStage, STAGE_NAMES } from '../../lib/stage.ts';
import { UnknownPath } from '../support/calls-by-reference.ts';
import { KINDS_OF_PATHS, refusedCalls, serviceCalls } from '../support/service-calls.ts';
import { synthesizeStage, type Template } from '../support/synthesized-stack.ts';
import { TemplateAccess } from '../support/template-access.ts';

/** Each stage with all that may be added to it. */
const templates = new Map(
  STAGE_NAMES.map((name) => [
    name,
    synthesizeStage({
      ...findStage(name, { alarmEmails: 'on-call@example.com', publisherPrincipals: '444455556666' }),
      statusApi: {
        ...findStage(name).statusApi,
        browsers: {
          issuer: 'https://login.example.com',
          audiences: ['lms'],
          origins: ['https://lms.example.com'],
          enterpriseClaim: 'enterprise',
        },
      },
    }),
  ]),
);
const prod = templates.get('prod') as Template;

/** A copy of `prod` in which one resource's properties differ. */
function changed(id: string, change: (properties: Template['Resources'][string]['Properties']) => unknown): Template {
  const { Properties = {}, ...resource } = structuredClone(prod.Resources[id]) as Template['Resources'][string];
  change(Properties);
  return { ...prod, Resources: { ...prod.Resources, [id]: { ...resource, Properties } } };
}

function idOf(type: string, beginning = ''): string {
  const [id] =
    Object.entries(prod.Resources).find(([name, { Type }]) => Type === type && name.startsWith(beginning)) ?? [];
  if (id === undefined) throw new Error(`no ${type} ${beginning}`);
  return id;
}

describe('what services call by themselves', () => {
  test.each(STAGE_NAMES)('%s: every call is allowed', (name) => {
    expect(refusedCalls(templates.get(name) as Template)).toEqual([]);
  });

  test('every kind of path in the table is in the stack', () => {
    const kinds = new Set(serviceCalls(prod).map(({ kind }) => kind));
    // These two kinds need no policy as the stack has them: below they are changed so that they do.
    for (const allowed of [REDRIVE, ACCESS_LOG, EXECUTION_LOG]) kinds.add(allowed);
    expect([...kinds].sort()).toEqual([...KINDS_OF_PATHS].sort());
  });
});

const REDRIVE = 'AWS::SQS::Queue RedrivePolicy.deadLetterTargetArn';
const ACCESS_LOG = 'AWS::ApiGatewayV2::Stage AccessLogSettings.DestinationArn';
const EXECUTION_LOG =
  'AWS::StepFunctions::StateMachine LoggingConfiguration.Destinations.CloudWatchLogsLogGroup.LogGroupArn';

/** One call of each kind, by each action and caller. */
const calls = new Map(
  serviceCalls(prod).map((call) => [
    `${call.kind}: ${call.action}${call.on === undefined ? '' : `, ${'service' in call.by ? call.by.service : 'its role'}`}`,
    call,
  ]),
);

describe('is refused', () => {
  test.each([...calls])('%s, without what allows it', (_, call) => {
    const access = new TemplateAccess(prod);
    const grants = access.allowedBy(call);
    expect(grants).not.toEqual([]);
    const copy = structuredClone(prod);
    for (const { at } of grants) withdraw(copy, at);
    expect(new TemplateAccess(copy).allows(call)).toBe(false);
  });

  /** A function's policy cannot deny. */
  const deniable = [...calls].filter(([, { on, action }]) => on !== undefined && action !== 'lambda:InvokeFunction');

  test.each(deniable)('%s, where the resource denies it', (_, call) => {
    const { action, on = '' } = call;
    const copy = structuredClone(prod);
    const denial = {
      Effect: 'Deny',
      Principal: '*',
      Action: action,
      ...(action !== 'sts:AssumeRole' && { Resource: '*' }),
    };
    policyOf(copy, on)?.push(denial);
    expect(new TemplateAccess(copy).allows(call)).toBe(false);
  });

  test('a dead letter queue that is for other queues', () => {
    const id = idOf('AWS::SQS::Queue', 'QueuesEventsDeadLetters');
    const copy = changed(id, (properties) => {
      properties.RedriveAllowPolicy = { redrivePermission: 'byQueue', sourceQueueArns: ['arn:aws:sqs:::other'] };
    });
    expect(refusedCalls(copy)).toEqual([expect.stringContaining(REDRIVE)]);
  });

  test.each([
    [ACCESS_LOG, 'StatusApiAccessLogs'],
    [EXECUTION_LOG, 'RetryWorkflowLogs'],
  ])('%s, outside of the prefix that log delivery may write to', (kind, group) => {
    const copy = changed(idOf('AWS::Logs::LogGroup', group), (properties) => {
      properties.LogGroupName = '/ours/access';
    });
    expect(refusedCalls(copy)).toEqual([expect.stringContaining(kind), expect.stringContaining(kind)]);
  });

  test('an encrypted topic, by the key that CloudWatch cannot use', () => {
    const copy = changed(idOf('AWS::SNS::Topic'), (properties) => {
      properties.KmsMasterKeyId = 'alias/aws/sns';
    });
    expect(refusedCalls(copy)).toEqual([expect.stringContaining('KmsMasterKeyId')]);
  });
});

describe('an unknown kind of path fails', () => {
  const topic = { Ref: idOf('AWS::SNS::Topic') };
  const role = { 'Fn::GetAtt': [idOf('AWS::IAM::Role'), 'Arn'] };

  test.each<[string, string, (properties: Template['Resources'][string]['Properties']) => unknown]>([
    [
      'AWS::CloudWatch::Alarm',
      'InsufficientDataActions',
      (alarm) => Object.assign(alarm, { InsufficientDataActions: [topic] }),
    ],
    [
      'AWS::Lambda::Function',
      'DeadLetterConfig',
      (fn) => Object.assign(fn, { DeadLetterConfig: { TargetArn: topic } }),
    ],
    [
      'AWS::Events::Rule',
      'a rule whose target is called with a role',
      (rule) => Object.assign(rule.Targets[0], { RoleArn: role }),
    ],
    [
      'AWS::SNS::Topic',
      'KmsMasterKeyId',
      (properties) => Object.assign(properties, { KmsMasterKeyId: { Ref: idOf('AWS::KMS::Key') } }),
    ],
    [
      'AWS::SNS::Subscription',
      'a subscription by lambda',
      (subscription) => Object.assign(subscription, { Protocol: 'lambda' }),
    ],
    [
      'AWS::Events::Rule',
      'a service that calls AWS::SecretsManager::Secret',
      (rule) => {
        rule.Targets[0].Arn = { Ref: idOf('AWS::SecretsManager::Secret') };
      },
    ],
    [
      'AWS::StepFunctions::StateMachine',
      'calls arn:aws:states:::sns:publish',
      (machine) => {
        machine.DefinitionString = '{"States":{"Tell":{"Type":"Task","Resource":"arn:aws:states:::sns:publish"}}}';
      },
    ],
  ])('%s: %s', (type, words, change) => {
    const copy = changed(idOf(type), change);
    expect(() => serviceCalls(copy)).toThrow(UnknownPath);
    expect(() => serviceCalls(copy)).toThrow(words);
  });
});

describe('who publishes to the alarms’ topic', () => {
  const id = idOf('AWS::SNS::Topic');
  const access = new TemplateAccess(prod);
  const may = (sourceArn: string, sourceAccount = '000000000000', service = 'cloudwatch.amazonaws.com') =>
    access.allows({
      ...{ kind: '', from: '', by: { service }, action: 'sns:Publish', resource: access.arn(id), on: id },
      context: { 'aws:SourceArn': sourceArn, 'aws:SourceAccount': sourceAccount },
    });
  const alarm = (name: string, region = 'us-east-1', account = '000000000000') =>
    `arn:aws:cloudwatch:${region}:${account}:alarm:${name}`;

  const PAGE = 'learning-time-webhooks-prod-page-critical';

  test('every alarm of the stage', () => {
    expect(may(alarm(PAGE))).toBe(true);
  });

  test.each([
    ['an alarm of another stage', () => may(alarm('learning-time-webhooks-staging-page-critical'))],
    ['an alarm of another product', () => may(alarm('page-critical'))],
    ['an alarm in another region', () => may(alarm(PAGE, 'eu-west-1'))],
    ['an alarm of another account', () => may(alarm(PAGE, 'us-east-1', '444455556666'))],
    ['CloudWatch, for another account', () => may(alarm(PAGE), '444455556666')],
    ['another service', () => may(alarm(PAGE), '000000000000', 'events.amazonaws.com')],
  ])('not %s', (_, ask) => {
    expect(ask()).toBe(false);
  });
});

test('whatever lets a service in names whose call it must be: the resource, the account, or what is encrypted', () => {
  const access = new TemplateAccess(prod);
  const resources = Object.entries(prod.Resources).filter(([, { Type }]) => Type !== 'AWS::IAM::Role');
  const open = resources
    .flatMap(([on]) => access.grants({ by: { service: '' }, on }).target)
    .filter(
      ({ statement: { Effect, Principal } }) => Effect === 'Allow' && JSON.stringify(Principal).includes('"Service"'),
    )
    .filter(({ statement: { Condition = {} } }) => {
      const keys = Object.values(Condition).flatMap(Object.keys);
      return !keys.some((key) => /^(aws:Source(Arn|Account)|kms:EncryptionContext:.+)$/.test(key));
    });
  expect(open).toEqual([]);
});

/** The statements of a resource's own policy, to be changed. */
function policyOf(template: Template, id: string): object[] | undefined {
  const { AssumeRolePolicyDocument, KeyPolicy } = template.Resources[id]?.Properties ?? {};
  const document = AssumeRolePolicyDocument ?? KeyPolicy;
  if (document !== undefined) return document.Statement;
  const attached = Object.values(template.Resources).find(
    ({ Type, Properties }) =>
      /::(Topic|Queue)Policy$/.test(Type) && JSON.stringify(Properties.Topics ?? Properties.Queues).includes(`"${id}"`),
  );
  return attached?.Properties.PolicyDocument.Statement;
}

/** Takes one grant away. */
function withdraw(template: Template, at: string): void {
  const [id = '', index = '0'] = at.split('#');
  const { Type, Properties } = template.Resources[id] ?? {};
  if (Type === 'AWS::Lambda::Permission') Properties.Action = 'lambda:GetFunction';
  else {
    const document = Properties.PolicyDocument ?? Properties.AssumeRolePolicyDocument ?? Properties.KeyPolicy;
    document.Statement[Number(index)].Action = 'none:Nothing';
  }
}
