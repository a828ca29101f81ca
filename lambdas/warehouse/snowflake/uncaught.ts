import { AsyncLocalStorage } from 'node:async_hooks';
import type { EventEmitter } from 'node:events';

/** Captures errors that work throws from callbacks, where its caller cannot catch them. */
export interface UncaughtCapture {
  /** Runs `work` and throws what it throws synchronously. Errors from its timers, ticks and sockets are captured. */
  run<T>(work: () => T): T;
  stop(): void;
}

type Listener = (thrown: unknown) => void;

const listeners = new AsyncLocalStorage<Listener>();
let captures = 0;
let isCapturing = false;

/**
 * Keeps a library's error from ending the process: Lambda would lose the whole batch, and receive it again, for as long
 * as the same response comes. Other errors still end it. Does nothing where uncaught errors are captured already: Node has
 * one callback for that.
 */
export function captureUncaught(onThrown: Listener): UncaughtCapture {
  captures += 1;
  if (!process.hasUncaughtExceptionCaptureCallback()) {
    process.setUncaughtExceptionCaptureCallback(dispatch);
    isCapturing = true;
  }
  let isStopped = false;
  return {
    run: (work) => listeners.run(onThrown, work),
    stop() {
      if (isStopped) return;
      isStopped = true;
      captures -= 1;
      if (captures > 0 || !isCapturing) return;
      process.setUncaughtExceptionCaptureCallback(null);
      isCapturing = false;
    },
  };
}

function dispatch(thrown: unknown): void {
  const listener = listeners.getStore();
  if (listener !== undefined) listener(thrown);
  else raise(thrown);
}

/** As Node does without a capture: listeners decide, such as Lambda's runtime; without any the process ends. */
function raise(thrown: unknown): void {
  if (process.listenerCount('uncaughtException') > 0) {
    (process as EventEmitter).emit('uncaughtException', thrown, 'uncaughtException');
    return;
  }
  console.error(thrown);
  process.exit(1);
}
