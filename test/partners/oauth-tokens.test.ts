import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { ClientCertificate } from '../../lambdas/partners/client-certificate.ts';
import { createHttpsSender } from '../../lambdas/partners/http/sender.ts';
import { OAUTH_ERRORS } from '../../lambdas/partners/oauth-errors.ts';
import {
  createTokenSource,
  type OAuthClient,
  type TokenResult,
  type TokenSource,
} from '../../lambdas/partners/oauth-tokens.ts';
import type { WebhookRequest, WebhookSender } from '../../lambdas/partners/webhook-sender.ts';
import { until } from '../support/assembly.ts';
import { NOW } from '../support/factories.ts';
import { type PartnerServer, type Received, startPartner, TO_LOCAL_PARTNERS } from '../support/partner-server.ts';

const PERCIPIO = { request: 'json', authentication: 'body', scope: 'api' } as const;
const MINUTE_MS = 60_000;
const PATIENCE_MS = 5_000;

interface Reply {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
}

let server: PartnerServer;
/** The requests of the current test. */
let received: Received[];
let nowMs: number;
/** The next response of the token server; by default, tokens `token-1`, `token-2`, … that live an hour. */
let reply: Reply;
/** If set, the server responds only when this is done. */
let hold: Promise<void> | undefined;
let sent: WebhookRequest[];
let client: OAuthClient;
let source: TokenSource;

beforeAll(async () => {
  server = await startPartner(async (response, request) => {
    const fresh = JSON.stringify({ access_token: `token-${received.push(request)}`, expires_in: 3600 });
    const { status = 200, headers = {}, body = fresh } = reply;
    await hold;
    response.writeHead(status, { 'content-type': 'application/json', 'retry-after': '7', ...headers }).end(body);
  });
});
beforeEach(() => {
  nowMs = NOW;
  reply = {};
  hold = undefined;
  [received, sent] = [[], []];
  client = { ...PERCIPIO, tokenUrl: `${server.url}/oauth2/token`, clientId: 'me', clientSecret: 'hunter2' };
  source = newSource(createHttpsSender(TO_LOCAL_PARTNERS));
});
afterAll(() => server.close());

const CERTIFICATE: ClientCertificate = { id: 'acme 1', chain: '', key: '', validFromMs: 0, expiresAtMs: 0 };

function newSource(sender: WebhookSender): TokenSource {
  const recorded: WebhookSender = {
    send(outgoing) {
      sent.push(outgoing);
      return sender.send(outgoing);
    },
  };
  return createTokenSource({ sender: recorded, now: () => nowMs });
}

const ask = (who: OAuthClient = client, timeoutMs = PATIENCE_MS) => source.token(who, timeoutMs);
const token = (text: string) => ({ kind: 'token', token: text });
const withToken = (fields: object): Reply => ({ body: JSON.stringify({ access_token: 'abc', ...fields }) });

/** The token server delays its responses until the returned function is called. */
function holdResponses(): () => void {
  const { promise, resolve } = Promise.withResolvers<void>();
  hold = promise;
  return resolve;
}

