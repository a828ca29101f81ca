import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type * as z from 'zod';
import type { Flag } from '../../lambdas/flag/flag-document.ts';
import { FEATURE_NAME } from '../../lambdas/shared/metric-definitions.ts';
import { handleStatusRequest } from '../../lambdas/status/feature-status-api.ts';
import { featureQuerySchema, STATUS_PATHS, statusQuerySchema } from '../../lambdas/status/feature-status-document.ts';
import type { HttpResponse } from '../../lambdas/status/http-api.ts';
import { ENTERPRISE, fakeCounter, fakeLog, flag, OTHER_ENTERPRISE } from '../support/factories.ts';
import { resourcesOf, synthesize } from '../support/synthesized-stack.ts';
import { codeOf } from './guide-steps.ts';
import { ajv, document, examplesOf, expectDocumented, resolved, schemaOf } from './openapi.ts';

const guide = readFileSync(join(import.meta.dirname, '../../docs/status-api.md'), 'utf8');

/** Everything in the document that is an object, with where it is. */
function* objectsIn(value: unknown, at = '#'): Generator<[string, Record<string, unknown>]> {
  if (typeof value !== 'object' || value === null) return;
  yield [at, value as Record<string, unknown>];
  for (const [key, item] of Object.entries(value)) yield* objectsIn(item, `${at}/${key}`);
}

interface Operation {
  readonly path: string;
  readonly caller: keyof typeof STATUS_PATHS;
  readonly isOfOne: boolean;
  // biome-ignore lint/suspicious/noExplicitAny: OpenAPI's shape, read by tests that fail where it differs.
  readonly said: any;
}

/** Health and metrics, which share the document, have tests of their own: `operations-api.test.ts`. */
const isOfFeatures = (path: string) => Object.values(STATUS_PATHS).some((start) => path.startsWith(start));

const operations = Object.entries<{ get: Operation['said'] }>(document.paths)
  .filter(([path]) => isOfFeatures(path))
  .map<Operation>(([path, { get: said }]) => ({
    path,
    caller: path.startsWith(STATUS_PATHS.browsers) ? 'browsers' : 'operators',
    isOfOne: path.endsWith('/{feature}'),
    said,
  }));

/** Statuses whose body may be ours: those with any other are the gateway's own. */
function ownStatuses({ path, said }: Operation): string[] {
  const ours = { detail: { error: 'x' } };
  return Object.keys(said.responses).filter((status) => status === '200' || schemaOf(path, status)(ours));
}

interface AskedRequest {
  readonly current: Partial<Flag> | undefined;
  readonly query: Readonly<Record<string, string>>;
  readonly feature: string;
  readonly enterpriseClaim: string | undefined;
}

const FLAGS = [
  undefined,
  { enabled: false },
  { rollout_percentage: 0 },
  { rollout_percentage: 0, pilot_enterprises: [ENTERPRISE] },
  {},
];
/** Each parameter's values: absent, taken, refused. */
const VALUES = {
  user_id: [undefined, 'user-123', '', 'learner@example.com'],
  enterprise_customer_uuid: [undefined, ENTERPRISE, OTHER_ENTERPRISE, ' '],
  require: [undefined, 'enabled', 'on'],
  other: [undefined, 'x'],
};

/** Every query of those values. */
function queries(): Record<string, string>[] {
  return Object.entries(VALUES).reduce<Record<string, string>[]>(
    (all, [name, values]) =>
      all.flatMap((query) => values.map((value) => (value === undefined ? query : { ...query, [name]: value }))),
    [{}],
  );
}

const requests: readonly AskedRequest[] = FLAGS.flatMap((current) =>
  queries().flatMap((query) =>
    [FEATURE_NAME, 'schedule_optimization'].flatMap((feature) =>
      [undefined, 'enterprise'].map((enterpriseClaim) => ({ current, query, feature, enterpriseClaim })),
    ),
  ),
);

function ask({ path }: Operation, { current, query, feature, enterpriseClaim }: AskedRequest): Promise<HttpResponse> {
  const services = {
    flag: { read: async () => (current === undefined ? undefined : flag(current)) },
    enterpriseClaim,
    log: fakeLog(),
    counter: fakeCounter(),
  };
  const request = {
    routeKey: `GET ${path}`,
    rawQueryString: new URLSearchParams(query).toString(),
    pathParameters: { feature },
    requestContext: { authorizer: { jwt: { claims: { enterprise: ENTERPRISE } } } },
  };
  return handleStatusRequest(request, services);
}

