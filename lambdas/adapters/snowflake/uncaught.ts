import { AsyncLocalStorage } from 'node:async_hooks';
import type { EventEmitter } from 'node:events';

/** Work whose errors are heard although it throws them from a callback, where nobody can catch them. */
export interface Hearing {
  /** Runs `work`; what it throws later, from timers, ticks, sockets, is told. What it throws at once, it throws. */
  run<T>(work: () => T): T;
  stop(): void;
}

type Hearer = (thrown: unknown) => void;

const hearers = new AsyncLocalStorage<Hearer>();
let hearings = 0;
let isCapturing = false;

/**
 * Keeps a library's error from ending the process: Lambda would lose the whole batch, and get it again, for as long as the
 * same answer comes. Errors of anybody else end it as ever. Does nothing where somebody else captures uncaught errors
 * already: Node has one place for that.
 */
export function hearUncaught(onThrown: Hearer): Hearing {
  hearings += 1;
  if (!process.hasUncaughtExceptionCaptureCallback()) {
    process.setUncaughtExceptionCaptureCallback(tell);
    isCapturing = true;
  }
  let isStopped = false;
  return {
    run: (work) => hearers.run(onThrown, work),
    stop() {
      if (isStopped) return;
      isStopped = true;
      hearings -= 1;
      if (hearings > 0 || !isCapturing) return;
      process.setUncaughtExceptionCaptureCallback(null);
      isCapturing = false;
    },
  };
}

function tell(thrown: unknown): void {
  const hearer = hearers.getStore();
  if (hearer !== undefined) hearer(thrown);
  else passOn(thrown);
}

/** As Node does without a capture: whoever listens decides, Lambda's runtime for one; without listeners the process ends. */
function passOn(thrown: unknown): void {
  if (process.listenerCount('uncaughtException') > 0) {
    (process as EventEmitter).emit('uncaughtException', thrown, 'uncaughtException');
    return;
  }
  console.error(thrown);
  process.exit(1);
}
