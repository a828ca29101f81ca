import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import type { LocalMetrics } from './metrics.ts';
import type { Queues } from './queues.ts';

/** SQS tells CloudWatch how many messages lie in a queue every minute. */
const EVERY_MS = 60_000;

/** How long queues are: what SQS itself publishes in CloudWatch, of its metrics the one that is asked for here. */
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
        const id = {
          namespace: 'AWS/SQS',
          name: 'ApproximateNumberOfMessagesVisible',
          dimensions: { QueueName: name },
        };
        this.#metrics.record(id, Date.now(), [Number(Attributes?.ApproximateNumberOfMessages)]);
      }),
    );
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
