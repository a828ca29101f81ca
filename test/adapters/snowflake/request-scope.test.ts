import { once } from 'node:events';
import { createServer, get, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createRequestScope } from '../../../lambdas/adapters/snowflake/request-scope.ts';

let server: Server;
const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

beforeAll(async () => {
  server = createServer((request, response) => {
    if (request.url === '/reset') request.socket.destroy();
    else if (request.url === '/busy') response.writeHead(503).end();
    else if (request.url !== '/hang') response.end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
});

afterAll(() => {
  server.close();
  server.closeAllConnections();
});

function outcome(path: string): Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  get(url() + path)
    .on('response', () => resolve('answered'))
    .on('error', (error: NodeJS.ErrnoException) => resolve(error.code));
  return promise;
}

test('ending a scope ends its requests in flight, those made later in it, and no others', async () => {
  const scope = createRequestScope();
  const received = once(server, 'request');
  const inFlight = scope.run(() => outcome('/hang'));
  await received;
  const later = scope.run(async () => {
    await inFlight;
    return outcome('/');
  });

  scope.end();

  expect(await inFlight).toBe('ERR_CANCELED');
  expect(await later).toBe('ERR_CANCELED');
  expect(await outcome('/')).toBe('answered');
  expect(await createRequestScope().run(() => outcome('/'))).toBe('answered');
});

test.each([
  ['two without an answer', ['/reset', '/reset'], 1],
  ['a 5xx counts too', ['/reset', '/busy'], 1],
  ['one alone', ['/reset'], 0],
  ['an answer in between', ['/reset', '/', '/reset'], 0],
])('repeated failure is told after two in a row: %s', async (_, paths, told) => {
  let calls = 0;
  const scope = createRequestScope(() => {
    calls += 1;
  });
  for (const path of paths) await scope.run(() => outcome(path));
  expect(calls).toBe(told);
});
