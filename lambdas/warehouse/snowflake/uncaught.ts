import { AsyncLocalStorage } from 'node:async_hooks';
import type { EventEmitter } from 'node:events';

/** Captures errors that a library throws in callbacks, where its caller cannot catch them. */
export interface UncaughtCapture {
  /** Runs `work`, and throws its synchronous errors. Errors in its timers, ticks and sockets are captured. */
  run<T>(work: () => T): T;
  stop(): void;
}

type Listener = (thrown: unknown) => void;

const listeners = new AsyncLocalStorage<Listener>();
let captures = 0;
let isCapturing = false;

/**
 * Prevents a library's error from ending the process: Lambda would lose the whole batch, and SQS would redeliver it, as long
 * as the same response comes. Other errors still end the process. Does nothing if uncaught errors are already captured: Node
 * has only one callback for that.
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

/** Behaves as Node without a capture: calls the listeners, such as Lambda's; without any the process ends. */
function raise(thrown: unknown): void {
  if (process.listenerCount('uncaughtException') > 0) {
    (process as EventEmitter).emit('uncaughtException', thrown, 'uncaughtException');
    return;
  }
  console.error(thrown);
  process.exit(1);
}
