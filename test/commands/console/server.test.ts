import { type AddressInfo, connect, createServer } from 'node:net';
import { expect, test } from '@jest/globals';
import * as z from 'zod';
import { operation } from '../../../commands/console/operation.ts';
import { closedAfterEach } from '../../support/closed-after-each.ts';
import { eachTest } from '../../support/each-test.ts';
import { startOperatorWorld } from '../operator-world.ts';
import { callAsPage, ECHO, linesOf, pageHeaders, type RequestParts, send, startConsole } from './console-requests.ts';

const world = eachTest(startOperatorWorld);
const closed = closedAfterEach();

const CALL = { method: 'POST', path: '/api/echo', body: '{"text":"hello"}' } as const;

/** Of every response, whatever its status is. */
const SECURITY_HEADERS = {
  'content-security-policy': expect.stringMatching(
    /^default-src 'none'; script-src 'self'; style-src 'self'; .*frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'$/,
  ),
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

test('its address is on loopback, with a token in the fragment that no other start has', async () => {
  const [one, other] = [await closed(startConsole(world)), await closed(startConsole(world))];
  expect(one.address).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#token=[\w-]{43}$/);
  expect(one.token).not.toBe(other.token);
});

test('the page calls an operation', async () => {
  const console = await closed(startConsole(world));
  const response = await callAsPage(console, 'echo', { text: 'hello' });
  expect([response.status, response.headers['content-type'], linesOf(response)]).toEqual([
    ...[200, 'application/x-ndjson', [{ result: { text: 'hello' } }]],
  ]);
});

test.each([
  ['another name, as after DNS rebinding', ({ port }: URL) => `attacker.example:${port}`],
  ['localhost', ({ port }: URL) => `localhost:${port}`],
  ['another port', () => '127.0.0.1:1'],
  ['no port', () => '127.0.0.1'],
  ['a user', ({ host }: URL) => `x@${host}`],
  ['a dot at its end', ({ port }: URL) => `127.0.0.1.:${port}`],
  ['the IPv6 form', ({ port }: URL) => `[::1]:${port}`],
  ['nothing', () => ''],
])('Host with %s is refused, for a file and for a call', async (_, hostOf) => {
  const console = await closed(startConsole(world));
  const host = hostOf(new URL(console.url));
  const call = await send(console, { ...CALL, headers: { ...pageHeaders(console), host } });
  const file = await send(console, { headers: { host } });
  expect([call.status, file.status]).toEqual([403, 403]);
  expect(file.text).toBe(`only for ${console.url}`);
});

test('a request without Host is refused', async () => {
  const console = await closed(startConsole(world));
  const { host: _, ...headers } = pageHeaders(console);
  expect(await send(console, { ...CALL, headers })).toMatchObject({ status: 400, text: '' });
});

test.each([
  ['another site', () => 'https://attacker.example', 403],
  ['another port of this machine', () => 'http://127.0.0.1:1', 403],
  ['another name of this machine', ({ port }: URL) => `http://localhost:${port}`, 403],
  ['https', ({ host }: URL) => `https://${host}`, 403],
  ['a path', ({ host }: URL) => `http://${host}/`, 403],
  ['a sandboxed frame', () => 'null', 403],
])('Origin of %s is refused, for a file and for a call', async (_, originOf, status) => {
  const console = await closed(startConsole(world));
  const origin = originOf(new URL(console.url));
  const { host, ...headers } = pageHeaders(console);
  const call = await send(console, { ...CALL, headers: { ...headers, host, origin } });
  const file = await send(console, { headers: { host, origin } });
  expect([call.status, file.status]).toEqual([status, status]);
  // No other page may read it, either.
  expect(Object.keys(call.headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
});

test('a call without Origin is refused: browsers send one with each POST', async () => {
  const console = await closed(startConsole(world));
  const { origin: _, ...headers } = pageHeaders(console);
  expect((await send(console, { ...CALL, headers })).status).toBe(403);
});

test.each([
  ['no token', () => undefined],
  ['an empty one', () => 'Bearer '],
  ['a wrong one of the same length', (token: string) => `Bearer ${'x'.repeat(token.length)}`],
  ['a part of it', (token: string) => `Bearer ${token.slice(0, -1)}`],
  ['more than it', (token: string) => `Bearer ${token}x`],
  ['another scheme', (token: string) => `Basic ${token}`],
])('a call with %s is refused', async (_, authorizationOf) => {
  const console = await closed(startConsole(world));
  const { authorization: _own, ...others } = pageHeaders(console);
  const authorization = authorizationOf(console.token);
  const headers = authorization === undefined ? others : { ...others, authorization };
  const response = await send(console, { ...CALL, headers });
  expect([response.status, JSON.parse(response.text)]).toEqual([
    ...[401, { error: 'the token of this page is not valid: open the address that the console printed' }],
  ]);
});

test('the token of another start is refused', async () => {
  const [one, other] = [await closed(startConsole(world)), await closed(startConsole(world))];
  const headers = { ...pageHeaders(one), authorization: `Bearer ${other.token}` };
  expect((await send(one, { ...CALL, headers })).status).toBe(401);
});

test('the token counts in the header only: not in a query, nor in a cookie', async () => {
  const console = await closed(startConsole(world));
  const { authorization: _, ...headers } = pageHeaders(console);
  const path = `${CALL.path}?token=${console.token}`;
  const response = await send(console, { ...CALL, path, headers: { ...headers, cookie: `token=${console.token}` } });
  expect(response.status).toBe(401);
});

test.each([
  ['GET', '/api/echo', 405],
  ['OPTIONS', '/api/echo', 405],
  ['PUT', '/api/echo', 405],
  ['POST', '/', 405],
  ['DELETE', '/assets/main.js', 405],
  ['HEAD', '/', 200],
])('%s %s: %d', async (method, path, status) => {
  const console = await closed(startConsole(world));
  expect((await send(console, { method, path, headers: pageHeaders(console) })).status).toBe(status);
});

test.each([
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data',
  'application/json; charset=x',
  '',
])('a call whose content type is %j is refused: a form of another site can send no JSON', async (type) => {
  const console = await closed(startConsole(world));
  const headers = { ...pageHeaders(console), 'content-type': type };
  expect((await send(console, { ...CALL, headers })).status).toBe(415);
});

test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', '', 'echo/', 'ECHO', '%65cho', '../api/echo'])(
  'there is no operation %j',
  async (name) => {
    const console = await closed(startConsole(world));
    expect((await callAsPage(console, name, { text: '' })).status).toBe(404);
  },
);

test.each([
  ['nothing', '', 'the body is not JSON'],
  ['half a document', '{"text":', 'the body is not JSON'],
  ['another type', '{"text":1}', /^text: /],
  ['one more field', '{"text":"","more":1}', /^input: /],
  ['a prototype', '{"text":"","__proto__":{"polluted":true}}', /^input: /],
  ['an array', '[]', /^input: /],
  ['bytes that are not UTF-8', '{"text":"\ud800', 'the body is not JSON'],
])('an input of %s is refused with its reason', async (_, body, error) => {
  const console = await closed(startConsole(world));
  const response = await send(console, { ...CALL, headers: pageHeaders(console), body });
  expect([response.status, JSON.parse(response.text).error]).toEqual([
    ...[400, typeof error === 'string' ? error : expect.stringMatching(error)],
  ]);
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
});

test('a body of 64 KiB is read, one byte more is refused', async () => {
  const console = await closed(startConsole(world));
  const bodyOf = (bytes: number) => JSON.stringify({ text: 'x'.repeat(bytes - '{"text":""}'.length) });
  const statusOf = async (body: string) =>
    (await send(console, { ...CALL, headers: pageHeaders(console), body })).status;
  expect([await statusOf(bodyOf(65_536)), await statusOf(bodyOf(65_537)), await statusOf(bodyOf(5_000_000))]).toEqual([
    ...[200, 413, 413],
  ]);
});

test('headers of over 16 KiB are refused, and the console continues', async () => {
  const console = await closed(startConsole(world));
  const headers = { ...pageHeaders(console), 'x-long': 'x'.repeat(20_000) };
  expect(await send(console, { headers })).toMatchObject({ status: 431, text: '' });
  expect((await callAsPage(console, 'echo', { text: '' })).status).toBe(200);
});

test('every response has the security headers, and none has the token or a cookie', async () => {
  const broken = operation(z.strictObject({}), async () => {
    throw new TypeError('x is not a function');
  });
  const console = await closed(
    startConsole(
      world,
      { echo: ECHO, broken },
      {
        async files(path) {
          if (path === '/broken') throw new Error('no bundle');
          return path === '/' ? { type: 'text/html', body: 'page', isImmutable: false } : undefined;
        },
      },
    ),
  );
  const headers = pageHeaders(console);
  const { authorization: _, ...withoutToken } = headers;
  const requests: Readonly<Record<string, RequestParts>> = {
    '200 page': { headers },
    '404 file': { headers, path: '/nothing.js' },
    '500 file': { headers, path: '/broken' },
    '403 host': { headers: { ...headers, host: 'attacker.example' } },
    '403 origin': { ...CALL, headers: { ...headers, origin: 'null' } },
    '405 file': { headers, method: 'POST' },
    '405 call': { headers, path: '/api/echo' },
    '401 call': { ...CALL, headers: withoutToken },
    '415 call': { ...CALL, headers: { ...headers, 'content-type': 'text/plain' } },
    '404 call': { ...CALL, headers, path: '/api/nothing' },
    '400 call': { ...CALL, headers, body: '{' },
    '413 call': { ...CALL, headers, body: 'x'.repeat(70_000) },
    '200 call': { ...CALL, headers },
    '200 broken': { ...CALL, headers, path: '/api/broken', body: '{}' },
  };
  for (const [name, parts] of Object.entries(requests)) {
    const response = await send(console, parts);
    expect([name, response.headers]).toEqual([name, expect.objectContaining(SECURITY_HEADERS)]);
    expect(`${response.status} ${name.split(' ')[1]}`).toBe(name);
    expect(JSON.stringify(response)).not.toContain(console.token);
    expect(response.headers['set-cookie']).toBeUndefined();
  }
});

test('a file is kept by the browser if its name changes with its content; a page and a call are not', async () => {
  const console = await closed(startConsole(world));
  const headers = pageHeaders(console);
  const cacheControl = async (parts: RequestParts) => (await send(console, parts)).headers['cache-control'];
  expect([
    await cacheControl({ headers, path: '/assets/main.js' }),
    await cacheControl({ headers }),
    await cacheControl({ ...CALL, headers }),
  ]).toEqual(['private, max-age=31536000, immutable', 'no-store', 'no-store']);
});

test('an error of the page’s files is a text, and the console continues', async () => {
  const files = async () => {
    throw new Error('the page cannot be bundled: console/app.tsx:1: expected ";"');
  };
  const console = await closed(startConsole(world, { echo: ECHO }, { files }));
  expect(await send(console, { headers: pageHeaders(console) })).toMatchObject({
    status: 500,
    headers: { 'content-type': 'text/plain; charset=utf-8' },
    text: 'the console has failed: the page cannot be bundled: console/app.tsx:1: expected ";"',
  });
  expect((await callAsPage(console, 'echo', { text: '' })).status).toBe(200);
});

test('300 connections that send nothing do not keep the page waiting', async () => {
  const console = await closed(startConsole(world));
  const port = Number(new URL(console.url).port);
  const sockets = Array.from({ length: 300 }, () => connect(port, '127.0.0.1').on('error', () => {}));
  await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
  expect((await callAsPage(console, 'echo', { text: '' })).status).toBe(200);
});

test('a port in use is an error with its code', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as AddressInfo;
  await expect(startConsole(world, {}, { port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  await new Promise((resolve) => other.close(resolve));
});
