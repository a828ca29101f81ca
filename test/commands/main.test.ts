import { spawn } from 'node:child_process';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { exitCodeOf, runProgram } from '../../commands/main.ts';
import { CommandFailed } from '../../commands/shared/failures.ts';
import { createTerminal } from '../../commands/shared/terminal.ts';
import { eachTest } from '../support/each-test.ts';
import { DEAD } from './ledger/ledger-operator.ts';
import { startOperatorWorld } from './operator-world.ts';
import { startReplayOperator } from './replay/replay-operator.ts';

// A program takes a third of a second to start, and many times that where two cores are shared with others.

/** Begins the CLI in a process of its own; its input stays open. */
function start(words: readonly string[], platformFile = '/nowhere/state.json') {
  const child = spawn(process.execPath, ['commands/main.ts', ...words], {
    env: { ...process.env, LOCAL_PLATFORM_FILE: platformFile, NODE_OPTIONS: '' },
  });
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const ended = Promise.all([text(child.stdout), text(child.stderr), exited]);
  return { child, ended: ended.then(([out, err, status]) => ({ out, err, status })) };
}

describe('the process', () => {
  test('ends with 2 where the words are wrong', async () => {
    expect(await start(['alarms', '--no-such']).ended).toEqual({
      out: '',
      err: expect.stringMatching(/^unknown option '--no-such'\n/),
      status: 2,
    });
  });

  test('a pipe that stays open confirms, and Ctrl-C after that ends the work: what is left is reported, 1', async () => {
    const operator = await startReplayOperator();
    try {
      // The program has the machine's clock.
      operator.world.nowMs = Date.now();
      await operator.deliveries([DEAD, DEAD, DEAD]);
      const { child, ended } = start(['replay', '--all', '--rate', '1'], operator.world.stateFile);
      operator.queueFront.decide(() => {
        child.kill('SIGINT');
        return 'pass';
      });
      child.stdin.write('yes\n');
      const { out, err, status } = await ended;
      operator.queueFront.decide(() => 'pass');
      expect({ err, status }).toEqual({
        err: expect.stringMatching(/^Replay 3 deliveries of .* \[y\/N\] \n/),
        status: 1,
      });
      expect(out).toMatch(/\nreplayed 1 of 3\n2 not begun, and as they were: .*\n$/);
      expect(await operator.sent()).toHaveLength(1);
    } finally {
      await operator.close();
    }
  });
});

describe('a command', () => {
  const world = eachTest(startOperatorWorld);
  let complaints: string[];

  beforeEach(() => {
    complaints = [];
    process.env.LOCAL_PLATFORM_FILE = world.stateFile;
  });

  afterEach(() => void delete process.env.LOCAL_PLATFORM_FILE);

  /** Its status and what it prints, with a pipe as input. */
  async function run(words: readonly string[], input = '', program = runProgram) {
    const stdin = Object.assign(new PassThrough(), { isTTY: false, unref: () => stdin });
    stdin.end(input);
    const output = new PassThrough();
    const terminal = createTerminal(stdin as never, output, new PassThrough());
    const status = await exitCodeOf(words, terminal, (line) => complaints.push(line), program);
    terminal.close();
    return { status, out: String(output.read() ?? '') };
  }

  test('whose words are not understood: why, and where help is, 2', async () => {
    expect(await run(['integration', 'lsit'])).toEqual({ status: 2, out: '' });
    expect(complaints).toEqual(["unknown command 'lsit'\n(Did you mean list?)\n(--help lists commands and options)"]);
  });

  test('without a platform: one line, 1', async () => {
    world.stopPlatform();
    expect(await run(['integration', 'list'])).toEqual({ status: 1, out: '' });
    expect(complaints).toEqual([expect.stringMatching(/^no platform is running: "npm start" starts one; .*$/)]);
  });

  test.each([
    ['an expected failure', new CommandFailed('it cannot be done'), 'it cannot be done'],
    [
      'a service that cannot be reached',
      Object.assign(new Error(), { code: 'ECONNREFUSED' }),
      'the platform of this machine cannot be reached (ECONNREFUSED): is the network up?',
    ],
    ['an unexpected error', new TypeError('x is not a function'), undefined],
  ])('that ends with %s: one line and 1, or the error itself; its stage is closed', async (_, thrown, line) => {
    let closed = 0;
    const failing: typeof runProgram = async (_words, context) => {
      const stage = await context.openStage('local');
      const close = stage.close.bind(stage);
      stage.close = () => {
        closed += 1;
        close();
      };
      throw thrown;
    };
    if (line === undefined) await expect(run([], '', failing)).rejects.toBe(thrown);
    else expect(await run([], '', failing)).toEqual({ status: 1, out: '' });
    expect({ complaints, closed }).toEqual({ complaints: line === undefined ? [] : [line], closed: 1 });
  });

  test('is answered by a pipe: here to rotate, which asks for Enter', async () => {
    const old = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
    world.deploy({ integrations: [{ id: 'acme', url: 'https://acme.example' }] });
    world.putSecret('acme', { signing_secrets: [old] });
    const { status, out } = await run(['integration', 'rotate', 'acme', '--wait-seconds', '0'], '\n');
    expect({ status, out }).toEqual({ status: 0, out: expect.stringContaining('4 of 4') });
    expect(world.secret('acme')?.signing_secrets).toEqual([expect.not.stringMatching(old)]);
  });

  test('does not print a secret that it reads from a pipe, wherever that goes', async () => {
    const words = ['integration', 'add', '--id', 'piped', '--url', 'https://piped.example', '--auth', 'bearer'];
    const { status, out } = await run(words, 'pïped-token\n');
    expect({ status, complaints }).toEqual({
      status: 1,
      complaints: [expect.stringMatching(/bearer_token that is not a text .*, which auth bearer needs$/)],
    });
    expect(`${out}${complaints}`).not.toContain('ped-token');
  });
});
