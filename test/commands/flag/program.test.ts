import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { type FlagWorld, startFlagWorld } from './flag-world.ts';

// Each test starts a process, which loads the clients of six services.
jest.setTimeout(60_000);

let operator: FlagWorld;

beforeEach(async () => {
  operator = await startFlagWorld();
  // The program has the machine's clock.
  operator.world.nowMs = Date.now();
});

afterEach(() => operator.close());

/** Runs the program as `npm run` does, in a process of its own. */
function start(...words: readonly string[]) {
  const child = spawn(process.execPath, ['commands/flag.ts', ...words], {
    env: { ...process.env, LOCAL_PLATFORM_FILE: operator.world.stateFile, NODE_OPTIONS: '' },
  });
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const ended = Promise.all([text(child.stdout), text(child.stderr), exited]);
  return { child, ended: ended.then(([out, err, status]) => ({ out, err, status })) };
}

test('done: status 0', async () => {
  const { out, err, status } = await start('percent', '50').ended;
  expect({ err, status }).toEqual({ err: '', status: 0 });
  expect(out).toMatch(/\ndone: percent 50 \(stage local\)\n$/);
});

test('not understood: status 2, and how it is used', async () => {
  expect(await start('percent', '101').ended).toEqual({
    out: '',
    err: expect.stringMatching(/^percent takes a whole number from 0 to 100\nusage: npm run flag -- COMMAND/),
    status: 2,
  });
});

test('Ctrl-C while it bakes: the deployment goes on, status 1', async () => {
  operator.letBake();
  const { child, ended } = start('percent', '50');
  child.stdout.on('data', (chunk) => {
    if (String(chunk).includes('BAKING, 10 minutes left')) child.kill('SIGINT');
  });
  const { out, err, status } = await ended;
  expect({ err, status }).toEqual({ err: '', status: 1 });
  expect(out).toContain('deployment 2 goes on without this command');
  expect(operator.history().at(-1)).toBe('2: version 2 BAKING watched');
});

test('what cannot be done: status 1, in words', async () => {
  operator.startWatched('1');
  const { err, status } = await start('enable').ended;
  expect({ err, status }).toEqual({ err: expect.stringMatching(/^deployment 2 is BAKING/), status: 1 });
});
