import { globSync, readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { openClient } from '../../lambdas/shared/aws-clients.ts';
import { CLIENT_WAITS, type ClientWaits } from '../../lambdas/shared/io-deadlines.ts';
import { DYNAMODB, SignedClient } from '../../lambdas/shared/signed-client.ts';
import { clientOptions } from '../support/client-options.ts';
import { closedAfterEach } from '../support/closed-after-each.ts';
import { startRawPartner } from '../support/partner-server.ts';

/** Short enough for a test to wait for. No test depends on which of them ends a call. */
const SHORT: ClientWaits = { maxAttempts: 2, connectMs: 100, responseMs: 100, callMs: 250, maxSockets: 50 };
/** None of them ends a call within a test. From 2 and 6 s on, the SDK leaves timers that keep the process alive. */
const LONG: ClientWaits = { maxAttempts: 3, connectMs: 1_900, responseMs: 5_900, callMs: 60_000, maxSockets: 50 };

const keep = closedAfterEach();

async function endpointThat(onRequest: (socket: Socket) => void): Promise<string> {
  return (await keep(startRawPartner(onRequest))).url;
}

/** A call of a client of the SDK, all of which have the same transport, and of the ledger's, which has its own. */
const CLIENTS = {
  sdk(waits: ClientWaits, endpoint: string, text = 'text') {
    const client = openClient(DynamoDBClient, waits, clientOptions(endpoint));
    const command = new PutItemCommand({ TableName: 'ledger', Item: { pk: { S: text } } });
    return { client, send: (options = {}): Promise<unknown> => client.send(command, options) };
  },
  signed(waits: ClientWaits, endpoint: string, text = 'text') {
    const { region, credentials } = clientOptions(endpoint);
    const client = openClient(SignedClient, waits, {
      ...{ service: DYNAMODB, region, endpoint, credentials: async () => credentials },
    });
    const call = { operation: 'PutItem', input: { TableName: 'ledger', Item: { pk: { S: text } } } };
    return { client, send: (options = {}): Promise<unknown> => client.send(call, options) };
  },
};

// A test has real sockets and real time, or a fake clock and no socket: a client that waits on a fake clock before its
// next request would wait forever.
afterEach(() => void jest.useRealTimers());

test('the functions and the commands open no client in another way', () => {
  const root = join(import.meta.dirname, '../..');
  const sources = globSync('{lambdas,commands}/**/*.ts', { cwd: root }).map((file) =>
    readFileSync(join(root, file), 'utf8'),
  );
  expect(sources.join('').match(/\bopenClient\(/g)).not.toBeNull();
  expect(sources.flatMap((text) => text.match(/new \w+Client\(/g) ?? [])).toEqual([]);
});

test.each(Object.entries(CLIENT_WAITS))('the timeout of a call: %s', async (_use, waits) => {
  // A call that never gets as far as a socket, because it waits for credentials.
  class SilentClient {
    send(): Promise<never> {
      return new Promise(() => undefined);
    }
  }
  jest.useFakeTimers({ doNotFake: ['setImmediate'] });
  let ended: unknown;
  openClient(SilentClient, waits)
    .send()
    .catch((thrown: unknown) => {
      ended = thrown;
    });
  await jest.advanceTimersByTimeAsync(waits.callMs - 1);
  await new Promise(setImmediate);
  expect(ended).toBeUndefined();
  await jest.advanceTimersByTimeAsync(1);
  await new Promise(setImmediate);
  expect(ended).toMatchObject({ name: 'TimeoutError', message: `no response within ${waits.callMs} ms` });
});

describe.each(Object.entries(CLIENTS))('a call of the client “%s” fails if the server', (_client, open) => {
  async function expectFailure(endpoint: string, text = 'text'): Promise<void> {
    const { client, send } = open(SHORT, endpoint, text);
    await expect(send()).rejects.toHaveProperty('message');
    client.destroy();
  }

  const overloaded = 'x-amz-retry-after: 500\r\nretry-after: 1\r\ncontent-length: 2\r\nconnection: close';
  test.each<[string, (socket: Socket) => void]>([
    ['does not respond', () => undefined],
    ['stops in the headers', (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-type: appl')],
    ['stops after the headers', (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n')],
    ['stops in the body', (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"a":')],
    ['closes the connection', (socket) => socket.destroy()],
    [
      'is overloaded, and requests a longer pause than the call has',
      (socket) => socket.end(`HTTP/1.1 503 Service Unavailable\r\n${overloaded}\r\n\r\n{}`),
    ],
  ])('%s', async (_behaviour, behave) => expectFailure(await endpointThat(behave)));

  test('stops reading the request', async () => {
    // Larger than the buffers of sockets, so that the request is blocked.
    await expectFailure(await endpointThat((socket) => socket.pause()), 'x'.repeat(8 * 1024 * 1024));
  });

  test('does not listen', () => expectFailure('http://127.0.0.1:1'));

  test('sends a body drop by drop', async () => {
    const endpoint = await endpointThat((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n{');
      const timer = setInterval(() => socket.write(' '), 20);
      socket.once('close', () => clearInterval(timer));
    });
    const { client, send } = open({ ...LONG, callMs: 250 }, endpoint);
    await expect(send()).rejects.toThrow('no response within 250 ms');
    client.destroy();
  });

  test('leaves no free socket', async () => {
    const endpoint = await endpointThat(() => undefined);
    const { client, send } = open({ ...LONG, connectMs: 500, callMs: 250, maxSockets: 2 }, endpoint);
    const calls = Array.from({ length: 6 }, () => send().catch(({ message }: Error) => message));
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['no response within 250 ms']));
    client.destroy();
  });
});

test.each(Object.entries(CLIENTS))('a call of the client “%s” ends with the caller’s signal', async (_client, open) => {
  const controller = new AbortController();
  const endpoint = await endpointThat(() => controller.abort(new Error('enough')));
  const { client, send } = open(LONG, endpoint);
  await expect(send({ abortSignal: controller.signal })).rejects.toThrow('enough');
  await expect(send({ abortSignal: controller.signal })).rejects.toThrow('enough');
  client.destroy();
});

test('a response that arrives while the event loop is blocked counts', async () => {
  class BusyClient {
    send(): Promise<string> {
      const response = new Promise<string>((resolve) => setImmediate(resolve, 'response'));
      const untilMs = performance.now() + 5;
      while (performance.now() < untilMs);
      return response;
    }
  }
  const client = openClient(BusyClient, { ...LONG, callMs: 1 });
  // From here on the event loop runs timers before it reads sockets.
  await new Promise(setImmediate);
  expect(await client.send()).toBe('response');
});

test.each(Object.entries(CLIENTS))(
  'a dead socket costs the client “%s” one request and not the call',
  async (_client, open) => {
    let requests = 0;
    const endpoint = await endpointThat((socket) => {
      requests += 1;
      if (requests > 1) socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}');
    });
    const { client, send } = open({ ...LONG, responseMs: 200, callMs: 10_000 }, endpoint);
    await expect(send()).resolves.toBeDefined();
    client.destroy();
  },
);
