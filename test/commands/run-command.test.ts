import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { type OperatorWorld, startOperatorWorld } from './operator-world.ts';

// Each test starts a process, which loads the clients of four services.
jest.setTimeout(60_000);

let world: OperatorWorld;

beforeAll(async () => {
  world = await startOperatorWorld();
});

afterAll(() => world.close());

/** Runs a program as `npm run` does, in a process of its own. */
async function run(program: string, words: readonly string[], { input = '', file = world.stateFile } = {}) {
  const child = spawn(process.execPath, [`commands/${program}.ts`, ...words], {
    env: { ...process.env, LOCAL_PLATFORM_FILE: file, NODE_OPTIONS: '' },
  });
  child.stdin.end(input);
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const [out, err, status] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { out, err, status };
}

test('what a pipe sends is the answer: here to rotate, which asks for Enter', async () => {
  const old = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
  world.deploy({ integrations: [{ id: 'acme', url: 'https://acme.example' }] });
  world.putSecret('acme', { signing_secrets: [old] });
  const words = ['rotate', 'acme', '--wait-seconds', '0'];
  const { status, out } = await run('integration', words, { input: '\n' });
  expect({ status, out }).toEqual({ status: 0, out: expect.stringContaining('4 of 4') });
  expect(world.secret('acme')?.signing_secrets).toEqual([expect.not.stringMatching(old)]);
});

test('a secret from a pipe is not printed, wherever it goes', async () => {
  const words = ['add', '--id', 'piped', '--url', 'https://piped.example', '--auth', 'bearer'];
  const { status, out, err } = await run('integration', words, { input: 'pïped-token\n' });
  expect({ status, err }).toEqual({
    status: 1,
    err: expect.stringMatching(/bearer_token that is not a text .*, which auth bearer needs\n$/),
  });
  expect(`${out}${err}`).not.toContain('ped-token');
});

test('words that are not understood: one line, then the usage, status 2', async () => {
  const { status, err } = await run('integration', ['lsit']);
  expect(status).toBe(2);
  expect(err).toMatch(/^there is no command lsit\nusage: npm run integration/);
});

test('no platform: one line, no stack trace, status 1', async () => {
  const { status, err } = await run('send-test', ['--integration', 'acme'], { file: '/nowhere/state.json' });
  expect({ status, err }).toEqual({ status: 1, err: 'no platform is running: "npm start" starts one\n' });
});

test('a service that is down: one line, no stack trace, status 1', async () => {
  world.plane.appConfig.setDown(true);
  const { status, err } = await run('retry-schedule', ['--integration', 'acme']);
  world.plane.appConfig.setDown(false);
  expect({ status, err }).toEqual({ status: 1, err: expect.stringMatching(/^AWS refuses .*switched off\n$/) });
});

test('--help prints the usage, status 0', async () => {
  const { status, out } = await run('retry-schedule', ['--help']);
  expect(status).toBe(0);
  expect(out).toMatch(/^usage: npm run retry-schedule/);
});
