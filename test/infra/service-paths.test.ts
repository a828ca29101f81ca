import { describe, expect, test } from '@jest/globals';
import { findStage, STAGE_NAMES } from '../../lib/stage.ts';
import { KINDS_OF_PATHS, refusedCalls, serviceCalls } from '../support/service-calls.ts';
import { resourcesOf, synthesizeStage, type Template } from '../support/synthesized-stack.ts';
import { TemplateAccess } from '../support/template-access.ts';

/** Each stage with all options. */
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

describe('calls by AWS services', () => {
  test.each(STAGE_NAMES)('%s: every call is allowed', (name) => {
    expect(refusedCalls(templates.get(name) as Template)).toEqual([]);
  });

  test('every kind of path in the table is in the stack', () => {
    const kinds = new Set(serviceCalls(prod).map(({ kind }) => kind));
    // These need no policy.
    for (const allowed of [REDRIVE, ACCESS_LOG, EXECUTION_LOG]) kinds.add(allowed);
    expect([...kinds].sort()).toEqual([...KINDS_OF_PATHS].sort());
  });
});

const REDRIVE = 'AWS::SQS::Queue RedrivePolicy.deadLetterTargetArn';
const ACCESS_LOG = 'AWS::ApiGatewayV2::Stage AccessLogSettings.DestinationArn';
const EXECUTION_LOG =
  'AWS::StepFunctions::StateMachine LoggingConfiguration.Destinations.CloudWatchLogsLogGroup.LogGroupArn';

describe('publishers of the alarms’ topic', () => {
  const [[id] = ['']] = resourcesOf(prod, 'AWS::SNS::Topic');
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
  ])('not %s', (_, isAllowed) => {
    expect(isAllowed()).toBe(false);
  });
});

test('every policy for a service has a condition on the source resource, the account or the encryption context', () => {
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
