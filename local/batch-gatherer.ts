import { type Message, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import type { Queue, Queues } from './queues.ts';

/** The most that SQS gives at once. */
export const MAX_RECEIVED = 10;
const LONG_POLL_SECONDS = 20;
/** Lambda's limit for the payload of one invocation, in bytes. */
const MAX_BATCH_BYTES = 6 * 1024 * 1024;
/** What Lambda's record adds to a message's body, roughly, in bytes. */
const RECORD_OVERHEAD_BYTES = 1024;
const MAX_RECORD_BYTES = 1024 * 1024 + RECORD_OVERHEAD_BYTES;

/** Receives messages until they are a batch, as one of Lambda's pollers does. Several may share one. */
export class BatchGatherer {
  readonly #queues: Queues;
  readonly #queue: Queue;
  readonly #batchSize: number;
  readonly #windowSeconds: number;

  /** @param windowSeconds from the first message on; 0 to 300. Over 10 messages need at least 1 */
  constructor(queues: Queues, queue: Queue, batchSize: number, windowSeconds: number) {
    this.#queues = queues;
    this.#queue = queue;
    this.#batchSize = batchSize;
    this.#windowSeconds = windowSeconds;
  }

  /**
   * The next batch: up to the batch size, the batching window or 6 MB, whichever comes first. Empty where no message
   * came within a long poll.
   */
  async next(signal: AbortSignal): Promise<Message[]> {
    const batch = await this.#receive(this.#batchSize, LONG_POLL_SECONDS, signal);
    const windowEndsAt = Date.now() + this.#windowSeconds * 1000;
    while (batch.length > 0 && batch.length < this.#batchSize && !signal.aborted) {
      const leftSeconds = (windowEndsAt - Date.now()) / 1000;
      // Each further message may be as large as one can be.
      const room = Math.floor((MAX_BATCH_BYTES - sizeOf(batch)) / MAX_RECORD_BYTES);
      if (leftSeconds <= 0 || room < 1) break;
      const wanted = Math.min(this.#batchSize - batch.length, room);
      // The local server takes fractions of a second, so a window ends when it should.
      batch.push(...(await this.#receive(wanted, Math.min(leftSeconds, LONG_POLL_SECONDS), signal)));
    }
    return batch;
  }

  async #receive(most: number, waitSeconds: number, abortSignal: AbortSignal): Promise<Message[]> {
    const command = new ReceiveMessageCommand({
      QueueUrl: this.#queue.url,
      MaxNumberOfMessages: Math.min(most, MAX_RECEIVED),
      WaitTimeSeconds: waitSeconds,
      MessageSystemAttributeNames: ['All'],
      MessageAttributeNames: ['All'],
    });
    const { Messages = [] } = await this.#queues.client.send(command, { abortSignal });
    return Messages;
  }
}

function sizeOf(batch: readonly Message[]): number {
  return batch.reduce((sum, { Body = '' }) => sum + Buffer.byteLength(Body) + RECORD_OVERHEAD_BYTES, 0);
}