describe('a fetch', () => {
  test('is a JSON POST of the client’s credentials, with 10 s of its own and space for a long token', async () => {
    expect(await ask(client, 50_000)).toEqual(token('token-1'));
    expect(sent).toMatchObject([{ url: client.tokenUrl, timeoutMs: 10_000, keepBodyBytes: 65_536 }]);
    const json = 'application/json';
    const headers = { 'user-agent': 'learning-time-webhooks/1', 'content-type': json, accept: json };
    expect(received).toMatchObject([{ method: 'POST', path: '/oauth2/token', headers }]);
    const grant = { client_id: 'me', client_secret: 'hunter2', grant_type: 'client_credentials', scope: 'api' };
    expect(JSON.parse(String(received[0]?.body))).toEqual(grant);
  });

  const JSON_TYPE = 'application/json';
  const FORM_TYPE = 'application/x-www-form-urlencoded';
  // Known values of RFC 6749, appendix B: its own example, and each character that Basic or a form would misread.
  const ODD = { clientId: 'me:1 %&+\u00a3\u20ac', clientSecret: 'a+b/c==&d=\u00e9 "~*' };
  const ODD_ID = 'me%3A1 %25%26%2B%C2%A3%E2%82%AC';
  const ODD_SECRET = 'a%2Bb%2Fc%3D%3D%26d%3D%C3%A9 %22%7E*';
  const inBody = (text: string) => text.replace(' ', '+');
  const inHeader = (text: string) => text.replace(' ', '%20');
  const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;
  const GRANT = 'grant_type=client_credentials';
  test.each<[string, Partial<OAuthClient>, string, string | undefined, string]>([
    [
      'JSON with an audience',
      { audience: 'https://api.example/' },
      ...([JSON_TYPE, undefined] as const),
      '{"client_id":"me","client_secret":"hunter2","grant_type":"client_credentials","scope":"api","audience":"https://api.example/"}',
    ],
    [
      'JSON and a Basic header',
      { authentication: 'basic', scope: '' },
      ...([JSON_TYPE, basic('me:hunter2')] as const),
      '{"grant_type":"client_credentials"}',
    ],
    [
      'a form',
      { request: 'form', scope: 'a b:c', audience: 'https://api.example/?a=1' },
      ...([FORM_TYPE, undefined] as const),
      `client_id=me&client_secret=hunter2&${GRANT}&scope=a+b%3Ac&audience=https%3A%2F%2Fapi.example%2F%3Fa%3D1`,
    ],
    [
      'a form whose id and secret have any characters',
      { request: 'form', ...ODD },
      ...([FORM_TYPE, undefined] as const),
      `client_id=${inBody(ODD_ID)}&client_secret=${inBody(ODD_SECRET)}&${GRANT}&scope=api`,
    ],
    [
      'a form and a Basic header of any characters',
      { request: 'form', authentication: 'basic', scope: '', ...ODD },
      ...([FORM_TYPE, basic(`${inHeader(ODD_ID)}:${inHeader(ODD_SECRET)}`)] as const),
      GRANT,
    ],
  ])('may be %s', async (_what, variant, type, authorization, body) => {
    expect(await ask({ ...client, ...variant })).toEqual(token('token-1'));
    expect(received.map((one) => [one.headers['content-type'], one.headers.authorization, String(one.body)])).toEqual([
      [type, authorization, body],
    ]);
  });

  test('presents the client certificate', async () => {
    await ask({ ...client, clientCertificate: CERTIFICATE });
    expect(sent).toMatchObject([{ clientCertificate: CERTIFICATE }]);
  });

  test('serves all concurrent callers, with its token or its failure', async () => {
    reply = { status: 503 };
    const failures = await Promise.all(Array.from({ length: 5 }, () => ask()));
    expect(failures.map(({ kind }) => kind)).toEqual(Array(5).fill('none'));
    reply = {};
    const tokens = await Promise.all(Array.from({ length: 20 }, () => ask()));
    expect(tokens).toEqual(Array(20).fill(token('token-2')));
    expect(received).toHaveLength(2);
  });

  test.each([
    ['URL', (one: OAuthClient) => ({ ...one, tokenUrl: `${one.tokenUrl}?tenant=1` })],
    ['scope', (one: OAuthClient) => ({ ...one, scope: 'other' })],
    ['audience', (one: OAuthClient) => ({ ...one, audience: 'other' })],
    ['form', (one: OAuthClient) => ({ ...one, request: 'form' as const })],
    ['authentication', (one: OAuthClient) => ({ ...one, authentication: 'basic' as const })],
    ['id', (one: OAuthClient) => ({ ...one, clientId: 'you' })],
    ['secret', (one: OAuthClient) => ({ ...one, clientSecret: 'hunter3' })],
    ['client certificate', (one: OAuthClient) => ({ ...one, clientCertificate: CERTIFICATE })],
    ['id and secret', (one: OAuthClient) => ({ ...one, clientId: 'me","h', clientSecret: 'unter2' })],
  ] as const)('does not serve a client of another %s, nor is its token dropped with it', async (_part, changed) => {
    const other = changed(client);
    const [mine, theirs] = await Promise.all([ask(), ask(other)]);
    expect(mine).not.toEqual(theirs);
    source.drop(client, mine.kind === 'token' ? mine.token : '');
    expect([await ask(other), await ask()]).toEqual([theirs, token('token-3')]);
  });

  test('goes to public addresses only, like any other request', async () => {
    source = newSource(createHttpsSender({ ...TO_LOCAL_PARTNERS, allowedCidrs: [] }));
    expect(await ask()).toMatchObject({ kind: 'none', result: { kind: 'failed', code: 'FORBIDDEN_ADDRESS' } });
    expect(received).toEqual([]);
  });
});

