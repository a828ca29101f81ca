import { once } from 'node:events';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import type { OnCall } from '../aws-calls.ts';
import type { Clock } from '../clock/clock.ts';

/** `down`: connections are reset. `hang`: they are taken, and nothing is answered. */
export type DynamoDbMode = 'up' | 'down' | 'hang';

export interface DynamoDbOptions {
  /** Does not jump while a request is answered. */
  readonly clock?: Clock;
  /** On 127.0.0.1; 0, the default, takes a free one. */
  readonly port?: number;
  /** Called for each request. */
  readonly onCall?: OnCall | undefined;
}

export interface DynamoDbWorkerData {
  readonly port: number;
  /** One number: how many requests are being answered. */
  readonly requests: Int32Array;
  /** Takes each call, where they are asked for. */
  readonly calls: MessagePort | undefined;
}

export interface DynamoDbThread {
  readonly endpoint: string;
  /** Resolves when the mode holds. What the tables hold stays. */
  setMode(mode: DynamoDbMode): Promise<void>;
  /** Ends the thread, its open connections with it. May be called again. */
  stop(): Promise<void>;
}

/**
 * Starts an empty DynamoDB in a thread of its own, so that the platform's event loop stays free for queues and
 * functions. A thread ends with its process, however that ends.
 *
 * @throws Error (EADDRINUSE) where the port is taken
 */
export async function startDynamoDbThread({ clock, port = 0, onCall }: DynamoDbOptions = {}): Promise<DynamoDbThread> {
  const calls = new MessageChannel();
  calls.port1.on('message', (call) => onCall?.(call)).unref();
  const requests = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  let mode: DynamoDbMode = 'up';
  // What hangs is never answered, and no reason to wait.
  const isBusy = () => mode === 'up' && Atomics.load(requests, 0) > 0;
  clock?.addSource({ isBusy, dueAt: () => undefined, wake: () => undefined });
  const worker = new Worker(new URL('./dynamodb-worker.ts', import.meta.url), {
    // Flags of this process, such as a test runner's, are none of the thread's business.
    execArgv: [],
    workerData: { port, requests, calls: onCall && calls.port2 } satisfies DynamoDbWorkerData,
    transferList: onCall ? [calls.port2] : [],
  });
  // `once` throws what the thread failed of.
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
