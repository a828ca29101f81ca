import type { Command } from '@commander-js/extra-typings';
import type { Context } from './context.ts';

/** Runs what a command is declared with; its action resolves with the exit code. */
export type Run = (action: (context: Context) => Promise<number>) => Promise<void>;

/** The type of a command that others are added to. */
export type Parent = Pick<Command, 'command'>;