describe('a token is cached', () => {
  test.each([
    [3600, 59 * MINUTE_MS],
    ['600', 9 * MINUTE_MS],
    [90.5, 30_500],
    ['600.0', 9 * MINUTE_MS],
    [' 600\n', 9 * MINUTE_MS],
    [undefined, 4 * MINUTE_MS],
    [null, 4 * MINUTE_MS],
    [-1, 4 * MINUTE_MS],
    ['an hour', 4 * MINUTE_MS],
    [31_536_000, 24 * 60 * MINUTE_MS - MINUTE_MS],
    ['999999999999999', 24 * 60 * MINUTE_MS - MINUTE_MS],
  ])('until 60 s before it expires: expires_in %j', async (expires_in, ms) => {
    reply = withToken({ expires_in });
    await ask();
    nowMs += ms - 1;
    await ask();
    expect(received).toHaveLength(1);
    nowMs += 1;
    await ask();
    expect(received).toHaveLength(2);
  });

  test.each([0, 60])('not if it lives %i s: it serves concurrent callers only', async (expires_in) => {
    reply = withToken({ expires_in });
    expect(await Promise.all([ask(), ask()])).toEqual([token('abc'), token('abc')]);
    expect(received).toHaveLength(1);
    await ask();
    expect(received).toHaveLength(2);
  });

  test('counted from the request: a response may have been frozen on its way', async () => {
    const release = holdResponses();
    const asking = ask();
    await until(() => received.length === 1);
    nowMs += 58 * MINUTE_MS;
    release();
    expect(await asking).toEqual(token('token-1'));
    nowMs += MINUTE_MS;
    expect(await ask()).toEqual(token('token-2'));
  });

  test('not after the clock was set back', async () => {
    await ask();
    nowMs -= 1_000;
    expect(await ask()).toEqual(token('token-2'));
  });

  test('for at most 2000 clients: beyond, the oldest is fetched again', async () => {
    source = newSource({
      send: async () => ({ kind: 'responded', status: 200, responseStart: '{"access_token":"t"}' }),
    });
    const number = (index: number) => ({ ...client, clientId: String(index) });
    for (let index = 0; index <= 2000; index += 1) await ask(number(index));
    await ask(number(1));
    expect(sent).toHaveLength(2001);
    await ask(number(0));
    expect(sent).toHaveLength(2002);
  });

  test('until it was refused; a newer one stays', async () => {
    await ask();
    source.drop(client, 'token-1');
    expect(await ask()).toEqual(token('token-2'));
    source.drop(client, 'token-1');
    expect(await ask()).toEqual(token('token-2'));
  });

  test('not after it expired, even if the next fetch fails', async () => {
    await ask();
    nowMs += 59 * MINUTE_MS;
    reply = { status: 500 };
    expect(await ask()).toMatchObject({ kind: 'none' });
    reply = {};
    expect(await ask()).toEqual(token('token-3'));
  });
});

