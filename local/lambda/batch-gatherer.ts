import type { Message } from '@aws-sdk/client-sqs';
import type { Clock, Work } from '../clock/clock.ts';
import type { Queue, Queues } from '../sqs/queues.ts';

/** SQS's maximum for one receive. */
export const MAX_RECEIVED = 10;
/** Lambda's limit for the payload of one invocation, in bytes. */
const MAX_BATCH_BYTES = 6 * 1024 * 1024;
/** Approximate overhead of Lambda's record per message, in bytes. */
const RECORD_OVERHEAD_BYTES = 1024;
const MAX_RECORD_BYTES = 1024 * 1024 + RECORD_OVERHEAD_BYTES;

/** A batch, and its work: the clock does not jump before that has ended. */
export interface Batch {
  readonly messages: readonly Message[];
  readonly work: Work;
}

/** Receives messages until they are a batch, like one of Lambda's pollers. Several pollers may share one. */
export class BatchGatherer {
  readonly #queues: Queues;
  readonly #queue: Queue;
  readonly #clock: Clock;
  readonly #batchSize: number;
  readonly #windowSeconds: number;
  #waiting = 0;

  /** @param windowSeconds from the first message on; 0 to 300, and at least 1 for over 10 messages */
  constructor(queues: Queues, queue: Queue, clock: Clock, batchSize: number, windowSeconds: number) {
    this.#queues = queues;
    this.#queue = queue;
    this.#clock = clock;
    this.#batchSize = batchSize;
    this.#windowSeconds = windowSeconds;
  }

  /** Whether a poller waits for a message of the queue. */
  get isWaiting(): boolean {
    return this.#waiting > 0;
  }

  /**
   * The next batch: up to the batch size, the batching window or 6 MB, whichever comes first.
   *
   * @returns undefined if it is aborted before the first message
   */
  async next(signal: AbortSignal): Promise<Batch | undefined> {
    let messages = this.#queues.receive(this.#queue, this.#batchSize);
    while (messages.length === 0) {
      await this.#arrival(signal);
      if (signal.aborted) return undefined;
      messages = this.#queues.receive(this.#queue, this.#batchSize);
    }
    const work = this.#clock.begin();
    const windowEndsAt = Date.now() + this.#windowSeconds * 1000;
    while (messages.length < this.#batchSize && !signal.aborted) {
      // Each further message may have the maximum size.
      const room = Math.floor((MAX_BATCH_BYTES - sizeOf(messages)) / MAX_RECORD_BYTES);
      if (room < 1) break;
      const received = this.#queues.receive(this.#queue, Math.min(this.#batchSize - messages.length, room));
      messages.push(...received);
      if (received.length > 0) continue;
      const leftMs = windowEndsAt - Date.now();
      if (leftMs <= 0) break;
      await this.#arrivalWithin(leftMs, work, signal);
    }
    return { messages, work };
  }

  async #arrivalWithin(limitMs: number, work: Work, signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    const ends = AbortSignal.any([signal, over.signal]);
    const isOver = work.sleep(limitMs, ends).catch(() => undefined);
    await Promise.race([isOver, this.#arrival(ends)]);
    over.abort();
    await isOver;
  }

  async #arrival(signal: AbortSignal): Promise<void> {
    this.#waiting += 1;
    await this.#queues.arrival(this.#queue, signal);
    this.#waiting -= 1;
  }
}

function sizeOf(batch: readonly Message[]): number {
  return batch.reduce((sum, { Body = '' }) => sum + Buffer.byteLength(Body) + RECORD_OVERHEAD_BYTES, 0);
}
