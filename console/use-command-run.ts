/// <reference lib="dom" />
import { useCallback, useEffect, useRef, useState } from 'react';
import type { Answer, CommandResult } from '../commands/console/operations/run-command.ts';
import { useConsole } from './console-context.ts';

/** Characters of a command's output that the page keeps: the last ones. */
const MOST_OUTPUT = 200_000;

interface RunState {
  readonly phase: 'before' | 'running' | 'stopping' | 'ended';
  /** What it has printed so far. */
  readonly output: string;
  /** What its progress bar says; empty if it shows none. */
  readonly progress: string;
  /** Absent until it ends by itself. */
  readonly result?: CommandResult;
  readonly error?: string;
  /** Whether the operator has stopped it. */
  readonly isStopped: boolean;
}

export interface CommandRun extends RunState {
  run(words: readonly string[], answers?: readonly Answer[]): Promise<CommandResult | undefined>;
  /** Stops it as Ctrl-C does: it ends after what was begun, and says what was done. The second time no longer waits for it. */
  stop(): void;
}

const BEFORE: RunState = { phase: 'before', output: '', progress: '', isStopped: false };

/** Runs commands of `./ltw`, one at a time, each until it ends. It is stopped when its component is removed. */
export function useCommandRun(): CommandRun {
  const { call } = useConsole();
  const [state, setState] = useState(BEFORE);
  const running = useRef<{ readonly id: string; readonly connection: AbortController; isStopped: boolean }>(undefined);

  useEffect(() => () => running.current?.connection.abort(), []);

  const run = useCallback(
    async (words: readonly string[], answers: readonly Answer[] = []) => {
      running.current?.connection.abort();
      const own = { id: crypto.randomUUID(), connection: new AbortController(), isStopped: false };
      running.current = own;
      const change = (changed: Partial<RunState>) => {
        if (running.current === own) setState((before) => ({ ...before, ...changed }));
      };
      setState({ ...BEFORE, phase: 'running' });
      try {
        const result = await call(
          'command',
          { words: [...words], answers: [...answers], run: own.id },
          {
            signal: own.connection.signal,
            onProgress(line) {
              if (running.current !== own) return;
              if ('printed' in line) {
                setState((before) => ({ ...before, output: `${before.output}${line.printed}\n`.slice(-MOST_OUTPUT) }));
              } else change({ progress: line.progress });
            },
          },
        );
        change({ phase: 'ended', progress: '', result, isStopped: own.isStopped });
        return result;
      } catch (thrown) {
        const error = own.connection.signal.aborted
          ? 'The page no longer waits for it: what was begun may have been done.'
          : (thrown as Error).message;
        change({ phase: 'ended', progress: '', error, isStopped: own.isStopped });
        return undefined;
      }
    },
    [call],
  );

  const stop = useCallback(() => {
    const own = running.current;
    if (own === undefined) return;
    if (own.isStopped) return own.connection.abort();
    own.isStopped = true;
    setState((before) => ({ ...before, phase: 'stopping' }));
    call('stopCommand', { run: own.id }).catch(() => own.connection.abort());
  }, [call]);

  return { ...state, run, stop };
}
