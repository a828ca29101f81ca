import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createHttpsSender } from '../../lambdas/partners/http/sender.ts';
import { createTokenSource, type OAuthClient, type TokenSource } from '../../lambdas/partners/oauth-tokens.ts';
import type { WebhookRequest, WebhookSender } from '../../lambdas/partners/webhook-sender.ts';
import { until } from '../support/assembly.ts';
import { NOW } from '../support/factories.ts';
import { type PartnerServer, startPartner, TO_LOCAL_PARTNERS } from '../support/partner-server.ts';

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const PATIENCE_MS = 5_000;

let nowMs: number;
let server: PartnerServer;
/** The next response of the token server; by default, tokens `token-1`, `token-2`, … that live an hour. */
let reply: { status?: number; body?: string };
/** Set: it answers with these bytes. */
let raw: { readonly headers: Record<string, string>; readonly body: Buffer } | undefined;
/** Set: the server answers only when this is done. */
let hold: Promise<void> | undefined;
let sent: WebhookRequest[];
let client: OAuthClient;
let source: TokenSource;

beforeEach(async () => {
  nowMs = NOW;
  reply = {};
  raw = undefined;
  hold = undefined;
  sent = [];
  server = await startPartner(async (answer) => {
    const number = server.received.length;
    const usual = JSON.stringify({ access_token: `token-${number}`, expires_in: 3600 });
    const { status = 200, body = usual } = reply;
    await hold;
    const { headers, body: bytes } = raw ?? { headers: {}, body };
    answer.writeHead(status, { 'content-type': 'application/json', 'retry-after': '7', ...headers }).end(bytes);
  });
  client = { tokenUrl: `${server.url}/oauth2/token`, scope: 'api', clientId: 'me', clientSecret: 'hunter2' };
  source = newSource();
});

afterEach(() => server.close());

/** Over the sender that webhooks take. */
function newSource(allowedCidrs: readonly string[] = TO_LOCAL_PARTNERS.allowedCidrs): TokenSource {
  const sender = createHttpsSender({ ...TO_LOCAL_PARTNERS, allowedCidrs });
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
const answers = (document: unknown) => {
  reply = { body: JSON.stringify(document) };
};

describe('a fetch', () => {
  test('is a JSON POST of the client’s credentials, as Percipio takes it', async () => {
    expect(await ask()).toEqual(token('token-1'));
    const [received] = server.received;
    expect(received).toMatchObject({ method: 'POST', path: '/oauth2/token' });
    expect(received?.headers).toMatchObject({
      'user-agent': 'learning-time-webhooks/1',
      'content-type': 'application/json',
      accept: 'application/json',
    });
    expect(JSON.parse(String(received?.body))).toEqual({
      client_id: 'me',
      client_secret: 'hunter2',
      grant_type: 'client_credentials',
      scope: 'api',
    });
  });

  test('goes through the sender, with 10 s of its own and room for a long token', async () => {
    await ask(client, 50_000);
    expect(sent).toMatchObject([{ url: client.tokenUrl, timeoutMs: 10_000, keepBodyBytes: 65_536 }]);
    expect(server.received).toHaveLength(1);
  });

  test('serves all concurrent callers', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => ask()));
    expect(all).toEqual(Array(20).fill(token('token-1')));
    expect(server.received).toHaveLength(1);
  });

  test.each([
    ['tokenUrl', (url: string) => `${url}?tenant=1`],
    ['scope', () => 'other'],
    ['clientId', () => 'you'],
    ['clientSecret', () => 'hunter3'],
  ] as const)('does not serve a client of another %s', async (part, changed) => {
    const other = { ...client, [part]: changed(client[part]) };
    const [mine, theirs] = await Promise.all([ask(), ask(other)]);
    expect(mine).not.toEqual(theirs);
    expect(await ask()).toEqual(mine);
    expect(await ask(other)).toEqual(theirs);
    expect(server.received).toHaveLength(2);
  });

  test('does not confuse clients whose parts run together alike', async () => {
    await ask({ ...client, clientId: 'a","b', clientSecret: 'c' });
    await ask({ ...client, clientId: 'a', clientSecret: 'b","c' });
    expect(server.received).toHaveLength(2);
  });
});