describe('a caller’s timeout', () => {
  const TIMED_OUT = { kind: 'none', result: { kind: 'failed', code: 'TIMEOUT' } };

  test('ends its own wait only: the fetch continues for others and for the next attempt', async () => {
    const release = holdResponses();
    const patient = ask();
    expect(await ask(client, 50)).toEqual(TIMED_OUT);
    const next = ask();
    release();
    expect([await patient, await next]).toEqual([token('token-1'), token('token-1')]);
    expect(received).toHaveLength(1);
    expect(await ask(client, 0)).toEqual(token('token-1'));
  });

  test('a fetch that was frozen with the function is not waited for: the next caller fetches again', async () => {
    const release = holdResponses();
    expect(await ask(client, 50)).toEqual(TIMED_OUT);
    nowMs += 10_001;
    const next = ask();
    await until(() => received.length === 2);
    release();
    expect((await next).kind).toBe('token');
  });
});

describe('without a token', () => {
  test.each([400, 401, 302, 500, 503])('the server’s %i is returned without its text', async (status) => {
    reply = { status, body: '{"error":"hunter2 is wrong"}' };
    const result = await ask();
    expect(result).toMatchObject({ kind: 'none', result: { kind: 'responded', status, retryAfter: '7' } });
    expect(result).not.toHaveProperty('result.responseStart');
    expect(JSON.stringify(result)).not.toContain('hunter2');
  });

  test.each([...OAUTH_ERRORS, undefined])(
    'its error %s is named, with any status, and nothing else of it',
    async (error) => {
      for (const status of [400, 401, 403, 500]) {
        reply = { status, body: JSON.stringify({ error, error_description: 'hunter2', error_uri: 'hunter2' }) };
        const { result: _, ...refusal } = (await ask()) as Extract<TokenResult, { kind: 'none' }>;
        expect(refusal).toEqual({ kind: 'none', ...(error !== undefined && { error }) });
      }
    },
  );

  test('a server that cannot be reached is a failure', async () => {
    const gone = await startPartner(() => {});
    await gone.close();
    const result = { kind: 'failed', code: 'ECONNREFUSED' };
    expect(await ask({ ...client, tokenUrl: gone.url })).toMatchObject({ kind: 'none', result });
  });
});

describe('a 2xx', () => {
  const typed = (token_type: unknown) => JSON.stringify({ access_token: 'abc', token_type });

  test.each([
    '\uFEFF{"access_token":"abc"}',
    ' \r\n{ "access_token" : "abc" }\n',
    '{"access_token":" abc\\n"}',
    '{"access_token":"Bearer abc"}',
    '{"accessToken":"abc"}',
    '{"status":"ok","data":{"access_token":"abc"}}',
    '[{"access_token":"abc"}]',
    // Encoded twice.
    JSON.stringify('{"access_token":"abc"}'),
    'access_token=abc&token_type=bearer\n',
    '{"access_token":"abc","error":""}',
    ...['bearer', 'BEARER', 'BearerToken', ' Bearer ', '', null].map(typed),
  ])('has a token: %s', async (body) => {
    reply = { status: 201, body };
    expect(await ask()).toEqual(token('abc'));
  });

  test('has a token in a form, and its lifetime', async () => {
    reply = { body: 'access_token=a%2Bb&expires_in=600' };
    expect(await ask()).toEqual(token('a+b'));
    nowMs += 9 * MINUTE_MS - 1;
    await ask();
    expect(received).toHaveLength(1);
  });

  test('has a token that is longer than the default body limit', async () => {
    const long = 'x'.repeat(8192);
    reply = withToken({ access_token: long });
    expect(await ask()).toEqual(token(long));
  });

  const NO_TOKEN = [
    'hunter2',
    '',
    '[]',
    'null',
    '{"token":"hunter2"}',
    '{"access_token":""}',
    '{"access_token":5}',
    '{"access_token":"hunter2\\r\\nHost: x"}',
    '{"access_token":"hunter2 b"}',
    '{"access_token":"hunter2é"}',
    JSON.stringify({ access_token: 'x'.repeat(8193) }),
    '{"error":"server_error"}',
    '{"error":"hunter2"}',
    '{"error":{"message":"hunter2"}}',
    '{"error":"invalid_client","access_token":""}',
    '{"a":{"access_token":"hunter2"},"b":{"access_token":"hunter3"}}',
    '{"a":{"b":{"access_token":"hunter2"}}}',
    '<html>access_token=hunter2</html>',
    'error=hunter2',
  ];
  const REFUSALS = ['invalid_client', 'unauthorized_client', 'invalid_scope', 'unsupported_grant_type'].map((error) =>
    JSON.stringify({ error, error_description: 'hunter2' }),
  );
  const OTHER_TYPES = ['mac', 'DPoP', 'pop', 'N_A', 5, {}].map((token_type) =>
    JSON.stringify({ access_token: 'hunter2', token_type, mac_key: 'hunter2' }),
  );
  test.each([
    ...NO_TOKEN.map((body) => ['no_token', body]),
    ...REFUSALS.map((body) => ['refused', body]),
    ...OTHER_TYPES.map((body) => ['not_bearer', body]),
  ])('has no usable token, %s, and is not quoted: %s', async (problem, body) => {
    reply = { body };
    const result = await ask();
    expect(result).toMatchObject({ kind: 'none', result: { kind: 'responded', status: 200 }, problem });
    expect(result).not.toHaveProperty('result.responseStart');
    expect(JSON.stringify(result)).not.toContain('hunter2');
  });
});

