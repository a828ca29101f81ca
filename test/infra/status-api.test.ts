import { describe, expect, test } from '@jest/globals';
import { STATUS_PATHS } from '../../lambdas/status/feature-status-document.ts';
import { metricsTokenSchema, OPERATIONS_PATHS } from '../../lambdas/status/health-document.ts';
import { findStage, STAGE_NAMES } from '../../lib/stage.ts';
import { checkStage, type Stage } from '../../lib/stage-schema.ts';
import { flatten, onlyResource, resourcesOf, synthesize, synthesizeStage } from '../support/synthesized-stack.ts';

const prod = findStage('prod');
const BROWSERS = {
  issuer: 'https://identity.example/realms/lms',
  audiences: ['lms', 'partner-portal'],
  origins: ['https://lms.example', 'https://portal.example:8443'],
  enterpriseClaim: 'enterprise_customer_uuid',
};

function withBrowsers(change: object = {}, stage: Stage = prod): Stage {
  return { ...stage, statusApi: { ...stage.statusApi, browsers: { ...BROWSERS, ...change } } };
}

const closed = synthesize('prod');
const open = synthesizeStage(checkStage(withBrowsers()));

/** Each route's key, its kind of authorization and its authorizer. */
function routesOf(template: typeof open) {
  return resourcesOf(template, 'AWS::ApiGatewayV2::Route').map(([, { Properties }]) => [
    Properties.RouteKey,
    Properties.AuthorizationType,
    ...(Properties.AuthorizerId === undefined ? [] : [flatten(Properties.AuthorizerId)]),
  ]);
}

const OPERATORS = [
  ...['', '/{feature}'].map((rest) => [`GET ${STATUS_PATHS.operators}${rest}`, 'AWS_IAM']),
  ...['', '/{integration}'].map((rest) => [`GET ${OPERATIONS_PATHS.health}${rest}`, 'AWS_IAM']),
  // The gateway allows everyone to request metrics; the function checks a token.
  [`GET ${OPERATIONS_PATHS.metrics}`, 'NONE'],
];

describe('a stage without an issuer', () => {
  test('has the operators’ routes only, on one API, for callers with IAM permissions', () => {
    expect(routesOf(closed).toSorted()).toEqual(OPERATORS.toSorted());
    const apis = resourcesOf(closed, 'AWS::ApiGatewayV2::Route').map(([, { Properties }]) => flatten(Properties.ApiId));
    expect(new Set(apis)).toEqual(new Set(['<StatusApi>']));
    expect(resourcesOf(closed, 'AWS::ApiGatewayV2::Authorizer')).toEqual([]);
  });

  test('has no CORS configuration', () => {
    expect(onlyResource(closed, 'AWS::ApiGatewayV2::Api').Properties).not.toHaveProperty('CorsConfiguration');
  });

  test.each(STAGE_NAMES.filter((name) => name !== 'local'))('is %s by default', (name) => {
    expect(findStage(name).statusApi).not.toHaveProperty('browsers');
  });
});

describe('a stage with an issuer', () => {
  test('has the browsers’ routes too, each behind the authorizer', () => {
    const browsers = ['', '/{feature}'].map((rest) => [
      `GET ${STATUS_PATHS.browsers}${rest}`,
      'JWT',
      '<StatusApiBrowsers>',
    ]);
    expect(routesOf(open).toSorted()).toEqual([...OPERATORS, ...browsers].toSorted());
  });

  test('accepts tokens of that issuer, for those audiences, from the Authorization header', () => {
    expect(onlyResource(open, 'AWS::ApiGatewayV2::Authorizer').Properties).toMatchObject({
      AuthorizerType: 'JWT',
      IdentitySource: ['$request.header.Authorization'],
      JwtConfiguration: { Issuer: BROWSERS.issuer, Audience: BROWSERS.audiences },
    });
  });

  test('allows its origins to read, with a token and without cookies', () => {
    expect(onlyResource(open, 'AWS::ApiGatewayV2::Api').Properties.CorsConfiguration).toEqual({
      AllowOrigins: BROWSERS.origins,
      AllowMethods: ['GET'],
      AllowHeaders: ['authorization'],
      MaxAge: 3600,
    });
  });

  test('passes the name of the enterprise claim to the function', () => {
    const claimIn = (template: typeof open) =>
      resourcesOf(template, 'AWS::Lambda::Function').find(
        ([, { Properties }]) => Properties.Handler === 'feature-status.handler',
      )?.[1].Properties.Environment.Variables.ENTERPRISE_CLAIM;
    expect([claimIn(open), claimIn(closed)]).toEqual(['enterprise_customer_uuid', '']);
  });
});