describe('a token is cached', () => {
  const isKeptFor = async (ms: number) => {
    const asked = server.received.length;
    await ask();
    nowMs += ms - 1;
    await ask();
    expect(server.received).toHaveLength(asked + 1);
    nowMs += 1;
    await ask();
    expect(server.received).toHaveLength(asked + 2);
  };

  test('until 60 s before it expires', () => isKeptFor(59 * MINUTE_MS));

  test.each([
    ['seconds as a string', '600', 9 * MINUTE_MS],
    ['a fraction', 90.5, 30_500],
    ['seconds with decimals as a string', '600.0', 9 * MINUTE_MS],
    ['seconds in spaces', ' 600\n', 9 * MINUTE_MS],
    ['nothing', undefined, 4 * MINUTE_MS],
    ['null', null, 4 * MINUTE_MS],
    ['a negative number', -1, 4 * MINUTE_MS],
    ['words', 'an hour', 4 * MINUTE_MS],
    ['a year', 31_536_000, 24 * 60 * MINUTE_MS - MINUTE_MS],
    ['more than a number can say', '999999999999999', 24 * 60 * MINUTE_MS - MINUTE_MS],
  ])('where expires_in is %s', async (_, expires_in, ms) => {
    answers({ access_token: 'same', expires_in });
    await isKeptFor(ms);
  });

  test.each([0, 1, 59, 60])('not at all where it lives %i s: it serves those who wait', async (expires_in) => {
    answers({ access_token: 'brief', expires_in });
    expect(await Promise.all([ask(), ask()])).toEqual([token('brief'), token('brief')]);
    expect(server.received).toHaveLength(1);
    expect(await ask()).toEqual(token('brief'));
    expect(server.received).toHaveLength(2);
  });

  test('counted from the request: a response may have been frozen on its way', async () => {
    const release = holdAnswers();
    const asking = ask();
    await until(() => server.received.length === 1);
    nowMs += 58 * MINUTE_MS;
    release();
    expect(await asking).toEqual(token('token-1'));
    nowMs += MINUTE_MS;
    expect(await ask()).toEqual(token('token-2'));
  });

  test('not past a clock that was set back', async () => {
    await ask();
    nowMs -= SECOND_MS;
    expect(await ask()).toEqual(token('token-2'));
  });

  test('for at most 2000 clients: beyond, the oldest is fetched again', async () => {
    const fast: WebhookSender = {
      send: async (outgoing) => {
        sent.push(outgoing);
        return { kind: 'answered', status: 200, responseStart: '{"access_token":"t"}' };
      },
    };
    source = createTokenSource({ sender: fast, now: () => nowMs });
    const number = (index: number) => ({ ...client, clientId: String(index) });
    for (let index = 0; index <= 2000; index += 1) await ask(number(index));
    await ask(number(1));
    expect(sent).toHaveLength(2001);
    await ask(number(0));
    expect(sent).toHaveLength(2002);
  });
});

describe('a token that was refused', () => {
  test('is forgotten', async () => {
    await ask();
    source.drop(client, 'token-1');
    expect(await ask()).toEqual(token('token-2'));
  });

  test('does not take a newer one with it', async () => {
    await ask();
    source.drop(client, 'token-1');
    await ask();
    source.drop(client, 'token-1');
    expect(await ask()).toEqual(token('token-2'));
    expect(server.received).toHaveLength(2);
  });

  test('does not take another client’s with it', async () => {
    answers({ access_token: 'same', expires_in: 3600 });
    const other = { ...client, clientId: 'you' };
    await Promise.all([ask(), ask(other)]);
    source.drop(client, 'same');
    await ask(other);
    expect(server.received).toHaveLength(2);
  });
});

