import { createServer, type IncomingHttpHeaders } from 'node:http';
import { text } from 'node:stream/consumers';
import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Hash } from '@smithy/core/serde';
import { SignatureV4 } from '@smithy/signature-v4';
import { openClient } from '../../lambdas/shared/aws-clients.ts';
import type { ClientWaits } from '../../lambdas/shared/io-deadlines.ts';
import { type Credentials, DYNAMODB, endpointOf, SignedClient } from '../../lambdas/shared/signed-client.ts';
import { listen } from '../../local/http-server.ts';
import { closedAfterEach } from '../support/closed-after-each.ts';

const WAITS: ClientWaits = { maxAttempts: 3, connectMs: 1_900, responseMs: 5_900, callMs: 60_000, maxSockets: 50 };
const REGION = 'eu-west-1';
const KEYS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret', sessionToken: 'token/with+signs==' };
const ITEM = { pk: { S: 'Zoë' }, times: { M: { accepted: { N: '1768039200000' } } } };
const INPUT = { TableName: 'ledger', Item: ITEM };

interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}
/** A response; `reset` closes the connection instead. */
type Response = 'reset' | Answer;
interface Answer {
  readonly status: number;
  readonly body?: string;
  readonly headers?: Record<string, string>;
}

const keep = closedAfterEach();

/** Responds to each request with the next of these, the last one again and again. */
async function serverWith(...responses: readonly Response[]) {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    received.push({ headers: request.headers, body: await text(request) });
    const next = responses[Math.min(received.length, responses.length) - 1] as Response;
    if (next === 'reset') request.socket.resetAndDestroy();
    else response.writeHead(next.status, next.headers).end(next.body ?? '{}');
  });
  const { url } = await keep(await listen(server));
  return { endpoint: url, received };
}

function signedClient(endpoint: string, credentials: () => Promise<Credentials> = async () => KEYS) {
  const client = openClient(SignedClient, WAITS, { service: DYNAMODB, region: REGION, endpoint, credentials });
  keep({ close: async () => client.destroy() });
  return () => client.send({ operation: 'PutItem', input: INPUT }) as Promise<unknown>;
}

function sdkClient(endpoint: string) {
  const client = openClient(DynamoDBClient, WAITS, { region: REGION, endpoint, credentials: KEYS });
  keep({ close: async () => client.destroy() });
  return () => client.send(new PutItemCommand(INPUT)) as Promise<unknown>;
}

beforeEach(() => {
  // The delays before repeated requests are random, from 0.
  jest.spyOn(Math, 'random').mockReturnValue(0);
});
afterEach(() => {
  jest.restoreAllMocks();
});

test('a request is the one that the SDK would send, with the signature that its signer computes', async () => {
  const { endpoint, received } = await serverWith({ status: 200 });
  await signedClient(endpoint)();
  await sdkClient(endpoint)();
  const [own, sdks] = received as [Received, Received];
  expect(JSON.parse(own.body)).toEqual(JSON.parse(sdks.body));
  const names = ['content-type', 'content-length', 'host', 'x-amz-target', 'x-amz-security-token'];
  for (const name of names) expect([name, own.headers[name]]).toEqual([name, sdks.headers[name]]);

  const signer = new SignatureV4({
    ...{ service: 'dynamodb', region: REGION, credentials: KEYS, applyChecksum: false },
    sha256: Hash.bind(null, 'sha256'),
  });
  const { authorization, connection, ...headers } = own.headers as Record<string, string>;
  const { hostname, port } = new URL(endpoint);
  const signed = await signer.sign(
    { method: 'POST', protocol: 'http:', hostname, port: Number(port), path: '/', query: {}, headers, body: own.body },
    { signingDate: dateOf(headers['x-amz-date'] as string) },
  );
  expect(authorization).toBe(signed.headers.authorization);
});

