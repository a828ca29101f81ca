import { describe, expect, test } from '@jest/globals';
import { KINDS } from '../../lambdas/events/event-types/event-types.ts';
import { SecretUnavailable } from '../../lambdas/shared/errors.ts';
import { allHealthSchema, integrationHealthSchema, OPERATIONS_PATHS } from '../../lambdas/status/health-document.ts';
import { GAUGES } from '../../lambdas/status/prometheus.ts';
import { brokenEntry, integration, registry } from '../support/factories.ts';
import { parsePrometheus } from '../support/parse-prometheus.ts';
import { failed, type OperationsWorldOptions, operationsWorld, TOKEN } from './operations-world.ts';

type World = ReturnType<typeof operationsWorld>;

const { health, metrics } = OPERATIONS_PATHS;

async function askAll(world: World, rawQueryString = '') {
  const { body, ...response } = await world.ask({ routeKey: `GET ${health}`, rawQueryString });
  return { ...response, body: JSON.parse(body) };
}

async function askOne(world: World, name: string) {
  const request = { routeKey: `GET ${health}/{integration}`, pathParameters: { integration: name } };
  const { body, ...response } = await world.ask(request);
  return { ...response, body: JSON.parse(body) };
}

function scrape(world: World, authorization: string | undefined = `Bearer ${TOKEN}`) {
  return world.ask({ routeKey: `GET ${metrics}`, headers: { authorization } });
}

const AT_TEN = '2026-01-15T10:00:00.000Z';
const AT_ELEVEN = '2026-01-15T11:00:00.000Z';
const HEADERS = { 'content-type': 'application/json', 'cache-control': 'no-store' };

describe('the health of all', () => {
  test('is the sum, the latest error, and each integration’s own', async () => {
    const failures = { acme: [failed('HTTP 503', AT_TEN)], initech: [failed('no response: TIMEOUT', AT_ELEVEN)] };
    const world = operationsWorld({ attempts: { acme: [145, 5], globex: [10, 0], initech: [0, 90] }, failures });
    const { statusCode, headers, body } = await askAll(world);
    expect({ statusCode, headers }).toEqual({ statusCode: 200, headers: HEADERS });
    expect(allHealthSchema.parse(body)).toEqual({
      total_requests: 250,
      success_count: 155,
      error_count: 95,
      success_rate: 0.62,
      last_error_time: AT_ELEVEN,
      last_error_message: 'no response: TIMEOUT',
      status: 'degraded',
      window_hours: 24,
      read_at: '2026-01-15T12:00:00.000Z',
      integrations: {
        acme: expect.objectContaining({ total_requests: 150, last_error_time: AT_TEN, status: 'healthy' }),
        globex: expect.objectContaining({ total_requests: 10, last_error_time: null, status: 'healthy' }),
        initech: expect.objectContaining({ success_rate: 0, last_error_time: AT_ELEVEN, status: 'degraded' }),
      },
      kinds: Object.fromEntries(
        KINDS.map((kind) => [kind, expect.objectContaining({ total_requests: 0, status: 'healthy' })]),
      ),
    });
  });

  test('is reported by kind of event too, without a last error', async () => {
    const failures = { acme: [failed('HTTP 400', AT_TEN)] };
    const world = operationsWorld({ kinds: { course_completion: [145, 2], 'lead.hot': [1, 3] }, failures });
    const { body } = await askAll(world);
    const unknown = { last_error_time: null, last_error_message: null };
    expect(body.kinds).toMatchObject({
      course_completion: { total_requests: 147, success_count: 145, status: 'healthy', ...unknown },
      'lead.hot': { total_requests: 4, error_count: 3, success_rate: 0.25, status: 'degraded', ...unknown },
      'lead.cold': { total_requests: 0, success_rate: null, status: 'healthy', ...unknown },
    });
  });

  test('includes broken entries', async () => {
    const world = operationsWorld({ registry: { ...registry(integration()), broken: brokenEntry('globex') } });
    expect(Object.keys((await askAll(world)).body.integrations)).toEqual(['acme', 'globex']);
  });

  test('reads the last errors of at most ten, those with the most failures', async () => {
    const many = Array.from({ length: 15 }, (_, index) => [`partner-${index}`, [100, index]] as const);
    const world = operationsWorld({ attempts: Object.fromEntries(many) });
    await askAll(world);
    expect(world.asked.failures).toEqual(Array.from({ length: 10 }, (_, index) => `partner-${14 - index}`));
  });

  test('without an integration is healthy, and has no rate', async () => {
    const { statusCode, body } = await askAll(operationsWorld({ attempts: {} }));
    expect([statusCode, body]).toMatchObject([200, { total_requests: 0, success_rate: null, status: 'healthy' }]);
  });
});

