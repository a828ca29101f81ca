import { randomUUID } from 'node:crypto';
import type { ListMessageMoveTasksResultEntry } from '@aws-sdk/client-sqs';
import type { Clock } from '../clock/clock.ts';
import type { QueueStore } from './fauxqs.ts';

/** Maximum and default rate of a task, in messages a second. */
export const MAX_PER_SECOND = 500;

export interface MoveRequest {
  readonly sourceArn: string;
  readonly destinationArn: string;
  /** 1 to `MAX_PER_SECOND`. */
  readonly perSecond: number | undefined;
}

/** Moves the messages that are visible at its start out of a dead-letter queue, one at a time and as new messages. */
export class MoveTask {
  readonly request: MoveRequest;
  readonly id = randomUUID();
  readonly handle: string;
  readonly #store: QueueStore;
  readonly #startedMs = Date.now();
  /** The number of messages at the start, so that a message that returns meanwhile is not moved twice. */
  readonly #toMove: number;
  readonly #stopping = new AbortController();
  #moved = 0;
  #status: 'RUNNING' | 'COMPLETED' | 'CANCELLED' | 'FAILED' = 'RUNNING';

  constructor(request: MoveRequest, store: QueueStore, clock: Clock) {
    const { sourceArn, perSecond = MAX_PER_SECOND } = request;
    this.request = request;
    this.handle = Buffer.from(JSON.stringify({ taskId: this.id, sourceArn })).toString('base64');
    this.#store = store;
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
      ...(this.#status === 'FAILED' && { FailureReason: 'AWS.SimpleQueueService.NonExistentQueue' }),
      Status: this.#status,
      SourceArn: sourceArn,
      DestinationArn: destinationArn,
      MaxNumberOfMessagesPerSecond: perSecond,
      ApproximateNumberOfMessagesMoved: this.#moved,
      ApproximateNumberOfMessagesToMove: this.#toMove,
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
    const destination = this.#store.getQueueByArn(this.request.destinationArn);
    if (source === undefined || destination === undefined) {
      this.#end('FAILED');
      return;
    }
    const message = source.messages.shift();
    if (message !== undefined) {
      const { approximateFirstReceiveTimestamp: _, ...rest } = message;
      destination.enqueue({ ...rest, messageId: randomUUID(), sentTimestamp: Date.now(), approximateReceiveCount: 0 });
      this.#moved += 1;
    }
    if (message === undefined || this.#moved >= this.#toMove) this.#end('COMPLETED');
  }

  #end(status: 'COMPLETED' | 'CANCELLED' | 'FAILED'): void {
    if (!this.isRunning) return;
    this.#status = status;
    this.#stopping.abort();
  }
}
