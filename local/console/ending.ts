const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** How long ending may take once it is told, in milliseconds; then the process ends with status 1. */
const ENDING_LIMIT_MS = 20_000;

export interface Ending {
  /** Resolves when this process is told to end, or nobody reads its output any more. */
  readonly told: Promise<void>;
  isTold(): boolean;
}

/**
 * Listens for what ends a platform. Further signals change nothing: a Ctrl-C under npm arrives twice, from the terminal
 * and from npm.
 */
export function untilTold(): Ending {
  const { promise, resolve } = Promise.withResolvers<void>();
  let isTold = false;
  const tell = () => {
    if (isTold) return;
    isTold = true;
    setTimeout(() => process.exit(1), ENDING_LIMIT_MS).unref();
    resolve();
  };
  for (const signal of SIGNALS) process.on(signal, tell);
  for (const stream of [process.stdout, process.stderr]) stream.on('error', tell);
  return { told: promise, isTold: () => isTold };
}