/** `20260110T101112Z` as a date. */
function dateOf(text: string): Date {
  return new Date(text.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z'));
}

const error = (status: number, name: string, message = 'no'): Answer => ({
  status,
  body: JSON.stringify({ __type: `com.amazonaws.dynamodb.v20120810#${name}`, message }),
});
const OK: Response = { status: 200, body: '{"Attributes":{}}' };
const SKEWED: Answer = {
  ...error(400, 'InvalidSignatureException'),
  headers: { date: new Date(Date.now() + 3_600_000).toUTCString() },
};

describe('a call is repeated exactly if the SDK repeats it', () => {
  test.each<[string, number, 'succeeds' | 'fails', readonly Response[]]>([
    ['throttling', 2, 'succeeds', [error(400, 'ThrottlingException'), OK]],
    ['a throttled partition', 2, 'succeeds', [error(400, 'ProvisionedThroughputExceededException'), OK]],
    ['a request limit', 3, 'fails', [error(400, 'RequestLimitExceeded')]],
    ['too many requests', 2, 'succeeds', [{ status: 429, body: '' }, OK]],
    ['an internal error', 2, 'succeeds', [error(500, 'InternalServerError'), OK]],
    ['a bad gateway without JSON', 2, 'succeeds', [{ status: 502, body: '<html>' }, OK]],
    ['an unavailable service', 3, 'fails', [error(503, 'ServiceUnavailable')]],
    ['a service that never comes back', 3, 'fails', [{ status: 504, body: '' }]],
    ['another error of the server', 1, 'fails', [error(501, 'NotImplemented')]],
    ['a reset connection', 2, 'succeeds', ['reset', OK]],
    ['connections that are always reset', 3, 'fails', ['reset']],
    ['a failed condition', 1, 'fails', [error(400, 'ConditionalCheckFailedException')]],
    ['an invalid input', 1, 'fails', [error(400, 'ValidationException')]],
    ['a missing permission', 1, 'fails', [error(400, 'AccessDeniedException')]],
    ['an unknown table', 1, 'fails', [error(400, 'ResourceNotFoundException')]],
    ['an expired token', 1, 'fails', [error(400, 'ExpiredTokenException')]],
    ['a wrong signature', 1, 'fails', [error(400, 'InvalidSignatureException')]],
    ['a wrong clock', 2, 'succeeds', [SKEWED, OK]],
  ])('%s', async (_what, requests, ending, responses) => {
    const results = await Promise.all(
      [sdkClient, signedClient].map(async (open) => {
        const { endpoint, received } = await serverWith(...responses);
        const ended = await open(endpoint)().then(
          () => 'succeeds',
          (thrown: Error & { code?: string }) => ({ name: thrown.name, code: thrown.code }),
        );
        return { requests: received.length, ended };
      }),
    );
    const [sdks, own] = results;
    expect(own?.requests).toBe(requests);
    expect(own?.ended === 'succeeds').toBe(ending === 'succeeds');
    expect(sdks?.requests).toBe(requests);
    // Where a response has no JSON, or none came, the SDK has names of its own.
    if (responses.every((one) => one !== 'reset' && one.body?.startsWith('{'))) expect(own?.ended).toEqual(sdks?.ended);
  });
});

test('a repeated request is signed again, by the server’s clock if this machine’s is wrong', async () => {
  const { endpoint, received } = await serverWith(SKEWED, OK);
  const send = signedClient(endpoint);
  await send();
  await send();
  const [first, ...later] = received.map(({ headers }) => dateOf(String(headers['x-amz-date'])).getTime());
  expect(later).toHaveLength(2);
  for (const ms of later) expect((ms - (first as number)) / 3_600_000).toBeCloseTo(1, 1);
});

test('every request has the credentials of its time', async () => {
  const { endpoint, received } = await serverWith(error(500, 'InternalServerError'), OK);
  let provided = 0;
  await signedClient(endpoint, async () => ({ accessKeyId: `AKID${++provided}`, secretAccessKey: 'secret' }))();
  expect(received.map(({ headers }) => /Credential=(\w+)/.exec(String(headers.authorization))?.[1])).toEqual([
    'AKID1',
    'AKID2',
  ]);
});

test('a call that ended while it waited for credentials sends nothing', async () => {
  const { endpoint, received } = await serverWith(OK);
  const waiting = Promise.withResolvers<Credentials>();
  const client = openClient(SignedClient, WAITS, {
    ...{ service: DYNAMODB, region: REGION, endpoint },
    credentials: () => waiting.promise,
  });
  keep({ close: async () => client.destroy() });
  const abort = new AbortController();
  const call = client.send({ operation: 'PutItem', input: INPUT }, { abortSignal: abort.signal });
  abort.abort(new Error('over'));
  await expect(call).rejects.toThrow('over');
  waiting.resolve(KEYS);
  await client.send({ operation: 'GetItem', input: INPUT });
  expect(received.map(({ headers }) => headers['x-amz-target'])).toEqual(['DynamoDB_20120810.GetItem']);
});

test('credentials of the container are read again before they expire, as by the SDK', async () => {
  // Lambda's functions have theirs in the environment, unless they start from a snapshot.
  let issued = 0;
  const container = await keep(
    await listen(
      createServer((_request, response) => {
        issued += 1;
        const Expiration = new Date(Date.now() - 1000).toISOString();
        response.end(JSON.stringify({ AccessKeyId: `AKID${issued}`, SecretAccessKey: 's', Token: 't', Expiration }));
      }),
    ),
  );
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_PROFILE } = process.env;
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_PROFILE']) delete process.env[name];
  process.env.AWS_CONTAINER_CREDENTIALS_FULL_URI = `${container.url}/credentials`;
  try {
    const { endpoint, received } = await serverWith(OK);
    const client = openClient(SignedClient, WAITS, { service: DYNAMODB, region: REGION, endpoint });
    keep({ close: async () => client.destroy() });
    for (let sent = 0; sent < 2; sent += 1) await client.send({ operation: 'PutItem', input: INPUT });
    expect(
      new Set(received.map(({ headers }) => /Credential=(\w+)/.exec(String(headers.authorization))?.[1])).size,
    ).toBe(2);
  } finally {
    delete process.env.AWS_CONTAINER_CREDENTIALS_FULL_URI;
    Object.assign(process.env, {
      ...(AWS_ACCESS_KEY_ID !== undefined && { AWS_ACCESS_KEY_ID }),
      ...(AWS_SECRET_ACCESS_KEY !== undefined && { AWS_SECRET_ACCESS_KEY }),
      ...(AWS_PROFILE !== undefined && { AWS_PROFILE }),
    });
  }
});

test('an error has the service’s name and message, and none quotes a response that cannot be read', async () => {
  const denied = await serverWith(error(400, 'AccessDeniedException', 'not authorized'));
  await expect(signedClient(denied.endpoint)()).rejects.toMatchObject({
    ...{ name: 'AccessDeniedException', message: 'not authorized', $fault: 'client' },
  });
  const broken = await serverWith({ status: 200, body: '{"Item": Zoë' });
  await expect(signedClient(broken.endpoint)()).rejects.toMatchObject({
    ...{ name: 'ResponseUnreadable', message: 'the response is no JSON' },
  });
});

test.each(['eu-west-1', 'us-gov-west-1', 'cn-north-1'])('the endpoint of %s is the SDK’s', (region) => {
  const client = new DynamoDBClient({ region, credentials: KEYS });
  expect(endpointOf(DYNAMODB, region)).toBe(client.config.endpointProvider({ Region: region }).url.origin);
  client.destroy();
});
