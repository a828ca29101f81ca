import { fork } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../commands/main.ts', import.meta.url));

/** What `./ltw console` prints. */
const ADDRESS = /http:\/\/127\.0\.0\.1:\d+\/#token=[\w-]+/;

export interface ConsoleProcess {
  /** The page's address with its token, or why there is no page. */
  readonly started: Promise<{ readonly address: string } | { readonly failure: string }>;
  close(): Promise<void>;
}

/**
 * Runs `./ltw console` for the platform that this process has started: in a process of its own, whose clock is the real one.
 * It ends with this process, however that ends, because their channel is closed by then.
 *
 * @param onEnd called if it ends by itself
 * @param words of the command line, after the program
 */
export function startConsoleProcess(
  onEnd: () => void,
  words: readonly string[] = [MAIN, 'console', '--stage', 'local'],
): ConsoleProcess {
  const [program = MAIN, ...options] = words;
  const child = fork(program, options, { execArgv: [], stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  const started = Promise.withResolvers<{ readonly address: string } | { readonly failure: string }>();
  const ended = Promise.withResolvers<void>();
  let isClosing = false;
  let hasStarted = false;
  let printed = '';
  child.stdout?.on('data', (part) => {
    if (hasStarted) return;
    printed += part;
    const [address] = ADDRESS.exec(printed) ?? [];
    if (address === undefined) return;
    hasStarted = true;
    started.resolve({ address });
  });
  const complaint = child.stderr === null ? Promise.resolve('') : text(child.stderr).catch(() => '');
  const fail = async (reason: string) => {
    started.resolve({ failure: (await complaint).trim() || reason });
    ended.resolve();
    if (hasStarted && !isClosing) onEnd();
  };
  child.once('exit', (code, signal) => void fail(`it ended with ${signal ?? code}`));
  child.once('error', ({ message }) => void fail(message));
  return {
    started: started.promise,
    async close() {
      isClosing = true;
      // The platform ends, so that nothing is left that an operation would have to restore.
      child.kill();
      await ended.promise;
    },
  };
}
