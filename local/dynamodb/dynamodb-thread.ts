import { once } from 'node:events';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import type { OnCall } from '../aws-calls.ts';
import type { Clock } from '../clock/clock.ts';

/** `down`: connections are reset. `hang`: requests get no response. */
export type DynamoDbMode = 'up' | 'down' | 'hang';

export interface DynamoDbOptions {
  /** Does not jump during a request. */
  readonly clock?: Clock;
  /** Called for each request. */
  readonly onCall?: OnCall | undefined;
}

export interface DynamoDbWorkerData {
  /** One number: requests in progress. */
  readonly requests: Int32Array;
  /** Receives each call, if there is a listener. */
  readonly calls: MessagePort | undefined;
}

export interface DynamoDbThread {
  readonly endpoint: string;
  /** Resolves when the mode is in effect. Tables keep their items. */
  setMode(mode: DynamoDbMode): Promise<void>;
  /** Ends the thread and its connections. May be called again. */
  stop(): Promise<void>;
}

/**
 * Starts an empty DynamoDB in a thread, so that it does not block the platform's event loop. A thread always ends with its
 * process.
 */
export async function startDynamoDbThread({ clock, onCall }: DynamoDbOptions = {}): Promise<DynamoDbThread> {
  const calls = new MessageChannel();
  calls.port1.on('message', (call) => onCall?.(call)).unref();
  const requests = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  let mode: DynamoDbMode = 'up';
  // Hanging requests never end, so the clock must not wait for them.
  const isBusy = () => mode === 'up' && Atomics.load(requests, 0) > 0;
  clock?.addSource({ isBusy, dueAt: () => undefined, wake: () => undefined });
  const worker = new Worker(new URL('./dynamodb-worker.ts', import.meta.url), {
    // Without the flags of this process, such as a test runner's.
    execArgv: [],
    workerData: { requests, calls: onCall && calls.port2 } satisfies DynamoDbWorkerData,
    transferList: onCall ? [calls.port2] : [],
  });
  // `once` rejects with the thread's error.
  const [boundPort] = await once(worker, 'message');
  return {
    endpoint: `http://127.0.0.1:${boundPort}`,
    async setMode(next) {
      const confirmed = once(worker, 'message');
      worker.postMessage(next);
      await confirmed;
      mode = next;
    },
    async stop() {
      await worker.terminate();
    },
  };
}
