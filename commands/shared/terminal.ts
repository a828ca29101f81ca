import { createInterface, type Interface } from 'node:readline';
import { Writable } from 'node:stream';
import type { ProgressOutput } from './progress-bar.ts';

/** The person, or the script, that runs a command. */
export interface Terminal {
  /** True where a person sees the questions and can answer them. */
  readonly isInteractive: boolean;
  /** Where progress is shown. */
  readonly progress: ProgressOutput;
  /** Prints lines to standard output. */
  print(text: string): void;
  /** One line of the input; undefined where the input has ended or Ctrl-C was pressed. */
  ask(question: string): Promise<string | undefined>;
  /** The same, and what is typed is not shown. */
  askHidden(question: string): Promise<string | undefined>;
  close(): void;
}

/** What a terminal would execute, and what turns text around: words from outside may hold both. Line breaks stay. */
const CONTROL = /(?!\n)[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu;

/** The text with every control character but line breaks replaced by a question mark. */
export function withoutControl(text: string): string {
  return text.replace(CONTROL, '?');
}

/** Questions and progress go to standard error, so that standard output can be kept in a file. */
export function createTerminal(
  input: NodeJS.ReadStream = process.stdin,
  output: NodeJS.WritableStream = process.stdout,
  questions: NodeJS.WritableStream & ProgressOutput = process.stderr,
): Terminal {
  const isInteractive = input.isTTY === true;
  const lines = new InputLines(input, questions, isInteractive);
  return {
    isInteractive,
    progress: questions,
    print: (text) => void output.write(`${withoutControl(text)}\n`),
    ask: (question) => lines.next(withoutControl(question), false),
    askHidden: (question) => lines.next(withoutControl(question), true),
    close: () => lines.close(),
  };
}

/** Reads lines one question at a time; lines that a pipe sent ahead wait for theirs. */
class InputLines {
  readonly #input: NodeJS.ReadStream;
  readonly #questions: NodeJS.WritableStream;
  readonly #isInteractive: boolean;
  #reader: Interface | undefined;
  #lines: AsyncIterator<string> | undefined;
  #isMuted = false;

  constructor(input: NodeJS.ReadStream, questions: NodeJS.WritableStream, isInteractive: boolean) {
    this.#input = input;
    this.#questions = questions;
    this.#isInteractive = isInteractive;
  }

  async next(question: string, isHidden: boolean): Promise<string | undefined> {
    this.#lines ??= this.#open();
    this.#questions.write(question);
    this.#isMuted = isHidden;
    // Ctrl-C closes the reader, which ends the lines.
    const { value, done } = await this.#lines.next();
    const line = done === true ? undefined : value;
    // Only a terminal shows the Enter that was pressed, and only where it is not muted.
    if (isHidden || line === undefined || !this.#isInteractive) this.#questions.write('\n');
    this.#isMuted = false;
    return line;
  }

  close(): void {
    this.#reader?.close();
    // A pipe that stays open would keep the process.
    this.#input.unref?.();
  }

  #open(): AsyncIterator<string> {
    const output = new Writable({
      write: (chunk, _encoding, done) => {
        if (!this.#isMuted) this.#questions.write(chunk);
        done();
      },
    });
    this.#reader = createInterface({ input: this.#input, output, terminal: this.#isInteractive, historySize: 0 });
    return this.#reader[Symbol.asyncIterator]();
  }
}
