/// <reference lib="dom" />
import { useCallback, useEffect, useRef, useState } from 'react';
import type { InputOf, ProgressOf, ResultOf } from '../../commands/console/operation.ts';
import type { Operations } from '../../commands/console/operations.ts';
import { useConsole } from '../console-context.ts';

export interface RunState<N extends keyof Operations> {
  readonly result: ResultOf<Operations[N]> | undefined;
  readonly error: string | undefined;
  readonly isRunning: boolean;
  readonly isStopped: boolean;
  start(input: InputOf<Operations[N]>): void;
  stop(): void;
}

/** Runs an operation when it is started, and stops it when asked to, or when the component is gone. */
export function useRun<N extends keyof Operations>(
  name: N,
  onProgress: (progress: ProgressOf<Operations[N]>) => void,
): RunState<N> {
  const { call } = useConsole();
  const [state, setState] = useState<Omit<RunState<N>, 'start' | 'stop'>>({
    ...{ result: undefined, error: undefined, isRunning: false, isStopped: false },
  });
  const running = useRef<AbortController>(undefined);
  const listener = useRef(onProgress);
  listener.current = onProgress;

  const start = useCallback(
    (input: InputOf<Operations[N]>) => {
      running.current?.abort();
      const own = new AbortController();
      running.current = own;
      setState({ result: undefined, error: undefined, isRunning: true, isStopped: false });
      const options = {
        signal: own.signal,
        onProgress(progress: ProgressOf<Operations[N]>) {
          if (!own.signal.aborted) listener.current(progress);
        },
      };
      call(name, input, options).then(
        (result) => {
          if (!own.signal.aborted) setState({ result, error: undefined, isRunning: false, isStopped: false });
        },
        (thrown: Error) => {
          if (own.signal.aborted) return;
          setState({ result: undefined, error: thrown.message, isRunning: false, isStopped: false });
        },
      );
    },
    [call, name],
  );
  const stop = useCallback(() => {
    running.current?.abort();
    setState((before) => ({ ...before, isRunning: false, isStopped: true }));
  }, []);
  useEffect(() => () => running.current?.abort(), []);
  return { ...state, start, stop };
}
