import { randomUUID } from 'node:crypto';
import type { ListMessageMoveTasksResultEntry } from '@aws-sdk/client-sqs';
import type { Clock } from '../clock/clock.ts';
import type { QueueStore, StoredMessage, StoredQueue } from './fauxqs.ts';

/** Maximum and default rate of a task, in messages a second. */
export const MAX_PER_SECOND = 500;

const NO_QUEUE = 'AWS.SimpleQueueService.NonExistentQueue';

export interface MoveRequest {
  readonly sourceArn: string;
  /** Undefined: each message goes back to the queue that SQS moved it from. */
  readonly destinationArn: string | undefined;
  /** 1 to `MAX_PER_SECOND`. */
  readonly perSecond: number | undefined;
}

/** Moves the messages that are visible at its start out of a dead-letter queue, one at a time and as new messages. */
export class MoveTask {
  readonly request: MoveRequest;
  readonly id = randomUUID();
  readonly handle: string;
  readonly #store: QueueStore;
  readonly #origins: Map<string, string>;
  readonly #startedMs = Date.now();
  /** The number of messages at the start, so that a message that returns meanwhile is not moved twice. */
  readonly #toMove: number;
  readonly #stopping = new AbortController();
  #moved = 0;
  #status: 'RUNNING' | 'COMPLETED' | 'CANCELLED' | 'FAILED' = 'RUNNING';
  #failure: string | undefined;

  /** @param origins ARN of the queue that SQS moved a message from, by message id */
  constructor(request: MoveRequest, store: QueueStore, origins: Map<string, string>, clock: Clock) {
    const { sourceArn, perSecond = MAX_PER_SECOND } = request;
    this.request = request;
    this.handle = Buffer.from(JSON.stringify({ taskId: this.id, sourceArn })).toString('base64');
    this.#store = store;
    this.#origins = origins;
    this.#toMove = store.getQueueByArn(sourceArn)?.messages.length ?? 0;
    void this.#run(clock, 1000 / perSecond);
  }

  get isRunning(): boolean {
    return this.#status === 'RUNNING';
  }

  get moved(): number {
    return this.#moved;
  }

  /** Its entry in `ListMessageMoveTasks`, with a handle only while it runs. */
  get entry(): ListMessageMoveTasksResultEntry {
    const { sourceArn, destinationArn, perSecond } = this.request;
    return {
      ...(this.isRunning && { TaskHandle: this.handle }),
      Status: this.#status,
      SourceArn: sourceArn,
      DestinationArn: destinationArn,
      MaxNumberOfMessagesPerSecond: perSecond,
      ApproximateNumberOfMessagesMoved: this.#moved,
      ApproximateNumberOfMessagesToMove: this.#toMove,
      FailureReason: this.#failure,
      StartedTimestamp: this.#startedMs,
    };
  }

  cancel(): void {
    this.#end('CANCELLED');
  }

  async #run(clock: Clock, intervalMs: number): Promise<void> {
    await clock.work(async (work) => {
      while (this.isRunning) {
        await work.sleep(intervalMs, this.#stopping.signal).catch(() => this.cancel());
        if (this.isRunning) this.#moveNext();
      }
    });
  }

  #moveNext(): void {
    const source = this.#store.getQueueByArn(this.request.sourceArn);
    const message = source?.messages[0];
    if (source === undefined) this.#end('FAILED', NO_QUEUE);
    else if (message === undefined) this.#end('COMPLETED');
    else {
      const destination = this.#destinationOf(message.messageId);
      if (typeof destination === 'string') this.#end('FAILED', destination);
      else this.#move(message, source, destination);
    }
  }

  /** @returns the queue, or the reason why there is none */
  #destinationOf(messageId: string): StoredQueue | string {
    const arn = this.request.destinationArn ?? this.#origins.get(messageId);
    if (arn === undefined) return 'CouldNotDetermineMessageSource';
    return this.#store.getQueueByArn(arn) ?? NO_QUEUE;
  }

  #move(message: StoredMessage, source: StoredQueue, destination: StoredQueue): void {
    source.messages.shift();
    this.#origins.delete(message.messageId);
    const { approximateFirstReceiveTimestamp: _, ...rest } = message;
    destination.enqueue({ ...rest, messageId: randomUUID(), sentTimestamp: Date.now(), approximateReceiveCount: 0 });
    this.#moved += 1;
    if (this.#moved >= this.#toMove) this.#end('COMPLETED');
  }

  #end(status: 'COMPLETED' | 'CANCELLED' | 'FAILED', failure?: string): void {
    if (!this.isRunning) return;
    this.#status = status;
    this.#failure = failure;
    this.#stopping.abort();
  }
}
