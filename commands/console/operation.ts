import type * as z from 'zod';
import type { Context } from '../shared/context.ts';
import type { Stage } from '../shared/stage.ts';

/** Runs one command line of `./ltw`: what follows it. @returns its exit code */
export type RunProgram = (words: readonly string[], context: Context) => Promise<number>;

/** What an operation works with. */
export interface Work<P = never> {
  /** The stage that the console was started for. */
  readonly stage: Stage;
  /** The stage's clock, in epoch milliseconds. */
  now(): number;
  /** Aborts when the page stops the operation, or is closed. */
  readonly signal: AbortSignal;
  /** Sends the page an interim result. Resolves when the page can take the next one. */
  report(progress: P): Promise<void>;
  /** For functions of the CLI that take a context: its terminal answers no question. */
  readonly context: Context;
  readonly runProgram: RunProgram;
}

/** One function that the page calls over HTTP. */
export interface Operation<I, O, P = never> {
  /** Checks what the page sent. */
  readonly input: z.ZodType<I>;
  /** @throws CommandFailed, and the client's errors, which the page shows */
  readonly run: (input: I, work: Work<P>) => Promise<O>;
}

/** An operation of any types, whose input is checked first. */
export interface AnyOperation {
  readonly input: z.ZodType;
  run(input: never, work: Work): Promise<unknown>;
}

/** Declares an operation, with the types of its parts inferred. */
export function operation<I, O, P = never>(
  input: z.ZodType<I>,
  run: (input: I, work: Work<P>) => Promise<O>,
): Operation<I, O, P> {
  return { input, run };
}

/** What the page sends. */
export type InputOf<T> = T extends Operation<infer I, infer _O, infer _P> ? I : never;

/** What the page receives at the end. */
export type ResultOf<T> = T extends Operation<infer _I, infer O, infer _P> ? O : never;

/** What the page receives before. */
export type ProgressOf<T> = T extends Operation<infer _I, infer _O, infer P> ? P : never;
