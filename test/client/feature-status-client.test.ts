import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createFeatureStatusClient, type FeatureStatusClient } from '../../client/feature-status-client.ts';
import { answering, FEATURE, OFF, ON, type StatusServer, startStatusServer } from './status-server.ts';

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

describe('a question', () => {
  test('names whom it is about, with a new token each time', async () => {
    expect(await client.features(WHOM)).toEqual({ [FEATURE]: ON });
    await client.features({ userId: 'a b&c' });
    await client.features({});
    expect(server.seen).toEqual([
      {
        url: '/api/v1/features/status?enterprise_customer_uuid=secret-enterprise&user_id=secret-user',
        authorization: 'Bearer secret-token-1',
      },
      { url: '/api/v1/features/status?user_id=a+b%26c', authorization: 'Bearer secret-token-2' },
      { url: '/api/v1/features/status', authorization: 'Bearer secret-token-3' },
    ]);
  });

  test('of one feature has its name in the path, whatever it is', async () => {
    server.behave(answering(200, { feature: FEATURE, ...OFF, user_id: null }));
    expect(await client.feature(FEATURE, {})).toMatchObject(OFF);
    await client.feature('../x?y', {});
    expect(server.seen.map(({ url }) => url)).toEqual([
      `/api/v1/features/status/${FEATURE}`,
      '/api/v1/features/status/..%2Fx%3Fy',
    ]);
  });
});

describe('an answer that is none', () => {
  test.each([
    [400, { detail: { error: 'user_id: too long' } }, 'the status API responded 400: user_id: too long'],
    [401, { message: 'Unauthorized' }, 'the status API responded 401: Unauthorized'],
    [404, { detail: { error: 'there is no feature x' } }, 'the status API responded 404: there is no feature x'],
    [500, 'oops', 'the status API responded 500'],
    [503, { detail: {} }, 'the status API responded 503'],
  ])('%i', async (status, body, message) => {
    server.behave(answering(status, body));
    expect(await failure(client.features(WHOM))).toMatchObject({ name: 'StatusRefused', status, message });
  });

  test.each([
    ['15', 15_000],
    ['Wed, 21 Oct 2026 07:28:00 GMT', undefined],
  ])('503 may say when to come again: %s', async (header, retryAfterMs) => {
    server.behave(answering(503, {}, { 'retry-after': header }));
    expect(await failure(client.features(WHOM))).toMatchObject({ status: 503, retryAfterMs });
  });

  test.each([
    ['no JSON', '<html>'],
    ['a list', []],
    ['no features', {}],
    ['a list of features', { features: [] }],
    ['a feature that is none', { features: { [FEATURE]: null } }],
    ['a word for enabled', { features: { [FEATURE]: { ...ON, enabled: 'yes' } } }],
    ['an unknown reason', { features: { [FEATURE]: { ...ON, reason: 'why not' } } }],
    ['no percentage', { features: { [FEATURE]: { ...ON, rollout_percentage: undefined } } }],
  ])('%s', async (_, body) => {
    server.behave(answering(200, body));
    expect(await failure(client.features(WHOM))).toMatchObject({ name: 'StatusUnreadable' });
  });

  test('endless: it is cut off', async () => {
    server.behave((_, response) => {
      response.writeHead(200);
      const write = () => void (response.write('x'.repeat(10_000)) && setImmediate(write));
      response.on('drain', write);
      write();
    });
    expect(await failure(client.features(WHOM))).toMatchObject({ name: 'StatusUnreadable' });
  });

  test.each([
    ['never', () => {}],
    [
      'not to its end',
      (_: unknown, response: { writeHead(status: number): { write(text: string): void } }) =>
        response.writeHead(200).write('{'),
    ],
  ])('%s: the time limit', async (_, behaviour) => {
    server.behave(behaviour as Parameters<StatusServer['behave']>[0]);
    expect(await failure(newClient({ timeoutMs: 100 }).features(WHOM))).toMatchObject({
      name: 'StatusUnavailable',
      message: 'the status API did not respond within 100 ms',
    });
  });

  test('a connection that breaks, and a server that is not there', async () => {
    server.behave((request) => request.socket.destroy());
    const unreachable = { name: 'StatusUnavailable', message: 'the status API cannot be reached' };
    expect(await failure(client.features(WHOM))).toMatchObject(unreachable);
    await server.close();
    expect(await failure(client.features(WHOM))).toMatchObject(unreachable);
  });

  test('a token that cannot be had, or takes for ever', async () => {
    const refusing = newClient({ getToken: () => Promise.reject(new Error('secret-token')) });
    expect(await failure(refusing.features(WHOM))).toMatchObject({ name: 'StatusUnavailable' });
    const hanging = newClient({ getToken: () => new Promise(() => {}), timeoutMs: 100 });
    expect(await failure(hanging.features(WHOM))).toMatchObject({ name: 'StatusUnavailable' });
    expect(server.seen).toEqual([]);
  });

  test('whoever asked has given up: that reason, and no error of ours', async () => {
    server.behave(() => {});
    const abort = new AbortController();
    const asked = failure(client.features(WHOM, abort.signal));
    abort.abort(new Error('given up'));
    expect(await asked).toMatchObject({ message: 'given up' });
  });

  test('no error tells a token, an id or the address', async () => {
    server.behave((request) => request.socket.destroy());
    const broken = await failure(client.features(WHOM));
    server.behave(answering(200, 'x'));
    const unreadable = await failure(client.features(WHOM));
    for (const error of [broken, unreadable]) {
      expect(`${error} ${JSON.stringify(error)} ${error.stack} ${error.cause}`).not.toMatch(/secret|127\.0\.0\.1:\d/);
    }
  });
});
