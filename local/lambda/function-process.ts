import { type ChildProcess, fork } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { FunctionError, Invocation, RuntimeMessage } from './function-messages.ts';

/** Lambda's limit for loading a function before its first invocation, in milliseconds. */
const INIT_TIMEOUT_MS = 10_000;

const RUNTIME = fileURLToPath(new URL('./function-runtime.js', import.meta.url));

export type InvocationResult =
  | { readonly status: 'succeeded'; readonly payload: unknown }
  | { readonly status: 'failed'; readonly error: FunctionError }
  /** Refused before the start: no concurrency left. */
  | { readonly status: 'throttled' }
  /** Refused before the start by another error of `Invoke`: `ResourceNotReadyException`. */
  | { readonly status: 'refused'; readonly errorName: string };

export interface LogLine {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly processId: number;
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
}

export interface ProcessOptions {
  readonly modulePath: string;
  readonly exportName: string;
  /** All environment variables of the function; nothing is inherited. */
  readonly environment: Readonly<Record<string, string>>;
  readonly directory: string;
  /** Offset of its `Date` to the real clock while it loads, in milliseconds. */
  readonly clockOffsetMs: number;
  readonly onLine: (line: LogLine) => void;
}

/** One execution environment of a function: a process that handles one invocation at a time. */
export class FunctionProcess {
  readonly id: number;
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  #exitText = '';
  #loading: Promise<FunctionError | undefined> | undefined;
  #receive: (message: RuntimeMessage | 'exit') => void = () => {};
  #gone = false;
  #exiting = false;

  constructor(options: ProcessOptions) {
    this.#child = fork(RUNTIME, [options.modulePath, options.exportName, String(options.clockOffsetMs)], {
      env: { ...options.environment },
      execArgv: [],
      cwd: options.directory,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.id = this.#child.pid ?? 0;
    this.#exited = new Promise((resolve) => {
      // 'close' follows the last line of output, 'exit' may precede it.
      this.#child.once('close', (code, signal) => {
        this.#gone = true;
        this.#exitText = signal === null ? `exit status ${code}` : `signal: ${signal}`;
        this.#receive('exit');
        resolve();
      });
    });
    this.#child.on('message', (message: RuntimeMessage) => {
      this.#exiting ||= message.type === 'error' && message.exiting === true;
      this.#receive(message);
    });
    this.#child.on('error', () => this.kill());
    for (const stream of ['stdout', 'stderr'] as const) {
      const input = this.#child[stream];
      if (input === null) continue;
      createInterface({ input }).on('line', (text) =>
        options.onLine({ at: Date.now(), processId: this.id, stream, text }),
      );
    }
  }

  /** False if the process has ended or is about to, so that it accepts no further invocation. */
  get usable(): boolean {
    return !this.#gone && !this.#exiting && !this.#child.killed && this.#child.connected;
  }

  /** Resolves when the handler is loaded, or with the error for the invocation if it cannot be loaded. */
  load(): Promise<FunctionError | undefined> {
    this.#loading ??= this.#load();
    return this.#loading;
  }

  async #load(): Promise<FunctionError | undefined> {
    const message = await this.#next(INIT_TIMEOUT_MS);
    if (message === 'timeout') {
      this.kill();
      return { errorType: 'Sandbox.Timedout', errorMessage: 'the function did not load within 10 seconds' };
    }
    if (message === 'exit') return this.#exitError('init');
    return message.type === 'error' ? message.error : undefined;
  }

  /** @param timeoutMs after it the process is killed, like Lambda's sandbox */
  async invoke(invocation: Invocation, timeoutMs: number): Promise<InvocationResult> {
    const next = this.#next(timeoutMs);
    this.#child.send(invocation, () => {});
    const message = await next;
    if (message === 'timeout') {
      this.kill();
      const errorMessage = `RequestId: ${invocation.requestId} Error: Task timed out after ${(timeoutMs / 1000).toFixed(2)} seconds`;
      return { status: 'failed', error: { errorType: 'Sandbox.Timedout', errorMessage } };
    }
    if (message === 'exit') return { status: 'failed', error: this.#exitError(invocation.requestId) };
    if (message.type === 'error') return { status: 'failed', error: message.error };
    const payload = message.type === 'result' ? JSON.parse(message.payload) : null;
    return { status: 'succeeded', payload };
  }

  /** Ends the process at once; its invocation fails with `Runtime.ExitError`. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  async ended(): Promise<void> {
    await this.#exited;
  }

  #exitError(requestId: string): FunctionError {
    const errorMessage = `RequestId: ${requestId} Error: Runtime exited with error: ${this.#exitText}`;
    return { errorType: 'Runtime.ExitError', errorMessage };
  }

  #next(timeoutMs: number): Promise<RuntimeMessage | 'exit' | 'timeout'> {
    return new Promise((resolve) => {
      if (this.#gone) {
        resolve('exit');
        return;
      }
      const timer = setTimeout(() => resolve('timeout'), timeoutMs);
      this.#receive = (message) => {
        clearTimeout(timer);
        resolve(message);
      };
    });
  }
}
