import type { Clock } from '../clock/clock.ts';
import type { Queues } from '../sqs/queues.ts';
import type { LocalMetrics } from './metrics.ts';

/** SQS publishes queue lengths every minute. */
const EVERY_MS = 60_000;

/** Receives after which SQS excludes a message from the age (SQS Developer Guide, "Available CloudWatch metrics"). */
const LEFT_OUT_RECEIVES = 3;

/** The supported SQS metrics: the messages sent, and the number and age of those that wait. */
export class QueueMetrics {
  readonly #queues: Queues;
  readonly #metrics: LocalMetrics;

  constructor(queues: Queues, metrics: LocalMetrics) {
    this.#queues = queues;
    this.#metrics = metrics;
    queues.onSent = (queueName, messages) => this.#record('NumberOfMessagesSent', queueName, messages);
  }

  /** Every minute until the clock stops. */
  start(clock: Clock): void {
    clock.sample(EVERY_MS, (nowMs) => this.sample(nowMs));
  }

  sample(nowMs = Date.now()): void {
    for (const queue of this.#queues.all()) {
      this.#record('ApproximateNumberOfMessagesVisible', queue.name, this.#queues.visibleMessages(queue), nowMs);
    }
  }

  /** Also publishes ages, which needs all messages: only when metrics are requested. */
  sampleAll(): void {
    for (const { name } of this.#queues.all()) {
      const messages = this.#queues.messages(name);
      const counted = messages.filter(({ approximateReceiveCount }) => approximateReceiveCount < LEFT_OUT_RECEIVES);
      const oldestAt = counted.reduce((oldest, { sentTimestamp }) => Math.min(oldest, sentTimestamp), Date.now());
      this.#record('ApproximateAgeOfOldestMessage', name, Math.floor((Date.now() - oldestAt) / 1000));
    }
    this.sample();
  }

  #record(name: string, queueName: string, value: number, atMs = Date.now()): void {
    this.#metrics.record({ namespace: 'AWS/SQS', name, dimensions: { QueueName: queueName } }, atMs, [value]);
  }
}