describe('the OpenAPI document', () => {
  test('refers to nothing that it does not hold, and holds nothing that it does not refer to', () => {
    const references = [...objectsIn(document)].flatMap(([, { $ref }]) => (typeof $ref === 'string' ? [$ref] : []));
    for (const $ref of references) expect(resolved({ $ref })).toBeDefined();
    const { securitySchemes: _, ...components } = document.components;
    const held = Object.entries<object>(components).flatMap(([kind, all]) =>
      Object.keys(all).map((name) => `#/components/${kind}/${name}`),
    );
    expect([...new Set(references)].sort()).toEqual(held.sort());
  });

  test('has the routes of a stage with an issuer, each with its authorization', () => {
    const template = synthesize('prod with all options');
    const security: Readonly<Record<string, string>> = { JWT: 'token', AWS_IAM: 'iam', NONE: 'metricsToken' };
    const routes = resourcesOf(template, 'AWS::ApiGatewayV2::Route').map(([, { Properties }]) => [
      Properties.RouteKey,
      security[Properties.AuthorizationType],
    ]);
    const documented = Object.entries<{ get: Operation['said'] }>(document.paths).map(([path, { get: said }]) => [
      `GET ${path}`,
      Object.keys(said.security[0])[0],
    ]);
    expect(documented.sort()).toEqual(routes.sort());
    expect(new Set(Object.values<object>(document.paths).flatMap(Object.keys))).toEqual(new Set(['get']));
  });

  test.each(operations)(
    '$path has the parameters that are taken there, and takes of them what it says',
    (operation) => {
      const parameters = operation.said.parameters.map(resolved);
      const inQuery = parameters.filter((parameter: { in: string }) => parameter.in === 'query');
      const schema: z.ZodObject = operation.isOfOne ? featureQuerySchema : statusQuerySchema;
      expect(inQuery.map(({ name }: { name: string }) => name)).toEqual(Object.keys(schema.shape));
      expect(parameters.length - inQuery.length).toBe(operation.isOfOne ? 1 : 0);
      for (const { name, schema: documented } of inQuery) {
        const texts = fc.oneof(
          fc.string({ maxLength: 70 }),
          fc.stringMatching(/^[\w@-]{0,66}$/),
          fc.constant('enabled'),
        );
        const validate = ajv.compile(documented);
        fc.assert(
          fc.property(texts, (text) => {
            expect(validate(text)).toBe(schema.safeParse({ [name]: text }).success);
          }),
          { examples: [[''], ['a'.repeat(64)], ['a'.repeat(65)]] },
        );
      }
    },
  );

  test('leaves no room for anything else in its objects', () => {
    const { FeatureState, FeatureStatus, AllStatuses, Error: own } = document.components.schemas;
    for (const { additionalProperties } of [FeatureState, FeatureStatus, own, own.properties.detail]) {
      expect(additionalProperties).toBe(false);
    }
    expect(AllStatuses.additionalProperties).toBe(false);
    for (const { required, properties } of [FeatureState, FeatureStatus, AllStatuses]) {
      expect(required).toEqual(Object.keys(properties));
    }
  });

  test('has examples that fit', () => {
    const examples = operations.map(({ path }) => examplesOf(path));
    expect(examples.reduce((sum, { count }) => sum + count, 0)).toBeGreaterThan(20);
    expect(examples.flatMap(({ unfit }) => unfit)).toEqual([]);
  });
});

describe.each(operations)('what $path answers', (operation) => {
  const seen = new Set<string>();

  beforeAll(async () => {
    for (const request of requests) {
      const answer = await ask(operation, request);
      seen.add(String(answer.statusCode));
      expectDocumented(operation.path, answer);
    }
  });

  test('is what the document says, and every status that it says is ours is answered', () => {
    expect([...seen].sort()).toEqual(ownStatuses(operation).sort());
  });
});

describe('the guide', () => {
  const blocks = codeOf(guide, 'json').map((text) => JSON.parse(text));

  test('shows responses as they are given', async () => {
    const answer = async (path: string, current: Partial<Flag>, query: Record<string, string>) => {
      const operation = operations.find((candidate) => candidate.path === path) as Operation;
      const { body } = await ask(operation, { current, query, feature: FEATURE_NAME, enterpriseClaim: undefined });
      return JSON.parse(body);
    };
    const enterprise = { enterprise_customer_uuid: 'a1b2c3d4-e5f6-7890-abcd-ef1234567890' };
    const piloting = { rollout_percentage: 10, pilot_enterprises: Object.values(enterprise) };
    const one = `${STATUS_PATHS.browsers}/{feature}`;
    expect(blocks).toEqual([
      await answer(STATUS_PATHS.browsers, piloting, { user_id: 'user-123' }),
      await answer(one, piloting, enterprise),
      await answer(one, { enabled: false }, { ...enterprise, require: 'enabled' }),
    ]);
  });
});
