import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createFeatureStatusClient, type FeatureStatusClient } from '../../client/feature-status-client.ts';
import { answering, type Behaviour, FEATURE, OFF, ON, type StatusServer, startStatusServer } from './status-server.ts';

const WHOM = { enterpriseCustomerUuid: 'secret-enterprise', userId: 'secret-user' };

let server: StatusServer;
let client: FeatureStatusClient;
let tokens: number;

beforeEach(async () => {
  server = await startStatusServer();
  tokens = 0;
  client = newClient();
});
afterEach(() => server.close());

function newClient(more: object = {}): FeatureStatusClient {
  const getToken = async () => {
    tokens += 1;
    return `secret-token-${tokens}`;
  };
  return createFeatureStatusClient({ baseUrl: `${server.url}/`, getToken, ...more });
}

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => 'none',
    (thrown) => thrown,
  );

test('a request has its subject in the query, its feature in the path, and a new token each time', async () => {
  expect(await client.features(WHOM)).toEqual({ [FEATURE]: ON });
  await client.features({ userId: 'a b&c' });
  await client.features({});
  server.behave(answering(200, { feature: FEATURE, ...OFF, user_id: null }));
  expect(await client.feature(FEATURE, {})).toMatchObject(OFF);
  await client.feature('../x?y', {});
  const path = '/api/v1/features/status';
  expect(server.seen.map(({ url }) => url)).toEqual([
    `${path}?enterprise_customer_uuid=secret-enterprise&user_id=secret-user`,
    `${path}?user_id=a+b%26c`,
    path,
    `${path}/${FEATURE}`,
    `${path}/..%2Fx%3Fy`,
  ]);
  expect(server.seen.map(({ authorization }) => authorization)).toEqual(
    [1, 2, 3, 4, 5].map((token) => `Bearer secret-token-${token}`),
  );
});

describe('rejects', () => {
  test.each([
    [400, { detail: { error: 'user_id: too long' } }, 'the status API responded 400: user_id: too long'],
    [401, { message: 'Unauthorized' }, 'the status API responded 401: Unauthorized'],
    [500, 'oops', 'the status API responded 500'],
    [503, { detail: {} }, 'the status API responded 503'],
  ])('an error response: %i', async (status, body, message) => {
    server.behave(answering(status, body));
    expect(await failure(client.features(WHOM))).toMatchObject({ name: 'StatusRefused', status, message });
  });

  test.each([
    ['15', 15_000],
    ['Wed, 21 Oct 2026 07:28:00 GMT', undefined],
  ])('503 with Retry-After: %s', async (header, retryAfterMs) => {
    server.behave(answering(503, {}, { 'retry-after': header }));
    expect(await failure(client.features(WHOM))).toMatchObject({ status: 503, retryAfterMs });
  });

  test.each([
    ['not JSON', '<html>'],
    ['a list', []],
    ['no features', {}],
    ['a list of features', { features: [] }],
    ['a feature that is null', { features: { [FEATURE]: null } }],
    ['enabled as a word', { features: { [FEATURE]: { ...ON, enabled: 'yes' } } }],
    ['an unknown reason', { features: { [FEATURE]: { ...ON, reason: 'why not' } } }],
    ['no percentage', { features: { [FEATURE]: { ...ON, rollout_percentage: undefined } } }],
  ])('a response that is unreadable: %s', async (_, body) => {
    server.behave(answering(200, body));
    expect(await failure(client.features(WHOM))).toMatchObject({ name: 'StatusUnreadable' });
  });

  test('an endless response', async () => {
    server.behave((_, response) => {
      response.writeHead(200);
      const write = () => void (response.write('x'.repeat(10_000)) && setImmediate(write));
      response.on('drain', write);
      write();
    });
    expect(await failure(client.features(WHOM))).toMatchObject({ name: 'StatusUnreadable' });
  });

  test.each<[string, Behaviour]>([
    ['no response', () => {}],
    ['a response without an end', (_, response) => void response.writeHead(200).write('{')],
  ])('%s within the time limit', async (_, behaviour) => {
    server.behave(behaviour);
    expect(await failure(newClient({ timeoutMs: 100 }).features(WHOM))).toMatchObject({
      name: 'StatusUnavailable',
      message: 'the status API did not respond within 100 ms',
    });
  });

  test('a connection that breaks, and a server that does not listen', async () => {
    server.behave((request) => request.socket.destroy());
    const unreachable = { name: 'StatusUnavailable', message: 'the status API cannot be reached' };
    expect(await failure(client.features(WHOM))).toMatchObject(unreachable);
    await server.close();
    expect(await failure(client.features(WHOM))).toMatchObject(unreachable);
  });

  test('a token that fails, or takes longer than the time limit', async () => {
    for (const getToken of [() => Promise.reject(new Error('secret-token')), () => new Promise(() => {})]) {
      const error = await failure(newClient({ getToken, timeoutMs: 100 }).features(WHOM));
      expect(error).toMatchObject({ name: 'StatusUnavailable' });
    }
    expect(server.seen).toEqual([]);
  });

  test('with the caller’s own reason, if the caller aborts', async () => {
    server.behave(() => {});
    const abort = new AbortController();
    const requested = failure(client.features(WHOM, abort.signal));
    abort.abort(new Error('left the page'));
    expect(await requested).toMatchObject({ message: 'left the page' });
  });

  test('without a token, an id or the address in any error', async () => {
    server.behave((request) => request.socket.destroy());
    const broken = await failure(client.features(WHOM));
    server.behave(answering(200, 'x'));
    const unreadable = await failure(client.features(WHOM));
    for (const error of [broken, unreadable]) {
      expect(`${error} ${JSON.stringify(error)} ${error.stack} ${error.cause}`).not.toMatch(/secret|127\.0\.0\.1:\d/);
    }
  });
});
