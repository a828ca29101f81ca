import { createServer, type ServerResponse } from 'node:http';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createCall } from '../../console/call.ts';
import { type HttpServer, listen } from '../../local/http-server.ts';

const call = createCall('the-token');
let server: HttpServer;
let respond: (response: ServerResponse) => void;
let received: { url?: string | undefined; authorization?: string | undefined };

const { fetch: realFetch } = globalThis;

beforeEach(async () => {
  server = await listen(
    createServer((request, response) => {
      received = { url: request.url, authorization: request.headers.authorization };
      respond(response);
    }),
  );
  // Of the page, whose addresses begin with its own origin.
  globalThis.fetch = (path, options) => realFetch(`${server.url}${path}`, options);
});
afterEach(async () => {
  globalThis.fetch = realFetch;
  await server.close();
});

test('the token is a header, and interim results come before the result', async () => {
  respond = (response) => response.end('{"progress":"one"}\n{"progress":"two"}\n{"result":{"name":"local"}}\n');
  const progress: unknown[] = [];
  expect(await call('stage', {}, { onProgress: (line) => progress.push(line) })).toEqual({ name: 'local' });
  expect(progress).toEqual(['one', 'two']);
  expect(received).toEqual({ url: '/api/stage', authorization: 'Bearer the-token' });
});

test('lines that arrive in parts, also within a character', async () => {
  const text = Buffer.from(`{"progress":"é"}\n{"result":"${'学'.repeat(100_000)}"}\n`);
  respond = async (response) => {
    for (let at = 0; at < text.length; at += 9973)
      await new Promise((resolve) => response.write(text.subarray(at, at + 9973), resolve));
    response.end();
  };
  const result: unknown = await call('stage', {});
  expect(result).toBe('学'.repeat(100_000));
});

test('an operation without a result', async () => {
  respond = (response) => response.end('{}\n');
  expect(await call('stage', {})).toBeUndefined();
});

test.each([
  ['an error line', (response: ServerResponse) => response.end('{"error":"denied"}\n'), 'denied'],
  [
    'a refusal',
    (response: ServerResponse) => response.writeHead(401).end('{"error":"the token is not valid"}'),
    'the token is not valid',
  ],
  ['another response', (response: ServerResponse) => response.writeHead(502).end('<html>'), 'the console responds 502'],
  ['no result', (response: ServerResponse) => response.end('{"progress":1}\n'), 'the console ended before its result'],
  ['half a line', (response: ServerResponse) => response.end('{"resu'), 'the console ended before its result'],
  ['no JSON', (response: ServerResponse) => response.end('<html>\n'), 'the console ended before its result'],
  [
    'the end of the connection',
    (response: ServerResponse) => response.write('{"progress":1}\n', () => response.destroy()),
    'the console ended before its result',
  ],
  [
    'no response',
    (response: ServerResponse) => response.destroy(),
    'the console does not respond: was it ended in its terminal?',
  ],
])('%s is a failure in words', async (_, responds, message) => {
  respond = responds;
  await expect(call('stage', {})).rejects.toMatchObject({ name: 'CallFailed', message });
});

test('a call that is stopped closes its connection, and rejects with the signal’s reason', async () => {
  const closed = Promise.withResolvers<void>();
  const stopping = new AbortController();
  respond = (response) => {
    response.once('close', () => closed.resolve());
    response.write('{"progress":1}\n');
  };
  const running = call(
    'stage',
    {},
    { signal: stopping.signal, onProgress: () => stopping.abort(new Error('stopped')) },
  );
  await expect(running).rejects.toThrow('stopped');
  await closed.promise;
});
