import { type AddressInfo, createServer } from 'node:net';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { exitCodeOf, runProgram } from '../../../commands/main.ts';
import { CommandFailed } from '../../../commands/shared/failures.ts';
import type { Interruption } from '../../../commands/shared/interruption.ts';
import type { Terminal } from '../../../commands/shared/terminal.ts';
import { eachTest } from '../../support/each-test.ts';
import { startOperatorWorld } from '../operator-world.ts';

const world = eachTest(startOperatorWorld);

beforeEach(() => {
  process.env.LOCAL_PLATFORM_FILE = world.stateFile;
});
afterEach(() => void delete process.env.LOCAL_PLATFORM_FILE);

/** Runs `./ltw console` until Ctrl-C, which `stop` presses. */
function open(words: readonly string[] = []) {
  const printed = Promise.withResolvers<string>();
  const stopped = Promise.withResolvers<void>();
  const interruption: Interruption = { isRequested: () => false, requested: stopped.promise, ignore() {} };
  const context = {
    ...world.context,
    terminal: { ...world.context.terminal, print: printed.resolve },
    noteInterruption: () => interruption,
  };
  return {
    printed: printed.promise,
    exitCode: runProgram(['console', ...words], context),
    stop: stopped.resolve,
  };
}

test('the address is printed with its token and what that means; Ctrl-C ends it: 0', async () => {
  const console = open();
  const printed = await console.printed;
  expect(printed).toMatch(
    /^The console of stage local is at\n {2}http:\/\/127\.0\.0\.1:\d+\/#token=[\w-]{43}\nA person or program that has this address can do what your AWS credentials may do/,
  );
  const [url = ''] = /http:\/\/[\d.:]+/.exec(printed) ?? [];
  expect((await fetch(`${url}/nothing.js`)).status).toBe(404);
  console.stop();
  expect(await console.exitCode).toBe(0);
  await expect(fetch(url)).rejects.toThrow('fetch failed');
});

/** What the whole program prints and returns where it cannot start. */
async function failure(words: readonly string[]) {
  const complaints: string[] = [];
  const none = async () => undefined;
  const terminal: Terminal = {
    ...{
      isInteractive: false,
      progress: { write: () => true },
      print: () => {},
      ask: none,
      askHidden: none,
      close() {},
    },
  };
  const status = await exitCodeOf(['console', ...words], terminal, (line) => complaints.push(line));
  return [status, ...complaints];
}

test('a port that is in use: one line, 1', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as AddressInfo;
  expect(await failure(['--port', String(port)])).toEqual([
    ...[1, `port ${port} of 127.0.0.1 is in use: another --port, or none, takes a free one`],
  ]);
  await new Promise((resolve) => other.close(resolve));
});

test('a platform that does not run: one line, 1', async () => {
  world.stopPlatform();
  expect(await failure([])).toEqual([1, expect.stringMatching(/^no platform is running: "npm start" starts one/)]);
});

test.each(['80', '65536', 'x', '8080.5', '0'])('--port %s is not understood: 2', async (port) => {
  expect(await failure(['--port', port])).toEqual([2, expect.stringMatching(/^option '--port <n>' argument/)]);
});

test('a stage that is not deployed is reported before a port is opened', async () => {
  const context = {
    ...world.context,
    openStage: async () => {
      throw new CommandFailed('there is no stack LearningTimeWebhooks-prod in eu-north-1');
    },
  };
  await expect(runProgram(['console', '--stage', 'prod'], context)).rejects.toThrow('there is no stack');
  expect(world.printed()).toBe('');
});