describe('without a token', () => {
  test.each([400, 401, 302, 500, 503])('the server’s %i comes back to be judged, without its words', async (status) => {
    reply = { status, body: '{"error":"hunter2 is wrong"}' };
    const result = await ask();
    expect(result).toMatchObject({ kind: 'none', result: { kind: 'answered', status, retryAfter: '7' } });
    expect(result).not.toHaveProperty('result.responseStart');
    expect(JSON.stringify(result)).not.toContain('hunter2');
  });

  test('a server that cannot be reached is a failure', async () => {
    const gone = await startPartner(() => {});
    await gone.close();
    expect(await ask({ ...client, tokenUrl: gone.url })).toMatchObject({
      kind: 'none',
      result: { kind: 'failed', code: 'ECONNREFUSED' },
    });
  });

  test('concurrent callers share the failure; a later caller fetches again', async () => {
    reply = { status: 503 };
    const all = await Promise.all(Array.from({ length: 5 }, () => ask()));
    expect(all.map(({ kind }) => kind)).toEqual(Array(5).fill('none'));
    expect(server.received).toHaveLength(1);
    reply = {};
    expect(await ask()).toEqual(token('token-2'));
  });

  test('a failure leaves nothing of an older token', async () => {
    answers({ access_token: 'first', expires_in: 3600 });
    await ask();
    nowMs += 59 * MINUTE_MS;
    reply = { status: 500 };
    expect(await ask()).toMatchObject({ kind: 'none' });
    reply = {};
    expect(await ask()).toEqual(token('token-3'));
  });
});

describe('time', () => {
  const TIMED_OUT = { kind: 'none', result: { kind: 'failed', code: 'TIMEOUT' } };

  test('each caller waits for its own time only; the fetch goes on for the others', async () => {
    const release = holdAnswers();
    const patient = ask();
    expect(await ask(client, 50)).toEqual(TIMED_OUT);
    release();
    expect(await patient).toEqual(token('token-1'));
    expect(server.received).toHaveLength(1);
  });

  test('a caller that timed out gets the token at its next attempt', async () => {
    const release = holdAnswers();
    expect(await ask(client, 50)).toEqual(TIMED_OUT);
    const next = ask();
    release();
    expect(await next).toEqual(token('token-1'));
    expect(server.received).toHaveLength(1);
  });

  test('a fetch that was frozen with the function is not waited for: the next caller fetches again', async () => {
    const release = holdAnswers();
    expect(await ask(client, 50)).toEqual(TIMED_OUT);
    nowMs += 10_001;
    const next = ask();
    await until(() => server.received.length === 2);
    release();
    expect((await next).kind).toBe('token');
  });

  test('a token at hand costs none', async () => {
    await ask();
    expect(await ask(client, 0)).toEqual(token('token-1'));
  });
});

