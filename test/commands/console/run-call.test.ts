import { createServer, request, type ServerResponse } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import * as z from 'zod';
import { type AnyOperation, operation, type Work } from '../../../commands/console/operation.ts';
import { runCall } from '../../../commands/console/run-call.ts';
import type { ConsoleServer } from '../../../commands/console/server.ts';
import { CommandFailed } from '../../../commands/shared/failures.ts';
import { LedgerUnavailable } from '../../../lambdas/shared/errors.ts';
import { listen } from '../../../local/http-server.ts';
import { closedAfterEach } from '../../support/closed-after-each.ts';
import { eachTest } from '../../support/each-test.ts';
import { serviceError } from '../../support/factories.ts';
import { startOperatorWorld } from '../operator-world.ts';
import { callAsPage, ECHO, linesOf, pageHeaders, startConsole } from './console-requests.ts';

const world = eachTest(startOperatorWorld);
const closed = closedAfterEach();

const NOTHING = z.strictObject({});

/** An operation that runs until the test lets it, or its signal aborts. */
function waiting() {
  const begun = Promise.withResolvers<Work<string>>();
  const goOn = Promise.withResolvers<void>();
  const run = async (_: unknown, work: Work<string>) => {
    begun.resolve(work);
    await goOn.promise;
    return 'done';
  };
  return { waits: operation<object, string, string>(NOTHING, run) as AnyOperation, begun: begun.promise, goOn };
}

/** Calls as the page does, and reads nothing. @returns what closes the connection */
function callWithoutReading(console: ConsoleServer, name: string) {
  const { port } = new URL(console.url);
  const headers = pageHeaders(console);
  const call = request({ host: '127.0.0.1', port, method: 'POST', path: `/api/${name}`, setHost: false, headers });
  // Without a listener, what arrives would be read and dropped.
  call
    .on('response', () => {})
    .on('error', () => {})
    .end('{}');
  return call;
}

/** Resolves when a signal aborts. */
const aborted = ({ signal }: Pick<Work, 'signal'>) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve());
  });

test('interim results come before the result, one a line, also with line breaks in them', async () => {
  const counts = operation<object, string, string>(NOTHING, async (_, { report }) => {
    for (const line of ['one', 'two\nlines', '\u2028']) await report(line);
    return 'end';
  });
  const console = await closed(startConsole(world, { counts: counts as AnyOperation }));
  expect(linesOf(await callAsPage(console, 'counts', {}))).toEqual([
    ...[{ progress: 'one' }, { progress: 'two\nlines' }, { progress: '\u2028' }, { result: 'end' }],
  ]);
});

test('an operation that reports faster than the page reads is held', async () => {
  const begun = Promise.withResolvers<void>();
  let reported = 0;
  const floods = operation<object, string, string>(NOTHING, async (_, { report, signal }) => {
    begun.resolve();
    while (!signal.aborted) {
      await Promise.all(Array.from({ length: 20 }, () => report('x'.repeat(100_000))));
      reported += 1;
      // A connection that takes everything must not keep this process from noticing its end.
      await setImmediate();
    }
    return 'stopped';
  });
  const console = await closed(startConsole(world, { floods: floods as AnyOperation }));
  const call = callWithoutReading(console, 'floods');
  await begun.promise;
  // What the kernel's buffers take is written. Then nothing is, however often other work runs.
  let before = -1;
  while (reported !== before) {
    before = reported;
    for (let turn = 0; turn < 500; turn += 1) await setImmediate();
  }
  expect(reported).toBeLessThan(20);
  call.destroy();
});

test('however many reports wait for the connection, they share a listener', async () => {
  const listeners = Promise.withResolvers<number>();
  let response: ServerResponse | undefined;
  const floods = operation<object, void, string>(NOTHING, async (_, { report }) => {
    const reports = Array.from({ length: 20 }, () => report('x'.repeat(1_000_000)));
    listeners.resolve(response?.listenerCount('drain') ?? 0);
    await Promise.all(reports);
  });
  const server = await closed(
    listen(
      createServer((_, own) => {
        response = own;
        const openStage = () => world.context.openStage('local');
        const surroundings = { context: world.context, stageName: 'local', runProgram: async () => 0, openStage };
        void runCall(own, floods as AnyOperation, {}, { ...surroundings, closing: new AbortController().signal });
      }),
    ),
  );
  const text = await (await fetch(server.url)).text();
  expect([await listeners.promise, text.split('\n').length]).toEqual([1, 22]);
});

test('what an operation reports after its result is dropped, and the console continues', async () => {
  const failures: unknown[] = [];
  const ended = operation<object, string, string>(NOTHING, async (_, { report }) => {
    late = report;
    return 'done';
  });
  let late: Work<string>['report'] = async () => {};
  const server = await closed(
    listen(
      createServer(async (_, response) => {
        // Without a listener, an error of a response ends the process.
        response.on('error', (error) => failures.push(error));
        const openStage = () => world.context.openStage('local');
        const surroundings = { context: world.context, stageName: 'local', runProgram: async () => 0, openStage };
        const closing = new AbortController().signal;
        await runCall(response, ended as AnyOperation, {}, { ...surroundings, closing });
        await late('late');
      }),
    ),
  );
  expect(await (await fetch(server.url)).text()).toBe('{"result":"done"}\n');
  expect(failures).toEqual([]);
});

