/// <reference lib="dom" />
import { useCallback, useEffect, useRef, useState } from 'react';
import type { InputOf, ProgressOf, ResultOf } from '../commands/console/operation.ts';
import type { Operations } from '../commands/console/operations.ts';
import { useConsole } from './console-context.ts';

export interface CallState<N extends keyof Operations> {
  /** The last result, also while it is read again. */
  readonly result: ResultOf<Operations[N]> | undefined;
  readonly progress: ProgressOf<Operations[N]> | undefined;
  /** Why the last call failed. */
  readonly error: string | undefined;
  readonly isLoading: boolean;
  /** Reads it again. */
  reload(): void;
  /** Stops the call. */
  stop(): void;
}

/**
 * Calls an operation when the component is shown, when the input changes, and at an interval while the tab is visible.
 *
 * @param everyMs undefined: no interval
 */
export function useCall<N extends keyof Operations>(
  name: N,
  input: InputOf<Operations[N]>,
  { everyMs }: { readonly everyMs?: number } = {},
): CallState<N> {
  const { call } = useConsole();
  const [state, setState] = useState<Omit<CallState<N>, 'reload' | 'stop'>>({
    ...{ result: undefined, progress: undefined, error: undefined, isLoading: true },
  });
  const running = useRef<AbortController>(undefined);
  const key = JSON.stringify(input);

  const run = useCallback(async () => {
    running.current?.abort();
    const own = new AbortController();
    running.current = own;
    setState((before) => ({ ...before, progress: undefined, isLoading: true }));
    try {
      const result = await call(name, JSON.parse(key) as InputOf<Operations[N]>, {
        signal: own.signal,
        onProgress: (progress) => setState((before) => ({ ...before, progress })),
      });
      if (!own.signal.aborted) setState({ result, progress: undefined, error: undefined, isLoading: false });
    } catch (thrown) {
      if (!own.signal.aborted)
        setState((before) => ({ ...before, progress: undefined, error: (thrown as Error).message, isLoading: false }));
    } finally {
      if (running.current === own) running.current = undefined;
    }
  }, [call, name, key]);

  useEffect(() => {
    setState((before) => ({ ...before, result: undefined, error: undefined }));
    void run();
    return () => running.current?.abort();
  }, [run]);

  useEffect(() => {
    if (everyMs === undefined) return;
    const timer = setInterval(() => {
      // A call that takes longer than the interval must come to its end.
      if (document.visibilityState === 'visible' && running.current === undefined) void run();
    }, everyMs);
    return () => clearInterval(timer);
  }, [run, everyMs]);

  const stop = useCallback(() => {
    running.current?.abort();
    setState((before) => ({ ...before, isLoading: false }));
  }, []);
  return { ...state, reload: () => void run(), stop };
}
