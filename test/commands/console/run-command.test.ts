import { expect, test } from '@jest/globals';
import type { RunProgram, Work } from '../../../commands/console/operation.ts';
import { type Answer, type CommandProgress, runCommand } from '../../../commands/console/operations/run-command.ts';
import { runProgram } from '../../../commands/main.ts';
import type { Context } from '../../../commands/shared/context.ts';
import { createProgressBar } from '../../../commands/shared/progress-bar.ts';
import { UsageError } from '../../../local/command-line.ts';
import { closedAfterEach } from '../../support/closed-after-each.ts';
import { eachTest } from '../../support/each-test.ts';
import { startOperatorWorld } from '../operator-world.ts';
import { callAsPage, linesOf, startConsole } from './console-requests.ts';

const world = eachTest(startOperatorWorld);
const closed = closedAfterEach();

/** Runs words of the page with a program in place of `./ltw`. */
async function run(
  words: readonly string[],
  program: (context: Context, words: readonly string[]) => Promise<number>,
  answers: readonly Answer[] = [],
) {
  const reported: CommandProgress[] = [];
  const runProgram: RunProgram = (all, context) => program(context, all);
  const stage = await world.context.openStage('local');
  const work: Work<CommandProgress> = {
    ...{ stage, now: () => 0, signal: new AbortController().signal, context: world.context, runProgram },
    async report(progress) {
      reported.push(progress);
    },
  };
  const input = runCommand.input.parse({ words, answers });
  return { result: await runCommand.run(input, work), reported };
}

test('a command runs on the console’s stage; its lines are reported, and its exit code and output are the result', async () => {
  const asked: (readonly string[])[] = [];
  const { result, reported } = await run(['replay', '--all'], async ({ terminal }, words) => {
    asked.push(words);
    terminal.print('one');
    terminal.print('two\nlines');
    return 1;
  });
  expect(asked).toEqual([['replay', '--stage', 'local', '--all']]);
  expect(result).toEqual({ exitCode: 1, output: 'one\ntwo\nlines' });
  expect(reported).toEqual([{ printed: 'one' }, { printed: 'two\nlines' }]);
});

test('a question for confirmation is answered with yes, each other one with the next answer, and then with the end', async () => {
  const given: (string | undefined)[] = [];
  await run(
    ['flag', 'revert'],
    async ({ terminal }) => {
      given.push(await terminal.askHidden('bearer_token (hidden): '));
      given.push(await terminal.ask('Revert to version 3? [y/N] '));
      given.push(await terminal.ask('Name: '));
      given.push(await terminal.ask('Press Enter when the partner verifies with the new one. '));
      terminal.close();
      return 0;
    },
    [
      { to: 'bearer_token', text: 'secret' },
      { to: 'Name:', text: 'name' },
    ],
  );
  expect(given).toEqual(['secret', 'y', 'name', undefined]);
});

test('an answer is given to no other question than the one it was typed for', async () => {
  const given: (string | undefined)[] = [];
  const running = run(
    ['integration', 'change-credentials', 'skillsoft'],
    async ({ terminal }) => {
      given.push(await terminal.askHidden('bearer_token (hidden): '));
      return 0;
    },
    [{ to: 'bearer', text: 'a user name' }],
  );
  await expect(running).rejects.toThrow('the command asks for something else than bearer by now');
  expect(given).toEqual([]);
});

test('a progress bar is reported as its words, without the bar and what draws it', async () => {
  const { reported } = await run(['redrive'], async ({ terminal }) => {
    let nowMs = 0;
    const bar = createProgressBar({ total: 300, output: terminal.progress, now: () => nowMs });
    nowMs = 10_000;
    bar.report(150);
    bar.end();
    return 0;
  });
  const words = '150 of 300  15/s';
  expect(reported).toEqual([{ progress: words }, { progress: words }, { progress: '' }]);
});

test('output that a terminal would execute arrives as it is: the page shows it as text', async () => {
  const hostile = '\u001b]0;title\u0007<script>alert(1)</script>\u202e';
  const { result } = await run(['reconcile'], async ({ terminal }) => {
    terminal.print(hostile);
    return 0;
  });
  expect(result.output).toBe(hostile);
});

test('words that are not understood are an expected failure', async () => {
  const failing = run(['replay', '--nothing'], async () => {
    throw new UsageError("unknown option '--nothing'");
  });
  await expect(failing).rejects.toMatchObject({ name: 'CommandFailed', message: "unknown option '--nothing'" });
});

test.each([[['ledger', 'forget']], [['replay', '--stage=prod']], [['console']]])('%j is not run', async (words) => {
  const refused = run(words, async () => {
    throw new Error('it ran');
  });
  await expect(refused).rejects.toMatchObject({
    ...{ name: 'CommandFailed', message: expect.stringMatching(/^the console does not run this command: /) },
  });
});

test.each([
  ['no words', { words: [] }],
  ['words that are no text', { words: ['replay', 1] }],
  ['too many', { words: Array.from({ length: 501 }, () => 'replay') }],
  ['a field of another name', { words: ['replay'], stage: 'prod' }],
])('%s are refused', (_, input) => expect(runCommand.input.safeParse(input).success).toBe(false));

test('the page pauses an integration as ./ltw does', async () => {
  world.deploy({ integrations: [{ id: 'acme', url: 'https://acme.example/hook', auth: { type: 'none' } }] });
  const console = await closed(startConsole(world, { command: runCommand as never }, { runProgram }));
  const lines = linesOf(await callAsPage(console, 'command', { words: ['integration', 'pause', 'acme'] }));
  expect(lines.at(-1)).toEqual({ result: { exitCode: 0, output: expect.stringContaining('acme') } });
  expect(world.deployed()).toMatchObject({ integrations: [{ id: 'acme', paused: true }] });
});
