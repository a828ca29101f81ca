import { DeleteMessageBatchCommand, type Message } from '@aws-sdk/client-sqs';
import type { Clock, Work } from '../clock/clock.ts';
import type { Resolver } from '../resolver.ts';
import type { Queue, Queues } from '../sqs/queues.ts';
import { type Batch, BatchGatherer, MAX_RECEIVED } from './batch-gatherer.ts';
import type { FunctionPool } from './function-pool.ts';
import type { InvocationResult } from './function-process.ts';
import type { Functions } from './functions.ts';
import { failedMessageIds, sqsEvent } from './sqs-event.ts';

/** Concurrent batches that Lambda starts with for one queue. It adds more under load; the local platform does not. */
const PARALLEL_POLLERS = 5;
const THROTTLE_BACKOFF_MS = { first: 100, most: 2_000 } as const;

interface MappingProperties {
  readonly EventSourceArn: string;
  readonly FunctionName: string;
  readonly Enabled?: boolean;
  readonly BatchSize?: number;
  readonly MaximumBatchingWindowInSeconds?: number;
  readonly ScalingConfig?: { readonly MaximumConcurrency?: number };
  readonly FunctionResponseTypes?: readonly string[];
  readonly FilterCriteria?: unknown;
}

export interface MappingsOptions {
  readonly resolver: Resolver;
  readonly queues: Queues;
  readonly functions: Functions;
  readonly clock: Clock;
}

/** Every `AWS::Lambda::EventSourceMapping` of the template, not yet polling. */
export function createMappings(options: MappingsOptions): EventSourceMapping[] {
  return options.resolver
    .logicalIds('AWS::Lambda::EventSourceMapping')
    .map((logicalId) => [logicalId, options.resolver.properties(logicalId) as unknown as MappingProperties] as const)
    .filter(([, properties]) => properties.Enabled !== false)
    .map(([logicalId, properties]) => {
      if (properties.FilterCriteria !== undefined) {
        throw new Error(`${logicalId}: FilterCriteria is not supported by the local platform`);
      }
      return new EventSourceMapping(properties, options);
    });
}

/**
 * Moves messages from a queue to a function, like Lambda's pollers: gathers a batch, invokes, and deletes successful messages.
 * Failed ones stay in the queue until their visibility timeout ends.
 */
export class EventSourceMapping {
  readonly #properties: MappingProperties;
  readonly #queues: Queues;
  readonly #queue: Queue;
  readonly #function: FunctionPool;
  readonly #clock: Clock;
  readonly #batches: BatchGatherer;
  readonly #stopping = new AbortController();
  #pollers: Promise<void>[] = [];

  constructor(properties: MappingProperties, { queues, functions, clock }: MappingsOptions) {
    this.#properties = properties;
    this.#queues = queues;
    this.#queue = queues.find(properties.EventSourceArn);
    this.#function = functions.find(properties.FunctionName);
    const { BatchSize = 10, MaximumBatchingWindowInSeconds = 0 } = properties;
    this.#batches = new BatchGatherer(queues, this.#queue, clock, BatchSize, MaximumBatchingWindowInSeconds);
    this.#clock = clock;
  }

  start(): void {
    this.#clock.addSource(this.#queues.dueSource(this.#queue, () => this.#batches.isWaiting));
    const most = this.#properties.ScalingConfig?.MaximumConcurrency ?? PARALLEL_POLLERS;
    this.#pollers = Array.from({ length: Math.min(PARALLEL_POLLERS, most) }, () => this.#poll());
  }

  /** Receives no further batch, and waits for those in progress. Stop the functions first to interrupt them. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#pollers);
  }

  async #poll(): Promise<void> {
    for (;;) {
      const batch = await this.#batches.next(this.#stopping.signal);
      if (batch === undefined) return;
      await this.#process(batch);
    }
  }

  async #process({ messages, work }: Batch): Promise<void> {
    try {
      const result = await this.#invoke(messages, work);
      const ids = messages.map(({ MessageId = '' }) => MessageId);
      const failed = this.#failed(result, ids);
      await this.#delete(messages.filter(({ MessageId = '' }) => !failed.includes(MessageId)));
    } catch (thrown) {
      // As with Lambda's pollers, the messages return when their visibility timeout ends.
      if (!this.#stopping.signal.aborted) console.error(`polling ${this.#queue.name}: ${String(thrown)}`);
    } finally {
      work.end();
    }
  }

  /** A batch whose function did not run is retried while its messages are invisible, then left to the queue. */
  async #invoke(batch: readonly Message[], work: Work): Promise<InvocationResult> {
    const event = sqsEvent(batch, this.#queue.arn);
    const giveUpAt = Date.now() + this.#queue.visibilityTimeoutSeconds * 1000;
    let backoffMs: number = THROTTLE_BACKOFF_MS.first;
    for (;;) {
      const result = await this.#function.invoke(event);
      const hasRun = result.status === 'succeeded' || result.status === 'failed';
      if (hasRun || Date.now() + backoffMs > giveUpAt) return result;
      await work.sleep(backoffMs, this.#stopping.signal);
      backoffMs = Math.min(backoffMs * 2, THROTTLE_BACKOFF_MS.most);
    }
  }

  #failed(result: InvocationResult, ids: readonly string[]): readonly string[] {
    if (result.status !== 'succeeded') return ids;
    const reports = this.#properties.FunctionResponseTypes?.includes('ReportBatchItemFailures') ?? false;
    return reports ? failedMessageIds(result.payload, ids) : [];
  }

  async #delete(messages: readonly Message[]): Promise<void> {
    for (let from = 0; from < messages.length; from += MAX_RECEIVED) {
      const Entries = messages
        .slice(from, from + MAX_RECEIVED)
        .map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
      await this.#queues.client.send(new DeleteMessageBatchCommand({ QueueUrl: this.#queue.url, Entries }));
    }
  }
}
