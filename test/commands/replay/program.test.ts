import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { DEAD } from '../ledger/ledger-operator.ts';
import { type ReplayOperator, startReplayOperator } from './replay-operator.ts';

// Each test starts a process, which loads the clients of six services.
jest.setTimeout(60_000);

let operator: ReplayOperator;
let ids: string[];

beforeEach(async () => {
  operator = await startReplayOperator();
  // The program has the machine's clock.
  operator.world.nowMs = Date.now();
  ids = [];
  for (const event_id of ['1', '2', '3']) ids.push(await operator.webhook({ event_id }, DEAD));
});

afterEach(() => operator.close());

/** Begins the program as `npm run` does, in a process of its own; its input stays open. */
function start(...words: readonly string[]) {
  const child = spawn(process.execPath, ['commands/replay.ts', ...words], {
    env: { ...process.env, LOCAL_PLATFORM_FILE: operator.world.stateFile, NODE_OPTIONS: '' },
  });
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const ended = Promise.all([text(child.stdout), text(child.stderr), exited]);
  return { child, ended: ended.then(([out, err, status]) => ({ out, err, status })) };
}

test('what a pipe says is the answer, and a pipe that stays open does not keep it', async () => {
  const { child, ended } = start('--all', '--rate', '100');
  child.stdin.write('y\n');
  expect(await ended).toEqual({
    out: expect.stringMatching(/\nreplayed 3 of 3\n$/),
    err: 'Replay 3 webhooks of stage local, 100 a second, in about 1 s? [y/N] \n',
    status: 0,
  });
  expect(await operator.sent()).toHaveLength(3);
});

test('nobody to ask: nothing is changed, status 1', async () => {
  const { child, ended } = start('--all');
  child.stdin.end();
  const { out, status } = await ended;
  expect({ out, status }).toEqual({ out: expect.stringMatching(/\nnothing is changed: --yes .*\n$/), status: 1 });
  expect(await operator.sent()).toEqual([]);
});

test('Ctrl-C after a question was answered: what is left is told, status 1', async () => {
  const { child, ended } = start('--all', '--rate', '1');
  operator.queueFront.decide(() => {
    child.kill('SIGINT');
    return 'pass';
  });
  child.stdin.write('yes\n');
  const { out, status } = await ended;
  operator.queueFront.decide(() => 'pass');
  expect({ out, status }).toEqual({
    ...{ out: expect.stringMatching(/\nreplayed 1 of 3\n2 not begun, and as they were: .*\n$/), status: 1 },
  });
  expect(await operator.sent()).toHaveLength(1);
});

test('an unknown id: one line on standard error, status 1', async () => {
  const { out, err, status } = await start(`wh_${'0'.repeat(40)}`).ended;
  expect({ out, status }).toEqual({ out: '', status: 1 });
  expect(err).toMatch(/^no webhook has the id wh_0{40}: nothing is replayed\n$/);
});

test('everything, without --all: why, then the usage, status 2', async () => {
  const { err, status } = await start().ended;
  expect(status).toBe(2);
  expect(err).toMatch(/^that is everything that is dead: narrow it down, or say --all\nusage: npm run replay -- /);
});

test('a table that is down: one line, status 1', async () => {
  await operator.front.close();
  const { err, status } = await start('--all', '--dry-run').ended;
  expect(status).toBe(1);
  expect(err).toBe('the platform of this machine cannot be reached (ECONNREFUSED): is the network up?\n');
});
