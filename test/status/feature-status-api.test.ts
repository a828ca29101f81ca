import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { evaluateFlag } from '../../lambdas/flag/evaluate-flag.ts';
import type { Flag, VersionedFlag } from '../../lambdas/flag/flag-document.ts';
import { FEATURE_NAME, METRICS } from '../../lambdas/shared/metric-definitions.ts';
import { handleStatusRequest, type StatusRequest } from '../../lambdas/status/feature-status-api.ts';
import { allStatusesSchema, featureStatusSchema, STATUS_PATHS } from '../../lambdas/status/feature-status-document.ts';
import { ENTERPRISE, fakeCounter, fakeLog, flag, OTHER_ENTERPRISE } from '../support/factories.ts';

interface World {
  readonly current?: VersionedFlag | undefined;
  readonly enterpriseClaim?: string;
}

/** Sends a request like the gateway, and parses the response's body. */
async function ask(request: Partial<StatusRequest>, world: World = {}) {
  const log = fakeLog();
  const current = 'current' in world ? world.current : flag();
  const counter = fakeCounter();
  const services = { flag: { read: async () => current }, enterpriseClaim: world.enterpriseClaim, log, counter };
  const { body, ...response } = await handleStatusRequest(
    { routeKey: `GET ${STATUS_PATHS.browsers}`, rawQueryString: '', requestContext: {}, ...request },
    services,
  );
  return { ...response, body: JSON.parse(body), log, counter };
}

const askAll = (rawQueryString: string, world?: World) => ask({ rawQueryString }, world);

function askOne(rawQueryString: string, world?: World, feature: string = FEATURE_NAME) {
  const routeKey = `GET ${STATUS_PATHS.browsers}/{feature}`;
  return ask({ routeKey, pathParameters: { feature }, rawQueryString }, world);
}

const OFF = flag({ enabled: false, rollout_percentage: 0 });

describe('a response', () => {
  test('is counted by the flag’s reason, and never by caller', async () => {
    const evaluated = (result: string) => [METRICS.featureEvaluated, { feature: FEATURE_NAME, result }];
    expect((await askAll('')).counter.counted).toEqual([evaluated('within_percentage')]);
    const { counter } = await askOne(`enterprise_customer_uuid=${ENTERPRISE}`, { current: OFF });
    expect(counter.counted).toEqual([evaluated('off')]);
    expect((await askOne('', {}, 'no_feature')).counter.counted).toEqual([]);
    expect((await askAll('', { current: undefined })).counter.counted).toEqual([]);
  });

  test('of all features, as requirement S1 specifies', async () => {
    const { statusCode, headers, body } = await askAll('user_id=user-123');
    expect({ statusCode, headers, body }).toEqual({
      statusCode: 200,
      headers: {
        'content-type': 'application/json',
        'cache-control': 'private, max-age=15',
        vary: 'authorization',
      },
      body: {
        features: {
          webhook_learning_time_enrichment: {
            enabled: true,
            user_specific: false,
            rollout_percentage: 100,
            description: 'Learning time in completion webhooks',
            reason: 'within_percentage',
          },
        },
        user_id: 'user-123',
        enterprise_customer_uuid: null,
      },
    });
  });

  test('of one feature, as requirement S1 specifies', async () => {
    const { statusCode, body } = await askOne(`enterprise_customer_uuid=${ENTERPRISE}`, { current: OFF });
    expect({ statusCode, body }).toEqual({
      statusCode: 200,
      body: {
        feature: 'webhook_learning_time_enrichment',
        enabled: false,
        user_specific: true,
        rollout_percentage: null,
        description: 'Learning time in completion webhooks',
        reason: 'off',
        user_id: null,
        enterprise_customer_uuid: ENTERPRISE,
      },
    });
  });

  test('is the same for operators, on their own paths', async () => {
    const operators = STATUS_PATHS.operators;
    const one = { routeKey: `GET ${operators}/{feature}`, pathParameters: { feature: FEATURE_NAME } };
    expect((await ask({ routeKey: `GET ${operators}` })).body).toEqual((await askAll('')).body);
    expect((await ask(one)).body).toEqual((await askOne('')).body);
  });
});