test('a page that closes the connection aborts its operation, and no other', async () => {
  const [left, stays] = [waiting(), waiting()];
  const console = await closed(startConsole(world, { left: left.waits, stays: stays.waits }));
  const call = callWithoutReading(console, 'left');
  const other = callAsPage(console, 'stays', {});
  const [work, otherWork] = [await left.begun, await stays.begun];
  expect(work.context.noteInterruption().isRequested()).toBe(false);
  call.destroy();
  await aborted(work);
  await work.context.noteInterruption().requested;
  expect([work.context.noteInterruption().isRequested(), otherWork.signal.aborted]).toEqual([true, false]);
  left.goOn.resolve();
  stays.goOn.resolve();
  expect(linesOf(await other)).toEqual([{ result: 'done' }]);
});

test('a page that has gone before its operation began: it does not begin', async () => {
  const loading = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const loaded = Promise.withResolvers<void>();
  let begun = 0;
  const counts = operation(NOTHING, async () => {
    begun += 1;
  });
  let calls = 0;
  const operations = async () => {
    loading[calls]?.resolve();
    calls += 1;
    await loaded.promise;
    return { counts, echo: ECHO };
  };
  const console = await closed(startConsole(world, {}, { operations }));
  const call = callWithoutReading(console, 'counts');
  await loading[0]?.promise;
  const gone = new Promise((resolve) => call.once('close', resolve));
  call.destroy();
  await gone;
  // A later connection is served, so the end of the one before has been noticed.
  const other = callAsPage(console, 'echo', { text: '' });
  await loading[1]?.promise;
  await setImmediate();
  loaded.resolve();
  expect((await other).status).toBe(200);
  expect(begun).toBe(0);
});

test('the end of the console asks an operation to stop, and awaits it', async () => {
  const { waits, begun, goOn } = waiting();
  const console = await startConsole(world, { waits });
  const call = callAsPage(console, 'waits', {});
  const work = await begun;
  let isClosed = false;
  const closing = console.close().then(() => {
    isClosed = true;
  });
  await aborted(work);
  await setImmediate();
  expect(isClosed).toBe(false);
  // What is called meanwhile does not begin.
  expect(await callAsPage(console, 'waits', {})).toMatchObject({
    ...{ status: 503, text: '{"error":"the console is ending"}' },
  });
  goOn.resolve();
  await closing;
  expect(linesOf(await call)).toEqual([{ result: 'done' }]);
});

const circular: { self?: object } = {};
circular.self = circular;

test.each([
  ['an expected failure', new CommandFailed('it cannot be done'), 'it cannot be done'],
  [
    'expired credentials',
    serviceError('ExpiredTokenException', 'The security token included in the request is expired'),
    'the AWS credentials have expired: sign in again',
  ],
  [
    'a denied permission',
    serviceError('AccessDenied', 'User: arn:aws:iam::1:user/x is not authorized to perform: sqs:ReceiveMessage'),
    'AWS denies the call: User: arn:aws:iam::1:user/x is not authorized to perform: sqs:ReceiveMessage',
  ],
  [
    'throttling',
    serviceError('ThrottlingException', 'Rate exceeded'),
    'AWS takes no more requests for now: try again in a minute',
  ],
  [
    'a ledger that is denied',
    new LedgerUnavailable('the ledger', { cause: serviceError('AccessDeniedException', 'not yours') }),
    'AWS denies the call: not yours',
  ],
  ['a fault of this program', new TypeError('x is not a function'), 'unexpected: x is not a function'],
  ['no error at all', undefined, 'unexpected: undefined'],
  ['a text', 'broken', 'unexpected: broken'],
])('%s is the last line, and the console continues', async (_, thrown, error) => {
  const fails = operation(NOTHING, async () => {
    throw thrown;
  });
  const console = await closed(startConsole(world, { echo: ECHO, fails }));
  const response = await callAsPage(console, 'fails', {});
  expect([response.status, linesOf(response)]).toEqual([200, [{ error }]]);
  expect(linesOf(await callAsPage(console, 'echo', { text: 'on' }))).toEqual([{ result: { text: 'on' } }]);
});

test('a result that is no JSON is an error', async () => {
  const console = await closed(startConsole(world, { circles: operation(NOTHING, async () => circular) }));
  expect(linesOf(await callAsPage(console, 'circles', {}))).toEqual([
    { error: expect.stringMatching(/^unexpected: Converting circular structure/) },
  ]);
});

test('a platform that does not run is an error of each call, until it runs', async () => {
  const stage = operation(NOTHING, async (_, work) => work.stage.name);
  let isRunning = false;
  const context = {
    ...world.context,
    async openStage(name: string) {
      if (isRunning) return world.context.openStage(name);
      throw new CommandFailed('no platform is running: "npm start" starts one');
    },
  };
  const console = await closed(startConsole({ context }, { stage }));
  expect(linesOf(await callAsPage(console, 'stage', {}))).toEqual([
    { error: 'no platform is running: "npm start" starts one' },
  ]);
  isRunning = true;
  expect(linesOf(await callAsPage(console, 'stage', {}))).toEqual([{ result: 'local' }]);
});
