import type { Interruption } from './interruption.ts';
import type { Stage } from './stage.ts';
import type { Terminal } from './terminal.ts';

/** What every command works with; tests bring their own. */
export interface Context {
  readonly terminal: Terminal;
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** @throws CommandFailed where there is no such stage within reach */
  openStage(name: string): Promise<Stage>;
  /** The wall clock, in milliseconds. */
  now(): number;
  /** @throws the signal's reason, where it aborts */
  sleep(durationMs: number, signal?: AbortSignal): Promise<void>;
  /** Notes Ctrl-C from now on, or what asks to stop where there is no terminal. */
  noteInterruption(): Interruption;
}