describe('the health of one integration', () => {
  test('is that integration’s, with its name', async () => {
    const failures = { acme: [failed('HTTP 503', AT_TEN)] };
    const { statusCode, body } = await askOne(operationsWorld({ failures }), 'acme');
    expect(statusCode).toBe(200);
    expect(integrationHealthSchema.parse(body)).toEqual({
      integration: 'acme',
      total_requests: 150,
      success_count: 145,
      error_count: 5,
      success_rate: 0.967,
      last_error_time: AT_TEN,
      last_error_message: 'HTTP 503',
      status: 'healthy',
      window_hours: 24,
      read_at: '2026-01-15T12:00:00.000Z',
    });
  });

  test('reads the ledger only for failures', async () => {
    const world = operationsWorld();
    await askOne(world, 'globex');
    expect(world.asked.failures).toEqual([]);
    await askOne(world, 'acme');
    expect(world.asked.failures).toEqual(['acme']);
  });

  test.each(['unknown', '', '__proto__', 'ACME'])('that is %j is 404', async (name) => {
    const { statusCode, body } = await askOne(operationsWorld(), name);
    expect([statusCode, body]).toEqual([404, { detail: { error: 'There is no integration of this name' } }]);
  });
});

const UNKNOWN = { total_requests: null, success_count: null, error_count: null, success_rate: null };

describe('what cannot be read', () => {
  const failures = { acme: [failed('HTTP 503', AT_TEN)] };

  test('of CloudWatch is null and not 0, and the last error is reported', async () => {
    const world = operationsWorld({ failures });
    world.state.isCloudWatchDown = true;
    const { statusCode, body } = await askAll(world);
    expect([statusCode, body]).toMatchObject([200, { ...UNKNOWN, status: 'unknown', last_error_message: 'HTTP 503' }]);
    expect((await askOne(world, 'acme')).body).toMatchObject({ ...UNKNOWN, last_error_message: 'HTTP 503' });
  });

  test('of one integration makes the total unknown, but not the others', async () => {
    const world = operationsWorld();
    world.state.withoutData.add('globex');
    const { body } = await askAll(world);
    expect(body).toMatchObject({ total_requests: null, status: 'unknown' });
    expect(body.integrations).toMatchObject({ acme: { total_requests: 150 }, globex: { total_requests: null } });
  });

  test('of one kind leaves the total and the other kinds, and is read again 10 s later', async () => {
    const world = operationsWorld({ kinds: { 'lead.cold': [1, 0] } });
    world.state.withoutData.add('lead.hot');
    const { body } = await askAll(world);
    expect(body).toMatchObject({
      total_requests: 160,
      kinds: { 'lead.hot': { ...UNKNOWN, status: 'unknown' }, 'lead.cold': { total_requests: 1 } },
    });
    world.state.nowMs += 10_000;
    await askAll(world);
    expect(world.asked.metrics).toHaveLength(2);
  });

  test('of the ledger is a null error, and is logged', async () => {
    const world = operationsWorld({ failures });
    world.state.isLedgerDown = true;
    expect((await askAll(world)).body).toMatchObject({ error_count: 5, last_error_time: null, status: 'healthy' });
    expect(world.log.only('last_error.unread')).toMatchObject({ integration_id: 'acme', error: 'LedgerUnavailable' });
  });

  test.each<[string, OperationsWorldOptions, (world: World) => void]>([
    ['which integrations there are', { registry: undefined }, () => {}],
    [
      'neither CloudWatch nor the ledger',
      {},
      ({ state }) => Object.assign(state, { isCloudWatchDown: true, isLedgerDown: true }),
    ],
  ])('at all, %s: 503 with `retry-after`', async (_, options, breakIt) => {
    for (const ask of [askAll, (world: World) => askOne(world, 'acme')]) {
      const world = operationsWorld(options);
      breakIt(world);
      expect(await ask(world)).toEqual({
        statusCode: 503,
        headers: { ...HEADERS, 'retry-after': '10' },
        body: { detail: { error: 'It cannot be read just now' } },
      });
    }
  });

  test('at all, for Prometheus: 503 too', async () => {
    const world = operationsWorld({ registry: undefined });
    Object.assign(world.state, { isCloudWatchDown: true, isLedgerDown: true });
    expect(await scrape(world)).toMatchObject({ statusCode: 503, headers: { 'retry-after': '10' } });
  });
});

