import * as z from 'zod';
import { UsageError } from '../../../local/command-line.ts';
import { CommandFailed } from '../../shared/failures.ts';
import { refusedOf, withStage } from '../command-words.ts';
import { operation } from '../operation.ts';

/** Of one word, in characters. */
const MAX_CHARACTERS = 20_000;

/** What draws a progress bar on a terminal: control sequences, and the bar itself. */
const DRAWING = /\p{Cc}(\[K)?|\[[# ]*\] /gu;

const inputSchema = z.strictObject({
  /** What follows `./ltw`, without `--stage` and `--yes`. */
  words: z.array(z.string().max(MAX_CHARACTERS)).min(1).max(500),
  /** Answers to the command's questions, in their order: a partner's new credentials, which no command line shows. */
  answers: z
    .array(z.strictObject({ to: z.string().max(200), text: z.string().max(MAX_CHARACTERS) }))
    .max(10)
    .default([]),
});

/** What the operator typed, and for which question. */
export interface Answer {
  /** How the question starts, up to a space: `bearer_token` of `bearer_token (hidden): `. */
  readonly to: string;
  readonly text: string;
}

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
    const refused = refusedOf(words);
    if (refused !== undefined) throw new CommandFailed(`the console does not run this command: ${refused}`);
    const printed: string[] = [];
    const left = [...answers];
    const nextAnswer = (question: string) => {
      const answer = left.shift();
      // The page may be older than the entry: a value must not be stored under another name than it was typed for.
      if (answer !== undefined && !question.startsWith(`${answer.to} `)) {
        throw new CommandFailed(
          `the command asks for something else than ${answer.to} by now: it was not answered. Load the page again`,
        );
      }
      return answer?.text;
    };
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
      ask: async (question) => (/\[y\/N\] $/.test(question) ? 'y' : nextAnswer(question)),
      askHidden: async (question) => nextAnswer(question),
      close() {},
    };
    try {
      const exitCode = await runProgram(withStage(words, stage.name), { ...context, terminal });
      return { exitCode, output: printed.join('\n') };
    } catch (thrown) {
      if (thrown instanceof UsageError) throw new CommandFailed(thrown.message);
      throw thrown;
    }
  },
);