describe('the API', () => {
  test('invokes the function with payload format 2.0', () => {
    const integrations = resourcesOf(open, 'AWS::ApiGatewayV2::Integration').map(([, { Properties }]) => Properties);
    const ours = integrations.filter(
      ({ IntegrationUri }) => flatten(IntegrationUri) === '<StatusApiFeatureStatusFunction.Arn>',
    );
    expect(ours).toMatchObject([{ IntegrationType: 'AWS_PROXY', PayloadFormatVersion: '2.0' }]);
  });

  test('limits requests, and logs each without caller and learner', () => {
    const { Properties } = onlyResource(open, 'AWS::ApiGatewayV2::Stage');
    expect(Properties).toMatchObject({
      StageName: '$default',
      AutoDeploy: true,
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
});

describe('the metrics token', () => {
  test('is generated once: a change of these settings would generate another one and lock Prometheus out', () => {
    const secret = resourcesOf(closed, 'AWS::SecretsManager::Secret').find(
      ([, { Properties }]) => Properties.Name === '/prod/metrics-token',
    )?.[1].Properties;
    expect(secret.GenerateSecretString).toEqual({
      SecretStringTemplate: '{}',
      GenerateStringKey: 'token',
      PasswordLength: 48,
      ExcludePunctuation: true,
    });
    expect(secret).not.toHaveProperty('SecretString');
  });

  test('matches the function’s schema and is valid in a header', () => {
    const generated = { token: 'aB3'.repeat(16) };
    expect(metricsTokenSchema.parse(generated)).toEqual(generated);
    expect(() => metricsTokenSchema.parse({ token: 'too-short' })).toThrow();
  });
});

describe('settings', () => {
  const settings = (change: object) => ({ ...prod, statusApi: { ...prod.statusApi, ...change } }) as Stage;
  const local = findStage('local');

  test.each<[string, Stage]>([
    ['statusApi.browsers.issuer', withBrowsers({ issuer: 'http://identity.example' })],
    ['statusApi.browsers.issuer', withBrowsers({ issuer: 'identity.example' })],
    ['statusApi.browsers.issuer', withBrowsers({ issuer: 'https://identity.example?realm=lms' })],
    ['statusApi.browsers.issuer', withBrowsers({ issuer: 'https://identity.example#lms' })],
    ['statusApi.browsers.audiences', withBrowsers({ audiences: [] })],
    ['statusApi.browsers.audiences.0', withBrowsers({ audiences: [''] })],
    ['statusApi.browsers.origins.0', withBrowsers({ origins: ['*'] })],
    ['statusApi.browsers.origins.0', withBrowsers({ origins: ['https://lms.example/'] })],
    ['statusApi.browsers.origins.1', withBrowsers({ origins: ['https://a.example', 'http://lms.example'] })],
    ['statusApi.browsers.enterpriseClaim', withBrowsers({ enterpriseClaim: '' })],
    ['statusApi.browsers', withBrowsers({ issuer: 'http://127.0.0.1:8080' })],
    ['statusApi.browsers', withBrowsers({ origins: ['http://127.0.0.1:3000'] })],
    ['statusApi.requestsPerSecond', settings({ requestsPerSecond: 0 })],
    ['statusApi.burst', settings({ burst: 1001 })],
  ])('a wrong %s is rejected with one line', (path, stage) => {
    expect(() => checkStage(stage)).toThrow(new RegExp(`^stage prod: ${path.replaceAll('.', '\\.')}: [^\\n;]+$`));
  });

  test('loopback issuers and origins are allowed in local only', () => {
    const onThisMachine = { issuer: 'http://127.0.0.1:8080', origins: ['http://127.0.0.1:3000'] };
    expect(() => checkStage(withBrowsers(onThisMachine, local))).not.toThrow();
  });

  test('origins and claim are optional', () => {
    expect(() => checkStage(withBrowsers({ origins: [], enterpriseClaim: undefined }))).not.toThrow();
  });
});
