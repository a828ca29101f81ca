import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** A process that answers each message with one. */
export interface Child {
  /** Its next message. @throws Error where it ends instead */
  next(): Promise<unknown>;
  ask(message: object | string): Promise<unknown>;
  /** Ends it, and waits until it is gone. */
  stop(): Promise<void>;
}

export interface ChildOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** For Node. */
  readonly flags?: readonly string[];
}

/** Starts a module that ends by itself when it is disconnected. */
export function startChild(file: URL, { env = {}, flags = [] }: ChildOptions = {}): Child {
  const child = fork(file, {
    env,
    execArgv: ['--disable-warning=ExperimentalWarning', ...flags],
    // What is logged is written as in Lambda, and kept by nobody.
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  return {
    next: () => nextMessage(child, file),
    ask(message) {
      const answer = nextMessage(child, file);
      child.send(message);
      return answer;
    },
    async stop() {
      if (!child.connected) return;
      const ended = once(child, 'exit');
      child.disconnect();
      await ended;
    },
  };
}

function nextMessage(child: ChildProcess, file: URL): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const fail = (code: number | null) => reject(new Error(`${file.pathname} ended with status ${code}`));
  child.once('exit', fail).once('message', resolve);
  return promise.finally(() => child.off('exit', fail).off('message', resolve));
}