describe('a reading', () => {
  test('is cached for 50 s, for both routes', async () => {
    const world = operationsWorld();
    await askAll(world);
    world.state.nowMs += 49_999;
    await askOne(world, 'acme');
    await askAll(world);
    expect([world.asked.metrics.length, world.asked.failures]).toEqual([1, ['acme']]);
    world.state.nowMs += 1;
    await askAll(world);
    expect([world.asked.metrics.length, world.asked.failures]).toEqual([2, ['acme', 'acme']]);
  });

  test('for Prometheus is cached for 50 s, separately', async () => {
    const world = operationsWorld();
    for (const laterMs of [0, 49_999, 1]) {
      world.state.nowMs += laterMs;
      await scrape(world);
    }
    expect(world.asked.metrics.map((queries) => queries.length)).toEqual(Array(2).fill(17 + 2 * 2 + 2 * KINDS.length));
  });
});

describe('metrics', () => {
  test('are Prometheus’ text, with every gauge', async () => {
    const { statusCode, headers, body } = await scrape(operationsWorld());
    expect({ statusCode, headers }).toEqual({
      statusCode: 200,
      headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8', 'cache-control': 'no-store' },
    });
    const read = parsePrometheus(body);
    expect([...read.keys()]).toEqual(Object.values(GAUGES).map(({ name }) => name));
    expect(read.get(GAUGES.attempts.name)?.samples).toContainEqual({
      labels: { integration: 'acme', result: 'success' },
      value: 145,
    });
  });

  test('are returned without integrations, CloudWatch or the ledger, and show which source is down', async () => {
    const sources = async (change: Partial<World['state']>) => {
      const world = operationsWorld();
      Object.assign(world.state, change);
      const { statusCode, body } = await scrape(world);
      const up = parsePrometheus(body).get(GAUGES.sourceUp.name)?.samples;
      return { statusCode, up: up?.map(({ value }) => value) };
    };
    expect(await sources({})).toEqual({ statusCode: 200, up: [1, 1, 1] });
    expect(await sources({ registry: undefined })).toEqual({ statusCode: 200, up: [0, 1, 1] });
    expect(await sources({ isCloudWatchDown: true })).toEqual({ statusCode: 200, up: [1, 0, 1] });
    expect(await sources({ isLedgerDown: true })).toEqual({ statusCode: 200, up: [1, 1, 0] });
  });

  test('report the number of scheduled events; if the ledger does not respond, that is logged, and read again 10 s later', async () => {
    const world = operationsWorld();
    world.state.isLedgerDown = true;
    const reported = async () => {
      const read = parsePrometheus((await scrape(world)).body);
      return [GAUGES.waitingTimers, GAUGES.overdueTimers].map(({ name }) => read.get(name)?.samples[0]?.value);
    };
    expect(await reported()).toEqual([undefined, undefined]);
    expect(world.log.only('timers.unread')).toMatchObject({ error: 'LedgerUnavailable' });
    world.state.isLedgerDown = false;
    world.state.nowMs += 10_000;
    expect(await reported()).toEqual([12, 1]);
  });

  test.each([`Bearer ${TOKEN}`, `bearer ${TOKEN}`, `BEARER  ${TOKEN}`])('are returned to %j', async (authorization) => {
    expect(await scrape(operationsWorld(), authorization)).toMatchObject({ statusCode: 200 });
  });

  test.each([
    ...[undefined, '', 'Bearer', 'Bearer ', TOKEN, `Basic ${TOKEN}`, ` Bearer ${TOKEN}`, `Bearer ${TOKEN}\n`],
    ...[`Bearer ${TOKEN} b`, `Bearer ${TOKEN},Bearer ${TOKEN}`, `Bearer ${TOKEN}x`, `Bearer ${TOKEN.slice(1)}`],
    `Bearer ${TOKEN.slice(0, -1)}x`,
  ])('are refused to %j, and nothing is read for it', async (authorization) => {
    const world = operationsWorld();
    const { statusCode, headers, body } = await world.ask({
      routeKey: `GET ${metrics}`,
      headers: { authorization },
    });
    expect({ statusCode, headers, body: JSON.parse(body) }).toEqual({
      statusCode: 401,
      headers: { ...HEADERS, 'www-authenticate': 'Bearer' },
      body: { detail: { error: 'The token is missing or wrong' } },
    });
    expect(world.asked.metrics).toEqual([]);
  });

  test('accept a replaced token immediately, and refuse the old one; the right one needs no second read', async () => {
    const world = operationsWorld();
    expect(await scrape(world)).toMatchObject({ statusCode: 200 });
    expect(await scrape(world, '')).toMatchObject({ statusCode: 401 });
    expect(world.asked.refetches).toBe(0);
    world.state.token = 'another-token-of-32-characters-and-more';
    expect(await scrape(world, `Bearer ${world.state.token}`)).toMatchObject({ statusCode: 200 });
    expect(await scrape(world)).toMatchObject({ statusCode: 401 });
  });

  test('refuse every request while the token cannot be read', async () => {
    const world = operationsWorld();
    world.state.tokenFault = new SecretUnavailable('secret /test/metrics-token cannot be read: no answer');
    expect(await scrape(world)).toMatchObject({ statusCode: 503 });
    expect(world.log.only('metrics_token.unreadable')).toMatchObject({ error: 'SecretUnavailable' });
  });
});

describe('refused', () => {
  test('with 400: a query string', async () => {
    const { statusCode, body } = await askAll(operationsWorld(), 'integration=acme');
    expect([statusCode, body]).toEqual([400, { detail: { error: 'There are no parameters here' } }]);
  });

  test.each(['$default', 'POST /metrics', 'GET /api/v1/webhooks'])('with 404: the route %s', async (routeKey) => {
    expect(await operationsWorld().ask({ routeKey })).toMatchObject({ statusCode: 404 });
  });
});

test('the log has a line for each response, without token or path', async () => {
  const world = operationsWorld();
  await scrape(world, 'Bearer guessed-token');
  await scrape(world);
  await askOne(world, 'guessed-name');
  expect(world.log.lines.map(({ fields }) => fields)).toEqual([
    { route: 'GET /metrics', status: 401 },
    { route: 'GET /metrics', status: 200 },
    { route: 'GET /api/v1/webhooks/health/{integration}', status: 404 },
  ]);
  expect(world.log.text()).not.toMatch(new RegExp(`guessed|${TOKEN}`));
});