describe('a 2xx', () => {
  const typed = (token_type: unknown) => JSON.stringify({ access_token: 'abc', token_type });
  const withError = (error: string) => JSON.stringify({ error, error_description: 'hunter2' });

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

  test('that is a form has a token and its lifetime', async () => {
    reply = { body: 'access_token=a%2Bb&expires_in=600' };
    expect(await ask()).toEqual(token('a+b'));
    nowMs += 9 * MINUTE_MS - 1;
    await ask();
    expect(server.received).toHaveLength(1);
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
  const REFUSALS = ['invalid_client', 'unauthorized_client', 'invalid_scope', 'unsupported_grant_type'].map(withError);
  const OTHER_TYPES = ['mac', 'DPoP', 'pop', 'N_A', 5, {}].map((token_type) =>
    JSON.stringify({ access_token: 'hunter2', token_type, mac_key: 'hunter2' }),
  );
  test.each([
    ...NO_TOKEN.map((body) => ['no_token', body]),
    ...REFUSALS.map((body) => ['refused', body]),
    ...OTHER_TYPES.map((body) => ['not_bearer', body]),
  ])('has none that can be sent, %s, and is not quoted: %s', async (problem, body) => {
    reply = { body };
    const result = await ask();
    expect(result).toMatchObject({ kind: 'none', result: { kind: 'answered', status: 200 }, problem });
    expect(result).not.toHaveProperty('result.responseStart');
    expect(JSON.stringify(result)).not.toContain('hunter2');
  });
});

describe('whatever the token server sends', () => {
  const json = JSON.stringify({ access_token: 'compressed', expires_in: 3600 });
  const utf16 = Buffer.from(`\uFEFF${json}`, 'utf16le');
  const plain = Buffer.from(json);
  const BOM = Buffer.from('\uFEFF');

  test.each<[string, Record<string, string>, Buffer]>([
    ['gzip', { 'content-encoding': 'gzip' }, gzipSync(plain)],
    ['x-gzip, in capitals', { 'content-encoding': 'X-GZIP' }, gzipSync(plain)],
    ['deflate', { 'content-encoding': 'deflate' }, deflateSync(plain)],
    ['deflate without its header', { 'content-encoding': 'deflate' }, deflateRawSync(plain)],
    ['br', { 'content-encoding': 'br' }, brotliCompressSync(plain)],
    ['zstd', { 'content-encoding': 'zstd' }, zstdCompressSync(plain)],
    ['two encodings', { 'content-encoding': 'br, gzip' }, gzipSync(brotliCompressSync(plain))],
    ['gzip that is not announced', {}, gzipSync(plain)],
    ['gzip without its end', { 'content-encoding': 'gzip' }, gzipSync(plain).subarray(0, -8)],
    ['an encoding that was undone on the way', { 'content-encoding': 'gzip' }, plain],
    ['identity', { 'content-encoding': 'identity' }, plain],
    ['a byte order mark', {}, Buffer.concat([BOM, plain])],
    ['a byte order mark in gzip', { 'content-encoding': 'gzip' }, gzipSync(Buffer.concat([BOM, plain]))],
    ['another content type', { 'content-type': 'text/html; charset="ISO-8859-1"' }, plain],
    ['a charset that is none', { 'content-type': 'application/json; charset=utf8mb4' }, plain],
    ['UTF-16 with its mark', {}, utf16],
    ['UTF-16 by its charset', { 'content-type': 'application/json;charset=utf-16le' }, utf16.subarray(2)],
  ])('a response with %s is read', async (_, headers, body) => {
    raw = { headers, body };
    expect(await ask()).toEqual(token('compressed'));
  });

  test.each<[string, Record<string, string>, Buffer]>([
    [
      'more than is read when it is decompressed',
      { 'content-encoding': 'gzip' },
      gzipSync(`${json}${' '.repeat(50_000_000)}`),
    ],
    ['an unknown encoding', { 'content-encoding': 'compress' }, Buffer.from(plain.map((byte) => byte ^ 255))],
    ['three encodings', { 'content-encoding': 'gzip, gzip, gzip' }, gzipSync(gzipSync(gzipSync(plain)))],
    ['half a gzip', { 'content-encoding': 'gzip' }, gzipSync(plain).subarray(0, 20)],
  ])('a response with %s is malformed', async (_, headers, body) => {
    raw = { headers, body };
    expect(await ask()).toMatchObject({
      kind: 'none',
      problem: 'no_token',
    });
  });

  test('a token longer than the default body limit is complete', async () => {
    const long = 'x'.repeat(8192);
    answers({ access_token: long, expires_in: 3600 });
    expect(await ask()).toEqual(token(long));
  });

  test('a token address that is not public is refused like any other', async () => {
    expect(await newSource([]).token(client, PATIENCE_MS)).toMatchObject({
      kind: 'none',
      result: { kind: 'failed', code: 'FORBIDDEN_ADDRESS' },
    });
    expect(server.received).toEqual([]);
  });
});

/** The token server delays its responses until the returned function is called. */
function holdAnswers(): () => void {
  const { promise, resolve } = Promise.withResolvers<void>();
  hold = promise;
  return resolve;
}
