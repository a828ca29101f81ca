import { setTimeout as sleep } from 'node:timers/promises';
import { Command, CommanderError } from '@commander-js/extra-typings';
import { UsageError } from '../local/command-line.ts';
import { stateFile } from '../local/control/state-file.ts';
import { addConsoleCommand } from './console/console-command.ts';
import { addFlagCommands } from './flag/flag-commands.ts';
import { addIntegrationCommands } from './integration/integration-commands.ts';
import { addLedgerCommands } from './ledger/ledger-commands.ts';
import { addPartnerKitCommand } from './partner-kit/partner-kit-command.ts';
import { addReplayCommands } from './replay/replay-commands.ts';
import type { Context } from './shared/context.ts';
import { awsFailure, CommandFailed, whereOf } from './shared/failures.ts';
import { noteInterruption } from './shared/interruption.ts';
import type { Run } from './shared/run.ts';
import type { Stage } from './shared/stage.ts';
import { createTerminal, type Terminal, withoutControl } from './shared/terminal.ts';
import { addStageCommands } from './stage/stage-commands.ts';
import { addWarmCacheCommand } from './warm-cache/warm-cache-command.ts';

const EXIT_CODES = `
Exit codes:
  0  done, there was nothing to do, or what was checked is as it should be
  1  the command failed, was refused or interrupted, or what was checked is not as it should be
  2  the command line is wrong: nothing was begun`;

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
    sleep: (durationMs, signal) => sleep(durationMs, undefined, { ...(signal && { signal }) }),
    noteInterruption,
  };
}

/**
 * Runs one command line.
 *
 * @param words what follows `./ltw`
 * @returns the exit code: 0, or 1 where what was checked is not as it should be
 * @throws UsageError where the words are not understood; what the command throws
 */
export async function runProgram(words: readonly string[], context: Context): Promise<number> {
  let status = 0;
  let complaint = '';
  const program = new Command('./ltw')
    .description('Operates learning-time webhooks: a deployed stage, or the local platform.')
    .showHelpAfterError('(--help lists commands and options)')
    .addHelpText('afterAll', EXIT_CODES)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.terminal.print(text.trimEnd()),
      writeErr: (text) => {
        complaint += text;
      },
    });
  const run: Run = async (action) => {
    status = await action(context);
  };
  // Each declares its options, and loads the code that acts on them once it runs: help needs no SDK.
  addStageCommands(program.commandsGroup('Look at a stage:'), run);
  addConsoleCommand(program, run, runProgram);
  program.commandsGroup('Partners and learning time:');
  addIntegrationCommands(program, run);
  addPartnerKitCommand(program, run);
  addFlagCommands(program, run);
  addWarmCacheCommand(program, run);
  program.commandsGroup('Deliveries:');
  addLedgerCommands(program, run);
  addReplayCommands(program, run);
  try {
    await program.parseAsync(words, { from: 'user' });
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown;
    if (thrown.exitCode === 0) return 0;
    throw new UsageError(complaint.trim().replace(/^error: /, ''));
  }
  return status;
}

if (import.meta.main) {
  // A reader that closes the pipe, as `head` does, has seen enough.
  process.stdout.on('error', () => process.exit(0));
  const terminal = createTerminal();
  const complain = (line: string) => console.error(withoutControl(line));
  process.exitCode = await exitCodeOf(process.argv.slice(2), terminal, complain);
  terminal.close();
}
