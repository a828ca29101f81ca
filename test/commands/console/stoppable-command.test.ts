import { randomUUID } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import type { RunProgram, Work } from '../../../commands/console/operation.ts';
import type { CommandProgress } from '../../../commands/console/operations/run-command.ts';
import { stopCommand, stoppableCommand } from '../../../commands/console/operations/stoppable-command.ts';
import { interruptionBy } from '../../../commands/shared/interruption.ts';

const WORDS = ['replay', '--all'];

/** What an operation works with, whose commands are this program. */
function workOf(runProgram: RunProgram, connection = new AbortController()): Work<CommandProgress> {
  return {
    runProgram,
    stage: { name: 'local' },
    now: () => 0,
    signal: connection.signal,
    report: async () => {},
    context: {
      noteInterruption: () => interruptionBy(connection.signal),
      sleep: () => new Promise(() => {}),
    },
  } as unknown as Work<CommandProgress>;
}

/** A command that works until it is interrupted, and then says what it has done. */
const working: RunProgram = async (_words, { noteInterruption, terminal }) => {
  const interruption = noteInterruption();
  await interruption.requested;
  interruption.ignore();
  terminal.print('did 3 of 10');
  return 1;
};

const stop = (run: string) => stopCommand.run({ run }, workOf(working) as never);

describe('a command that is stopped', () => {
  test('ends by itself, and says what it has done', async () => {
    const run = randomUUID();
    const ended = stoppableCommand.run({ words: WORDS, run }, workOf(working));
    expect(await stop(run)).toEqual({ isRunning: true });
    expect(await ended).toEqual({ exitCode: 1, output: 'did 3 of 10' });
    expect(await stop(run)).toEqual({ isRunning: false });
  });

  test('ends at its next wait if it notes no interruption, as a terminal ends it', async () => {
    const run = randomUUID();
    const waiting: RunProgram = async (_words, { sleep }) => sleep(20 * 60_000).then(() => 0);
    const ended = stoppableCommand.run({ words: WORDS, run }, workOf(waiting));
    await stop(run);
    await expect(ended).rejects.toMatchObject({ name: 'CommandFailed', message: expect.stringMatching(/^stopped: /) });
  });

  test('is not ended in a wait while it notes interruptions: it first finishes what it began', async () => {
    const run = randomUUID();
    const { promise: slept, resolve: wake } = Promise.withResolvers<void>();
    const finishing: RunProgram = async (_words, { noteInterruption, sleep }) => {
      const interruption = noteInterruption();
      await sleep(1);
      return interruption.isRequested() ? 1 : 0;
    };
    const work = workOf(finishing);
    const ended = stoppableCommand.run(
      { words: WORDS, run },
      { ...work, context: { ...work.context, sleep: () => slept } },
    );
    await stop(run);
    wake();
    expect(await ended).toMatchObject({ exitCode: 1 });
  });

  test('is the one of that run, and no other', async () => {
    const [one, other] = [randomUUID(), randomUUID()];
    const connection = new AbortController();
    const first = stoppableCommand.run({ words: WORDS, run: one }, workOf(working));
    const second = stoppableCommand.run({ words: WORDS, run: other }, workOf(working, connection));
    await stop(one);
    await first;
    expect(await stop(other)).toEqual({ isRunning: true });
    await second;
  });
});

test('a command ends in the same way when its page is closed', async () => {
  const connection = new AbortController();
  const ended = stoppableCommand.run({ words: WORDS, run: randomUUID() }, workOf(working, connection));
  connection.abort();
  expect(await ended).toMatchObject({ output: 'did 3 of 10' });
});

test('what the console does not run is refused', async () => {
  const work = workOf(working);
  for (const words of [[], ['publish'], ['replay', '--stage', 'prod']]) {
    await expect(stoppableCommand.run({ words }, work)).rejects.toMatchObject({ name: 'CommandFailed' });
  }
});
