import { describe, expect, test } from '@jest/globals';
import { metricsNamespace } from '../../lambdas/contract/metrics.ts';
import { metricsTokenSchema, OPERATIONS_PATHS } from '../../lambdas/contract/webhook-health.ts';
import { flatten, resourcesOf, synthesize } from '../support/synthesized-stack.ts';

const prod = synthesize('prod');
const { health, metrics } = OPERATIONS_PATHS;

function routesOf(template: typeof prod) {
  const routes = resourcesOf(template, 'AWS::ApiGatewayV2::Route').map(([, { Properties }]) => [
    Properties.RouteKey,
    Properties.AuthorizationType,
  ]);
  return routes.filter(([key]) => key.includes(health) || key.includes(metrics));
}

function functionVariables(template: typeof prod) {
  const found = resourcesOf(template, 'AWS::Lambda::Function').find(
    ([, { Properties }]) => Properties.Handler === 'webhook-health.handler',
  );
  const variables = Object.entries(found?.[1].Properties.Environment.Variables ?? {});
  return Object.fromEntries(variables.map(([name, value]) => [name, flatten(value)]));
}

describe('the routes', () => {
  test('of health are for callers with IAM permissions; the gateway lets anybody ask for metrics, and the function not', () => {
    expect(routesOf(prod)).toEqual([
      [`GET ${health}`, 'AWS_IAM'],
      [`GET ${health}/{integration}`, 'AWS_IAM'],
      [`GET ${metrics}`, 'NONE'],
    ]);
  });

  test('are of the status API, under its limits', () => {
    const apis = resourcesOf(prod, 'AWS::ApiGatewayV2::Route').map(([, { Properties }]) => flatten(Properties.ApiId));
    expect(new Set(apis)).toEqual(new Set(['<StatusApi>']));
  });
});

describe('the function', () => {
  test('reads the metrics of its stage, and the queues by the names that CloudWatch knows', () => {
    expect(functionVariables(prod)).toMatchObject({
      POWERTOOLS_METRICS_NAMESPACE: metricsNamespace('prod'),
      IO_DEADLINE_FACTOR: '1',
      EVENTS_QUEUE_URL: '<QueuesEvents>',
      EVENTS_DEAD_LETTER_QUEUE_URL: '<QueuesEventsDeadLetters>',
      DELIVERIES_QUEUE_URL: '<QueuesDeliveries>',
      DELIVERIES_DEAD_LETTER_QUEUE_URL: '<QueuesDeliveriesDeadLetters>',
      METRICS_TOKEN_SECRET_ID: '/prod/metrics-token',
    });
  });
});

describe('the token', () => {
  test('is generated once: a change of these settings would make another one, and shut Prometheus out', () => {
    const secret = resourcesOf(prod, 'AWS::SecretsManager::Secret').find(
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

  test('is what the function takes, and a header may hold', () => {
    const generated = { token: 'aB3'.repeat(16) };
    expect(metricsTokenSchema.parse(generated)).toEqual(generated);
    expect(() => metricsTokenSchema.parse({ token: 'too-short' })).toThrow();
  });
});