describe('the general state', () => {
  test.each<[string, Partial<Flag>, object]>([
    ['off', { enabled: false }, { enabled: false, rollout_percentage: null, reason: 'off' }],
    ['on by percentage', { rollout_percentage: 1 }, { enabled: true, reason: 'within_percentage' }],
    ['on for pilots', { rollout_percentage: 0, pilot_enterprises: ['a'] }, { enabled: true, reason: 'pilot' }],
    ['on for none', { rollout_percentage: 0 }, { enabled: false, reason: 'beyond_percentage' }],
  ])('%s', async (_, overrides, expected) => {
    const { body } = await askOne('user_id=user-123', { current: flag(overrides) });
    expect(body).toMatchObject({ user_specific: false, user_id: 'user-123', ...expected });
  });
});

test('for any flag and query, both responses have the state that applies to the events of the enterprise', async () => {
  const id = fc.stringMatching(/^[a-z0-9_-]{1,64}$/);
  const flags = fc.record({
    enabled: fc.boolean(),
    rollout_percentage: fc.integer({ min: 0, max: 100 }),
    pilot_enterprises: fc.array(id, { maxLength: 3 }),
  });
  const queries = fc.record({ user_id: id, enterprise_customer_uuid: id }, { requiredKeys: [] });
  await fc.assert(
    fc.asyncProperty(flags, queries, async (overrides, query) => {
      const current = flag(overrides);
      const text = new URLSearchParams(query).toString();
      const [one, all] = [await askOne(text, { current }), await askAll(text, { current })];
      const { features, ...asked } = allStatusesSchema.parse(all.body);
      const status = { feature: FEATURE_NAME, ...features[FEATURE_NAME], ...asked };
      expect(featureStatusSchema.parse(one.body)).toEqual(status);
      expect(asked).toEqual({ user_id: null, enterprise_customer_uuid: null, ...query });
      const enterprise = query.enterprise_customer_uuid;
      if (enterprise === undefined) return;
      const { isOn, reason } = evaluateFlag(current, enterprise);
      expect(status).toMatchObject({ enabled: isOn, reason, user_specific: true });
    }),
  );
});

test('a query with require=enabled is refused as requirement S1 specifies, unless the feature is on', async () => {
  for (const [query, whose] of [
    [`require=enabled&enterprise_customer_uuid=${ENTERPRISE}`, 'this'],
    ['require=enabled', 'any'],
  ] as const) {
    const { statusCode, body } = await askOne(query, { current: OFF });
    const error = `Learning time in webhooks is not enabled for ${whose} enterprise`;
    expect([statusCode, body]).toEqual([403, { detail: { error } }]);
  }
  expect(await askOne('require=enabled')).toMatchObject({ statusCode: 200, body: { enabled: true } });
});

describe('refused with 400', () => {
  const LENGTH = 'must be 1-64 of A-Z a-z 0-9 _ -';
  test.each([
    ['an empty id', 'user_id=', `user_id: ${LENGTH}`],
    ['no value at all', 'enterprise_customer_uuid', `enterprise_customer_uuid: ${LENGTH}`],
    ['one too long', `user_id=${'a'.repeat(65)}`, `user_id: ${LENGTH}`],
    ['an e-mail address', 'user_id=learner%40example.com', `user_id: ${LENGTH}`],
    ['no UTF-8', 'user_id=%E0%A4%A', `user_id: ${LENGTH}`],
    ['two faults', 'user_id=&enterprise_customer_uuid=', `user_id: ${LENGTH}; enterprise_customer_uuid: ${LENGTH}`],
    ['the same twice', 'user_id=a&user_id=a', 'Give each parameter once at most'],
    ['a misspelt name', 'enterprise_uuid=a', 'There is a parameter that is not known here'],
    ['another object’s name', '__proto__=a', 'There is a parameter that is not known here'],
    ['require, for all features', 'require=enabled', 'There is a parameter that is not known here'],
  ])('%s', async (_, query, error) => {
    const { statusCode, headers, body } = await askAll(query);
    expect([statusCode, headers['cache-control'], body]).toEqual([400, 'no-store', { detail: { error } }]);
  });

  test('another value of require', async () => {
    const { statusCode, body } = await askOne('require=disabled');
    expect([statusCode, body.detail.error]).toEqual([400, 'require: must be enabled']);
  });
});

