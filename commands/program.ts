import { Command, CommanderError } from '@commander-js/extra-typings';
import { UsageError } from '../local/command-line.ts';
import { addFlagCommands } from './flag/flag-commands.ts';
import { addIntegrationCommands } from './integration/integration-commands.ts';
import { addLedgerCommands } from './ledger/ledger-commands.ts';
import { addPartnerKitCommand } from './partner-kit/partner-kit-command.ts';
import { addReplayCommands } from './replay/replay-commands.ts';
import type { Context } from './shared/context.ts';
import type { Run } from './shared/run.ts';
import { addStageCommands } from './stage/stage-commands.ts';

const EXIT_CODES = `
Exit codes:
  0  done, there was nothing to do, or what was checked is as it should be
  1  the command failed, was refused or interrupted, or what was checked is not as it should be
  2  the command line is wrong: nothing was begun`;

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
  program.commandsGroup('Partners and learning time:');
  addIntegrationCommands(program, run);
  addPartnerKitCommand(program, run);
  addFlagCommands(program, run);
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
