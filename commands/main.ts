import { setTimeout as sleep } from 'node:timers/promises';
import { UsageError } from '../local/command-line.ts';
import { stateFile } from '../local/console/state-file.ts';
import { runProgram } from './program.ts';
import type { Context } from './shared/context.ts';
import { awsFailure, CommandFailed, whereOf } from './shared/failures.ts';
import type { Stage } from './shared/stage.ts';
import { createTerminal, type Terminal, withoutControl } from './shared/terminal.ts';

type Program = (words: readonly string[], context: Context) => Promise<number>;

/**
 * @returns the exit code: 2 where the words are not understood, 1 where an expected failure came; both print why
 * @throws an unexpected error
 */
export async function exitCodeOf(
  words: readonly string[],
  terminal: Terminal,
  complain: (line: string) => void,
  program: Program = runProgram,
): Promise<number> {
  const opened: Stage[] = [];
  try {
    return await program(words, contextOf(terminal, opened));
  } catch (thrown) {
    if (thrown instanceof UsageError) {
      complain(thrown.message);
      return 2;
    }
    const asked = opened.at(-1)?.name;
    const line = thrown instanceof CommandFailed ? thrown.message : awsFailure(thrown, whereOf(asked));
    if (line === undefined) throw thrown;
    complain(line);
    return 1;
  } finally {
    for (const stage of opened) stage.close();
  }
}

function contextOf(terminal: Terminal, opened: Stage[]): Context {
  return {
    terminal,
    variables: process.env,
    async openStage(name) {
      const { openStage } = await import('./shared/stage.ts');
      const stage = await openStage(name, process.env, stateFile());
      opened.push(stage);
      return stage;
    },
    now: () => Date.now() + (opened.at(-1)?.clockOffsetMs ?? 0),
    sleep: (durationMs) => sleep(durationMs),
  };
}

if (import.meta.main) {
  // A reader that closes the pipe, as `head` does, has seen enough.
  process.stdout.on('error', () => process.exit(0));
  const terminal = createTerminal();
  const complain = (line: string) => console.error(withoutControl(line));
  process.exitCode = await exitCodeOf(process.argv.slice(2), terminal, complain);
  terminal.close();
}
