import { expect, test } from '@jest/globals';
import { STATUS_PATHS } from '../../lambdas/status/feature-status-document.ts';
import { metricsTokenSchema, OPERATIONS_PATHS } from '../../lambdas/status/health-document.ts';
import { flatten, functionProperties, onlyResource, propertiesOf, synthesize } from '../support/synthesized-stack.ts';

const closed = synthesize('prod');
const open = synthesize('prod with all options');

/** Each route's key, its kind of authorization and its authorizer. */
function routesOf(template: typeof open) {
  return propertiesOf(template, 'AWS::ApiGatewayV2::Route').map(({ RouteKey, AuthorizationType, AuthorizerId }) => [
    RouteKey,
    AuthorizationType,
    ...(AuthorizerId === undefined ? [] : [flatten(AuthorizerId)]),
  ]);
}
const corsOf = (template: typeof open) => onlyResource(template, 'AWS::ApiGatewayV2::Api').Properties.CorsConfiguration;
const claimOf = (template: typeof open) =>
  functionProperties(template, 'feature-status').Environment.Variables.ENTERPRISE_CLAIM;

const OPERATORS = [
  ...['', '/{feature}'].map((rest) => [`GET ${STATUS_PATHS.operators}${rest}`, 'AWS_IAM']),
  ...['', '/{integration}'].map((rest) => [`GET ${OPERATIONS_PATHS.health}${rest}`, 'AWS_IAM']),
  // The gateway allows everyone to request metrics; the function checks a token.
  [`GET ${OPERATIONS_PATHS.metrics}`, 'NONE'],
];

test('a stage without an issuer has the operators’ routes only', () => {
  expect(routesOf(closed).toSorted()).toEqual(OPERATORS.toSorted());
  expect(propertiesOf(closed, 'AWS::ApiGatewayV2::Authorizer')).toEqual([]);
  expect([corsOf(closed), claimOf(closed)]).toEqual([undefined, '']);
});

test('a stage with an issuer has the browsers’ routes too, for its tokens and origins', () => {
  const browsers = ['', '/{feature}'].map((rest) => [
    `GET ${STATUS_PATHS.browsers}${rest}`,
    'JWT',
    '<StatusApiBrowsers>',
  ]);
  expect(routesOf(open).toSorted()).toEqual([...OPERATORS, ...browsers].toSorted());
  expect(onlyResource(open, 'AWS::ApiGatewayV2::Authorizer').Properties).toMatchObject({
    AuthorizerType: 'JWT',
    IdentitySource: ['$request.header.Authorization'],
    JwtConfiguration: { Issuer: 'https://identity.example/realms/lms', Audience: ['lms', 'partner-portal'] },
  });
  // With a token, without cookies.
  expect(corsOf(open)).toEqual({
    AllowOrigins: ['https://lms.example', 'https://portal.example:8443'],
    AllowMethods: ['GET'],
    AllowHeaders: ['authorization'],
    MaxAge: 3600,
  });
  expect(claimOf(open)).toBe('enterprise_customer_uuid');
});

test('the gateway invokes the functions with payload format 2.0', () => {
  const integrations = propertiesOf(open, 'AWS::ApiGatewayV2::Integration').map((integration) => [
    flatten(integration.IntegrationUri),
    integration.IntegrationType,
    integration.PayloadFormatVersion,
  ]);
  expect(integrations.toSorted()).toEqual([
    ['<StatusApiFeatureStatusFunction.Arn>', 'AWS_PROXY', '2.0'],
    ['<WebhookHealthFunction.Arn>', 'AWS_PROXY', '2.0'],
  ]);
});

test('the gateway limits requests, and logs each without caller and learner', () => {
  const { Properties } = onlyResource(open, 'AWS::ApiGatewayV2::Stage');
  expect(Properties).toMatchObject({
    StageName: '$default',
    DefaultRouteSettings: { ThrottlingRateLimit: 20, ThrottlingBurstLimit: 40 },
  });
  expect(flatten(Properties.AccessLogSettings.DestinationArn)).toBe('<StatusApiAccessLogs.Arn>');
  const logged = Object.values<string>(JSON.parse(Properties.AccessLogSettings.Format));
  expect(logged.sort()).toEqual([
    '$context.authorizer.error',
    '$context.error.message',
    '$context.integrationErrorMessage',
    '$context.requestId',
    '$context.requestTime',
    '$context.responseLatency',
    '$context.routeKey',
    '$context.status',
  ]);
});

test('the metrics token is generated once: a change of these settings would generate another one', () => {
  const secrets = propertiesOf(closed, 'AWS::SecretsManager::Secret');
  expect(secrets.find(({ Name }) => Name === '/prod/metrics-token')).toEqual({
    Name: '/prod/metrics-token',
    Description: expect.any(String),
    GenerateSecretString: {
      SecretStringTemplate: '{}',
      GenerateStringKey: 'token',
      PasswordLength: 48,
      ExcludePunctuation: true,
    },
  });
  // Valid for the function, and in a header.
  expect(metricsTokenSchema.safeParse({ token: 'aB3'.repeat(16) }).success).toBe(true);
});
