import { EventEmitter } from 'node:events';
import { Writable } from 'node:stream';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { IO_DEADLINES } from '../../lambdas/shared/io-deadlines.ts';
import { disconnect, type ValkeyClient } from '../../lambdas/valkey/client.ts';
import { ValkeyConnection } from '../../lambdas/valkey/connection.ts';
import { outcomesWithin } from '../../lambdas/valkey/outcomes.ts';

// A fake clock and no socket, so that production's deadlines are exact and take no time.
beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['setImmediate'] });
});
afterEach(() => {
  jest.useRealTimers();
});

/** A connection whose attempts to connect are settled by the test. */
function connection() {
  const attempts: (PromiseWithResolvers<ValkeyClient> & { limitMs: number })[] = [];
  const opened = new ValkeyConnection(
    (limitMs) => {
      const attempt = Promise.withResolvers<ValkeyClient>();
      attempts.push({ ...attempt, limitMs });
      return attempt.promise;
    },
    () => undefined,
    Date.now,
    IO_DEADLINES.valkey,
  );
  return { opened, attempts };
}

class StubClient extends EventEmitter {
  readonly status = 'ready';
  disconnect(): void {
    this.emit('end');
  }
}
const stubClient = () => new StubClient() as unknown as ValkeyClient;

/** Moves the clock forward, and runs what is due. */
async function pass(ms: number): Promise<void> {
  await jest.advanceTimersByTimeAsync(ms);
  await new Promise(setImmediate);
}

/** Expects that a promise settles when `ms` have passed, and not before. */
async function expectAfter(ms: number, promise: Promise<unknown>): Promise<void> {
  let isSettled = false;
  void promise.then(() => {
    isSettled = true;
  });
  await pass(ms - 1);
  expect(isSettled).toBe(false);
  await pass(1);
  expect(isSettled).toBe(true);
}

test('the first lookup of an environment waits 500 ms for a connection, and 200 ms more for its command', async () => {
  const { opened, attempts } = connection();
  expect(opened.limitMs).toBe(700);
  await expectAfter(500, opened.client(opened.limitMs));
  expect(attempts.map(({ limitMs }) => limitMs)).toEqual([2_000]);
});

test('a lookup meanwhile waits for the rest of that time, and later ones do not wait', async () => {
  const { opened } = connection();
  opened.connect();
  await pass(300);
  await expectAfter(200, opened.client(opened.limitMs));
  expect(await opened.client(opened.limitMs)).toBeUndefined();
});

test('a lookup after the connection was lost waits 200 ms for another one', async () => {
  const { opened, attempts } = connection();
  const first = opened.client(opened.limitMs);
  const client = stubClient();
  attempts[0]?.resolve(client);
  expect(await first).toBe(client);
  expect(opened.limitMs).toBe(200);
  await pass(1_000);
  client.disconnect();
  await expectAfter(200, opened.client(opened.limitMs));
});

test('a lookup after a failed attempt does not wait; 20 s later it waits 200 ms again', async () => {
  const { opened, attempts } = connection();
  const first = opened.client(opened.limitMs);
  attempts[0]?.reject(new Error('refused'));
  expect(await first).toBeUndefined();
  await pass(1_000);
  expect(await opened.client(opened.limitMs)).toBeUndefined();
  expect(attempts).toHaveLength(2);
  attempts[1]?.reject(new Error('refused'));
  await pass(20_001);
  await expectAfter(200, opened.client(opened.limitMs));
});

test('a connection in use is kept; one that was idle for more than 20 s is replaced', async () => {
  const { opened, attempts } = connection();
  opened.connect();
  const client = stubClient();
  attempts[0]?.resolve(client);
  for (let use = 0; use < 3; use += 1) {
    await pass(20_000);
    expect(await opened.client(opened.limitMs)).toBe(client);
  }
  const next = stubClient();
  await pass(20_001);
  const replaced = opened.client(opened.limitMs);
  attempts[1]?.resolve(next);
  expect(await replaced).toBe(next);
  // Another command of the discarded client fails later.
  opened.discard(client);
  expect(await opened.client(opened.limitMs)).toBe(next);
  expect(attempts).toHaveLength(2);
});

test('a client that does not respond to several calls is closed once', async () => {
  const { opened, attempts } = connection();
  opened.connect();
  const client = stubClient();
  const close = jest.spyOn(client, 'disconnect');
  attempts[0]?.resolve(client);
  await opened.client(opened.limitMs);
  const calls = Promise.all([1, 2, 3].map(() => opened.run(() => [new Promise(() => undefined)])));
  await pass(200);
  expect((await calls).flat()).toHaveLength(3);
  expect(close).toHaveBeenCalledTimes(1);
});

test('commands without a response are lost after 200 ms', async () => {
  const outcomes = outcomesWithin([new Promise(() => undefined)], IO_DEADLINES.valkey.commandMs);
  await expectAfter(200, outcomes);
  expect(await outcomes).toEqual([{ lost: new Error('no response within 200 ms') }]);
});

test('a client is closed, unless its connection has ended already', () => {
  const close = jest.fn();
  for (const status of ['ready', 'reconnecting', 'end']) {
    disconnect({ status, disconnect: () => close(status) } as unknown as ValkeyClient);
  }
  expect(close.mock.calls).toEqual([['ready'], ['reconnecting']]);
});

test.each(['a single node', 'each node of a cluster'])('the commands of one tick are one write to %s', async (kind) => {
  jest.useRealTimers();
  const writes: number[] = [];
  const node = () => {
    const stream = new Writable({
      writev(commands, done) {
        writes.push(commands.length);
        done();
      },
    });
    return Object.assign(new StubClient(), { stream });
  };
  const nodes = kind === 'a single node' ? [node()] : [node(), node()];
  const [first = node()] = nodes;
  // A node that is not connected yet has no stream.
  const cluster = Object.assign(new StubClient(), { nodes: () => [...nodes, new StubClient()] });
  const { opened, attempts } = connection();
  opened.connect();
  attempts[0]?.resolve((nodes.length === 1 ? first : cluster) as unknown as ValkeyClient);
  await opened.client(1000);
  const send = () => opened.run(() => nodes.map(async ({ stream }) => stream.write('command')));
  for (const count of [10, 1]) {
    await Promise.all(Array.from({ length: count }, send));
    await new Promise(setImmediate);
  }
  expect(writes).toEqual(nodes.length === 1 ? [10, 1] : [10, 10, 1, 1]);
});
