/** Whether the operator has asked to stop, as Ctrl-C does. */
export interface Interruption {
  isRequested(): boolean;
  /** Resolves when it is requested. */
  readonly requested: Promise<void>;
  /** From now on Ctrl-C ends the process at once, as it does everywhere else. */
  ignore(): void;
}

/** Notes the first Ctrl-C, so that what was begun is finished before the end. The second one ends the process at once. */
export function noteInterruption(): Interruption {
  let isRequested = false;
  const { promise: requested, resolve } = Promise.withResolvers<void>();
  const note = () => {
    isRequested = true;
    resolve();
  };
  process.once('SIGINT', note);
  return { isRequested: () => isRequested, requested, ignore: () => void process.off('SIGINT', note) };
}

/** An interruption by a signal, for callers other than a terminal. */
export function interruptionBy(signal: AbortSignal): Interruption {
  const { promise: requested, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) resolve();
  else signal.addEventListener('abort', () => resolve(), { once: true });
  return { isRequested: () => signal.aborted, requested, ignore() {} };
}
