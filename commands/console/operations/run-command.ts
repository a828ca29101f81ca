import * as z from 'zod';
import { UsageError } from '../../../local/command-line.ts';
import { CommandFailed } from '../../shared/failures.ts';
import { operation } from '../operation.ts';

/** Commands that the page may run, each by its first words. Others are for a terminal. */
const ALLOWED: readonly string[] = [
  'flag',
  'integration pause',
  'integration resume',
  'integration rotate',
  'integration next-certificate',
  'integration switch-certificate',
  'ledger close',
  'reconcile',
  'redrive',
  'rejected redrive',
  'replay',
  'rollout check',
  'send-test',
  'warm-cache',
];

/** Total length of the words, in characters. */
const MAX_CHARACTERS = 20_000;

/** What draws a progress bar on a terminal: control sequences, and the bar itself. */
const DRAWING = /\p{Cc}(\[K)?|\[[# ]*\] /gu;

const inputSchema = z.strictObject({
  /** What follows `./ltw`, without `--stage` and `--yes`. */
  words: z.array(z.string().max(MAX_CHARACTERS)).min(1).max(500),
  /** Answers to the command's questions, in their order: a partner's new credentials, which no command line shows. */
  answers: z.array(z.string().max(MAX_CHARACTERS)).max(10).default([]),
});

export interface CommandResult {
  /** See `./ltw --help`. */
  readonly exitCode: number;
  /** What it printed. */
  readonly output: string;
}

/** A line that a command printed, or its progress, which replaces the one before. */
export type CommandProgress = { readonly printed: string } | { readonly progress: string };

/**
 * Runs a command of `./ltw` in this process, and confirms it: the page has asked. What changes something always goes
 * through here, so that page and CLI do the same, and the page can show the equivalent command.
 */
export const runCommand = operation<z.infer<typeof inputSchema>, CommandResult, CommandProgress>(
  inputSchema,
  async ({ words, answers }, { stage, context, runProgram, report }) => {
    requireAllowed(words);
    const printed: string[] = [];
    const left = [...answers];
    const terminal: typeof context.terminal = {
      isInteractive: false,
      progress: {
        isTTY: true,
        write(text) {
          void report({ progress: String(text).replaceAll(DRAWING, '') });
          return true;
        },
      },
      print(text) {
        printed.push(text);
        void report({ printed: text });
      },
      ask: async (question) => (/\[y\/N\] $/.test(question) ? 'y' : left.shift()),
      askHidden: async () => left.shift(),
      close() {},
    };
    try {
      const exitCode = await runProgram([...words, '--stage', stage.name], {
        ...context,
        terminal,
      });
      return { exitCode, output: printed.join('\n') };
    } catch (thrown) {
      if (thrown instanceof UsageError) throw new CommandFailed(thrown.message);
      throw thrown;
    }
  },
);

/** @throws CommandFailed */
function requireAllowed(words: readonly string[]): void {
  const line = words.join(' ');
  const isAllowed = ALLOWED.some((command) => line === command || line.startsWith(`${command} `));
  // An option could name another stage, or a file of this machine.
  const forbidden = words.find((word) => /^--(stage|file|.*-file|show-secret|yes)(=|$)/.test(word));
  if (!isAllowed || forbidden !== undefined) {
    throw new CommandFailed(`the console does not run this command: ${forbidden ?? words.slice(0, 2).join(' ')}`);
  }
}
