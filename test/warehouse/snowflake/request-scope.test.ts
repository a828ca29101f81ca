import { once } from 'node:events';
import { createServer, get, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { createRequestScope } from '../../../lambdas/warehouse/snowflake/request-scope.ts';

let server: Server;
const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

beforeAll(async () => {
  server = createServer((request, response) => {
    if (request.url === '/reset') request.socket.destroy();
    else if (request.url === '/busy') response.writeHead(503).end();
    else if (request.url === '/endless') pour(response);
    else if (request.url !== '/hang') response.end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
});

/** Writes until the reader closes. */
function pour(response: ServerResponse): void {
  const block = 'x'.repeat(1 << 20);
  const more = () => {
    while (response.write(block));
  };
  response.on('drain', more).on('error', () => {});
  more();
}

afterAll(() => {
  server.close();
  server.closeAllConnections();
});

function outcome(path: string): Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  get(url() + path)
    .on('response', () => resolve('response'))
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
  expect(await outcome('/')).toBe('response');
  expect(await createRequestScope().run(() => outcome('/'))).toBe('response');
});

test('ending a scope leaves closed requests alone: it does not keep them', async () => {
  const scope = createRequestScope();
  const request = scope.run(() => get(url(), (response) => response.resume()));
  await once(request, 'close');
  const destroy = jest.spyOn(request, 'destroy');
  scope.end();
  expect(destroy).not.toHaveBeenCalled();
});

test('a response without an end is reported, and is read no further', async () => {
  const codes: string[] = [];
  const scope = createRequestScope((code) => codes.push(code));
  const request = scope.run(() => get(`${url()}/endless`));
  let bytes = 0;
  request.on('response', (response) =>
    response.on('data', (chunk: Buffer) => (bytes += chunk.length)).on('error', () => {}),
  );
  await expect(once(request, 'close')).rejects.toMatchObject({ code: 'ERR_CANCELED' });
  expect(codes).toEqual(['too_large']);
  expect(bytes).toBeGreaterThan(4 * 1024 * 1024);
});

test.each([
  ['two without a response', ['/reset', '/reset'], ['network']],
  ['a 5xx counts too', ['/reset', '/busy'], ['network']],
  ['one failure', ['/reset'], []],
  ['a response in between', ['/reset', '/', '/reset'], []],
])('two failures in a row are reported: %s', async (_, paths, expected) => {
  const calls: string[] = [];
  const scope = createRequestScope((code) => calls.push(code));
  for (const path of paths) await scope.run(() => outcome(path));
  expect(calls).toEqual(expected);
});
