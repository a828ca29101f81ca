import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { CommandRefused, startControlServer } from '../../../local/control/control-server.ts';
import type { HttpServer } from '../../../local/http-server.ts';

let server: HttpServer;
const commands: string[] = [];

beforeAll(async () => {
  server = await startControlServer(async (words) => {
    if (words[0] === 'refuse') throw new CommandRefused('not this one');
    if (words[0] === 'fail') throw new Error('broken');
    commands.push(words.join(' '));
    return 'done';
  });
});
beforeEach(() => void commands.splice(0));
afterAll(() => server.close());

interface Asked {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** As `fetch` cannot: with any `Host` and `Origin`. */
async function ask({ method = 'POST', path = '/commands', headers = {}, body = '{"words":["flag","on"]}' }: Asked) {
  const asking = request(`${server.url}${path}`, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
  });
  const answered = new Promise<{ status: number | undefined; body: unknown }>((resolve, reject) => {
    asking.once('error', reject).once('response', async (response) => {
      resolve({ status: response.statusCode, body: JSON.parse(await text(response)) });
    });
  });
  asking.end(method === 'POST' ? body : undefined);
  return answered;
}

test('a command is done and answered', async () => {
  expect(await ask({})).toEqual({ status: 200, body: { text: 'done' } });
  expect(commands).toEqual(['flag on']);
});

test.each<[what: string, asked: Asked, status: number]>([
  ['another host, which a name was made to point here for', { headers: { host: 'evil.example:80' } }, 403],
  ['the right name with another port', { headers: { host: '127.0.0.1:1' } }, 403],
  ['a page of another site', { headers: { origin: 'https://evil.example' } }, 403],
  ['a form, which a page may send unasked', { headers: { 'content-type': 'text/plain' } }, 415],
  ['a browser’s question whether it may', { method: 'OPTIONS' }, 404],
  ['an image', { method: 'GET' }, 404],
  ['another path', { path: '/' }, 404],
  ['no JSON', { body: 'words' }, 400],
  ['no words', { body: '{"words":"flag on"}' }, 400],
  ['too much', { body: `{"words":["${'x'.repeat(5000)}"]}` }, 400],
])('%s is refused', async (_what, asked, status) => {
  expect(await ask(asked)).toMatchObject({ status });
  expect(commands).toEqual([]);
});

test('what cannot be done is said', async () => {
  expect(await ask({ body: '{"words":["refuse"]}' })).toEqual({ status: 400, body: { error: 'not this one' } });
  expect(await ask({ body: '{"words":["fail"]}' })).toEqual({ status: 500, body: { error: 'broken' } });
});