describe('refused with 404', () => {
  test.each(['schedule_optimization', '', 'WEBHOOK_LEARNING_TIME_ENRICHMENT', '__proto__'])(
    'the feature %j, for any query',
    async (feature) => {
      const { statusCode, body } = await askOne('user_id=', {}, feature);
      expect([statusCode, body]).toEqual([404, { detail: { error: 'There is no feature of this name' } }]);
    },
  );

  test.each(['$default', 'POST /api/v1/features/status', 'GET /api/v1/features'])('the route %s', async (routeKey) => {
    const { statusCode, body } = await ask({ routeKey });
    expect([statusCode, body]).toEqual([404, { detail: { error: 'There is no such path' } }]);
  });
});

describe('a stage that configures the claim of the enterprise', () => {
  const world = { enterpriseClaim: 'enterprise_customer_uuid' };
  const withClaims = (claims: Readonly<Record<string, unknown>>, path: string = STATUS_PATHS.browsers) => ({
    routeKey: `GET ${path}`,
    rawQueryString: `enterprise_customer_uuid=${ENTERPRISE}`,
    requestContext: { authorizer: { jwt: { claims } } },
  });

  test('responds to a browser about the enterprise of its token, in either case', async () => {
    const claims = { enterprise_customer_uuid: ENTERPRISE.toUpperCase() };
    expect(await ask(withClaims(claims), world)).toMatchObject({ statusCode: 200 });
  });

  test.each([
    ['another’s', { enterprise_customer_uuid: OTHER_ENTERPRISE }],
    ['without a claim', {}],
    ['several', { enterprise_customer_uuid: [ENTERPRISE] }],
  ])('refuses a token of %s', async (_, claims) => {
    const { statusCode, body } = await ask(withClaims(claims), world);
    expect([statusCode, body]).toEqual([403, { detail: { error: 'Your token is not of this enterprise' } }]);
  });

  test('refuses neither the general state nor operators, and other stages refuse no enterprise', async () => {
    const general = { ...withClaims({}), rawQueryString: 'user_id=7' };
    expect(await ask(general, world)).toMatchObject({ statusCode: 200 });
    expect(await ask(withClaims({}, STATUS_PATHS.operators), world)).toMatchObject({ statusCode: 200 });
    expect(await ask(withClaims({}))).toMatchObject({ statusCode: 200 });
  });
});

test('a flag that was never read: 503 with `retry-after`', async () => {
  const { statusCode, headers, body } = await askOne('', { current: undefined });
  expect({ statusCode, headers, body }).toEqual({
    statusCode: 503,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', 'retry-after': '15' },
    body: { detail: { error: 'The state cannot be read just now' } },
  });
});

describe('the log', () => {
  test('has a line for each response', async () => {
    expect((await askOne('')).log.only('feature_status.responded')).toEqual({
      route: 'GET /api/v1/features/status/{feature}',
      status: 200,
    });
  });

  test('contains no id, and nothing of the request', async () => {
    const query = `user_id=user-123&enterprise_customer_uuid=${ENTERPRISE}`;
    for (const { log } of [await askAll(query), await askAll(`${query}&x`), await askOne(query, {}, 'user-123')]) {
      expect(log.text()).not.toMatch(new RegExp(`user-123|${ENTERPRISE}|user_id`));
    }
  });
});