describe('a response', () => {
  const json = JSON.stringify({ access_token: 'compressed', expires_in: 3600 });
  const utf16 = Buffer.from(`\uFEFF${json}`, 'utf16le');
  const plain = Buffer.from(json);
  const marked = Buffer.concat([Buffer.from('\uFEFF'), plain]);
  const encoded = (encoding: string) => ({ 'content-encoding': encoding });

  test.each<[string, Record<string, string>, Buffer]>([
    ['gzip', encoded('gzip'), gzipSync(plain)],
    ['x-gzip, in capitals', encoded('X-GZIP'), gzipSync(plain)],
    ['deflate', encoded('deflate'), deflateSync(plain)],
    ['deflate without its header', encoded('deflate'), deflateRawSync(plain)],
    ['br', encoded('br'), brotliCompressSync(plain)],
    ['zstd', encoded('zstd'), zstdCompressSync(plain)],
    ['two encodings', encoded('br, gzip'), gzipSync(brotliCompressSync(plain))],
    ['gzip that is not announced', {}, gzipSync(plain)],
    ['gzip without its end', encoded('gzip'), gzipSync(plain).subarray(0, -8)],
    ['an encoding that a proxy removed', encoded('gzip'), plain],
    ['identity', encoded('identity'), plain],
    ['a byte order mark', {}, marked],
    ['a byte order mark in gzip', encoded('gzip'), gzipSync(marked)],
    ['another content type', { 'content-type': 'text/html; charset="ISO-8859-1"' }, plain],
    ['an unknown charset', { 'content-type': 'application/json; charset=utf8mb4' }, plain],
    ['UTF-16 with its mark', {}, utf16],
    ['UTF-16 by its charset', { 'content-type': 'application/json;charset=utf-16le' }, utf16.subarray(2)],
  ])('with %s is read', async (_what, headers, body) => {
    reply = { headers, body };
    expect(await ask()).toEqual(token('compressed'));
  });

  test.each<[string, string, Buffer]>([
    ['too much decompressed text', 'gzip', gzipSync(`${json}${' '.repeat(50_000_000)}`)],
    ['an unknown encoding', 'compress', Buffer.from(plain.map((byte) => byte ^ 255))],
    ['three encodings', 'gzip, gzip, gzip', gzipSync(gzipSync(gzipSync(plain)))],
    ['half a gzip', 'gzip', gzipSync(plain).subarray(0, 20)],
  ])('with %s has no token', async (_what, encoding, body) => {
    reply = { headers: encoded(encoding), body };
    expect(await ask()).toMatchObject({ kind: 'none', problem: 'no_token' });
  });
});
