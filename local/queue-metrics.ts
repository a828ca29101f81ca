import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import type { LocalMetrics } from './metrics.ts';
import type { Queues } from './queues.ts';

/** SQS tells CloudWatch how many messages lie in a queue every minute. */
const EVERY_MS = 60_000;

/** Receives after which SQS leaves a message out of the age (SQS Developer Guide, "Available CloudWatch metrics"). */
const LEFT_OUT_RECEIVES = 3;

/** How long queues are, and how old what lies in them: of SQS's own metrics those that are asked for here. */
export class QueueMetrics {
  readonly #queues: Queues;
  readonly #metrics: LocalMetrics;
  #timer: NodeJS.Timeout | undefined;

  constructor(queues: Queues, metrics: LocalMetrics) {
    this.#queues = queues;
    this.#metrics = metrics;
  }

  /** @param timeScale the interval is divided by it, and a second at least */
  start(timeScale: number): void {
    // A queue that cannot be asked is one that is being stopped.
    const sample = () => void this.sample().catch(() => {});
    this.#timer = setInterval(sample, Math.max(1000, EVERY_MS / timeScale));
    this.#timer.unref();
  }

  async sample(): Promise<void> {
    await Promise.all(
      this.#queues.all().map(async ({ name, url }) => {
        const asked = { QueueUrl: url, AttributeNames: ['ApproximateNumberOfMessages' as const] };
        const { Attributes } = await this.#queues.client.send(new GetQueueAttributesCommand(asked));
        const visible = Number(Attributes?.ApproximateNumberOfMessages);
        this.#record('ApproximateNumberOfMessagesVisible', name, visible);
      }),
    );
  }

  /** The same, and ages too: for these everything in a queue is read, so that only who asks for metrics has it done. */
  async sampleAll(): Promise<void> {
    const ages = this.#queues.all().map(async ({ name }) => {
      const { ready, delayed, inflight } = await this.#queues.content(name);
      const messages = [...ready, ...delayed, ...inflight.map(({ message }) => message)];
      const counted = messages.filter(({ approximateReceiveCount }) => approximateReceiveCount < LEFT_OUT_RECEIVES);
      const oldestAt = counted.reduce((oldest, { sentTimestamp }) => Math.min(oldest, sentTimestamp), Date.now());
      this.#record('ApproximateAgeOfOldestMessage', name, Math.floor((Date.now() - oldestAt) / 1000));
    });
    await Promise.all([this.sample(), ...ages]);
  }

  #record(name: string, queueName: string, value: number): void {
    this.#metrics.record({ namespace: 'AWS/SQS', name, dimensions: { QueueName: queueName } }, Date.now(), [value]);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
