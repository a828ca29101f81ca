import { setTimeout as sleep } from 'node:timers/promises';
import { UsageError } from '../local/command-line.ts';
import { stateFile } from '../local/console/state-file.ts';
import { awsFailure, whereOf } from './aws-failure.ts';
import { CommandFailed } from './command-failed.ts';
import type { Context } from './context.ts';
import { openStage, type Stage } from './stage.ts';
import { createTerminal, type Terminal, withoutControl } from './terminal.ts';

/** One of the programs: its words in, its exit status out. */
export type Command = (words: readonly string[], context: Context) => Promise<number>;

/** Runs a program with the words of the command line and sets the exit status. */
export async function runCommand(command: Command, usage: string): Promise<void> {
  // Whoever reads no further, as `head` does, has seen enough.
  process.stdout.on('error', () => process.exit(0));
  const terminal = createTerminal();
  const words = process.argv.slice(2);
  process.exitCode = await statusOf(command, usage, words, terminal, (line) => console.error(withoutControl(line)));
  terminal.close();
}

/**
 * @returns 2 where the words are not understood, 1 where an expected failure came, told in words
 * @throws what nobody expected
 */
export async function statusOf(
  command: Command,
  usage: string,
  words: readonly string[],
  terminal: Terminal,
  complain: (line: string) => void,
): Promise<number> {
  if (words.includes('--help') || words.includes('-h')) {
    terminal.print(usage);
    return 0;
  }
  const opened: Stage[] = [];
  try {
    return await command(words, contextOf(terminal, opened));
  } catch (thrown) {
    if (thrown instanceof UsageError) {
      complain(`${thrown.message}\n${usage}`);
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
      const stage = await openStage(name, process.env, stateFile());
      opened.push(stage);
      return stage;
    },
    now: () => Date.now() + (opened.at(-1)?.clockOffsetMs ?? 0),
    sleep: (durationMs) => sleep(durationMs),
  };
}
