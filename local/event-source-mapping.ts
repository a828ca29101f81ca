import { setTimeout as sleep } from 'node:timers/promises';
import { ChangeMessageVisibilityCommand, DeleteMessageBatchCommand, type Message } from '@aws-sdk/client-sqs';
import { BatchGatherer, MAX_RECEIVED } from './batch-gatherer.ts';
import type { FunctionPool } from './function-pool.ts';
import type { InvocationResult } from './function-process.ts';
import type { Functions } from './functions.ts';
import type { Queue, Queues } from './queues.ts';
import type { Resolver } from './resolver.ts';
import { failedMessageIds, sqsEvent } from './sqs-event.ts';
import { resourcesOfType, type Template } from './template.ts';

/** Batches that Lambda starts with in parallel for one queue. It adds more under load; the local platform does not. */
const PARALLEL_POLLERS = 5;
const POLL_FAULT_PAUSE_MS = 500;
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
  readonly template: Template;
  readonly resolver: Resolver;
  readonly queues: Queues;
  readonly functions: Functions;
  /** What a failed message still has to wait is divided by this. At 1 the queue's own timing is left alone. */
  readonly timeScale: number;
}

/** Every `AWS::Lambda::EventSourceMapping` of the template, not yet polling. */
export function createMappings(options: MappingsOptions): EventSourceMapping[] {
  return resourcesOfType(options.template, 'AWS::Lambda::EventSourceMapping')
    .map(([logicalId]) => [logicalId, options.resolver.properties(logicalId) as unknown as MappingProperties] as const)
    .filter(([, properties]) => properties.Enabled !== false)
    .map(([logicalId, properties]) => {
      if (properties.FilterCriteria !== undefined) {
        throw new Error(`${logicalId}: FilterCriteria is not understood by the local platform`);
      }
      return new EventSourceMapping(properties, options);
    });
}

/**
 * Carries messages from a queue to a function, as Lambda's pollers do: gathers a batch, invokes, deletes what succeeded.
 * What failed stays until its visibility ends.
 */
export class EventSourceMapping {
  readonly #properties: MappingProperties;
  readonly #queues: Queues;
  readonly #queue: Queue;
  readonly #function: FunctionPool;
  readonly #timeScale: number;
  readonly #batches: BatchGatherer;
  readonly #stopping = new AbortController();
  #pollers: Promise<void>[] = [];

  constructor(properties: MappingProperties, { queues, functions, timeScale }: MappingsOptions) {
    this.#properties = properties;
    this.#queues = queues;
    this.#queue = queues.find(properties.EventSourceArn);
    this.#function = functions.find(properties.FunctionName);
    this.#timeScale = timeScale;
    const { BatchSize = 10, MaximumBatchingWindowInSeconds = 0 } = properties;
    this.#batches = new BatchGatherer(queues, this.#queue, BatchSize, MaximumBatchingWindowInSeconds);
  }

  start(): void {
    const most = this.#properties.ScalingConfig?.MaximumConcurrency ?? PARALLEL_POLLERS;
    this.#pollers = Array.from({ length: Math.min(PARALLEL_POLLERS, most) }, () => this.#poll());
  }

  /** Takes no further batch; what is being processed comes to its end. Stop the functions first to cut it short. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#pollers);
  }

  async #poll(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      try {
        const batch = await this.#batches.next(this.#stopping.signal);
        if (batch.length > 0) await this.#process(batch);
      } catch (thrown) {
        if (this.#stopping.signal.aborted) return;
        // As Lambda's pollers do: the messages return when their visibility ends.
        console.error(`polling ${this.#queue.name}: ${String(thrown)}`);
        await sleep(POLL_FAULT_PAUSE_MS);
      }
    }
  }

  async #process(batch: readonly Message[]): Promise<void> {
    const receivedAt = Date.now();
    const result = await this.#invoke(batch, receivedAt);
    const ids = batch.map(({ MessageId = '' }) => MessageId);
    const failed = this.#failed(result, ids);
    await this.#delete(batch.filter(({ MessageId = '' }) => !failed.includes(MessageId)));
    const left = batch.filter(({ MessageId = '' }) => failed.includes(MessageId));
    await Promise.all(left.map((message) => this.#shortenVisibility(message, receivedAt)));
  }

  /** A batch whose function did not run is tried again for as long as its messages are invisible, then left to the queue. */
  async #invoke(batch: readonly Message[], receivedAt: number): Promise<InvocationResult> {
    const event = sqsEvent(batch, this.#queue.arn);
    const giveUpAt = receivedAt + this.#queue.visibilityTimeoutSeconds * 1000;
    let backoffMs: number = THROTTLE_BACKOFF_MS.first;
    for (;;) {
      const result = await this.#function.invoke(event);
      const hasRun = result.status === 'succeeded' || result.status === 'failed';
      if (hasRun || Date.now() + backoffMs > giveUpAt) return result;
      await sleep(backoffMs, undefined, { signal: this.#stopping.signal });
      backoffMs = Math.min(backoffMs * 2, THROTTLE_BACKOFF_MS.most);
    }
  }

  #failed(result: InvocationResult, ids: readonly string[]): readonly string[] {
    if (result.status !== 'succeeded') return ids;
    const reports = this.#properties.FunctionResponseTypes?.includes('ReportBatchItemFailures') ?? false;
    return reports ? failedMessageIds(result.payload, ids) : [];
  }

  async #delete(messages: readonly Message[]): Promise<void> {
    for (const { ReceiptHandle = '' } of messages) this.#queues.takeOwnVisibility(ReceiptHandle);
    for (let from = 0; from < messages.length; from += MAX_RECEIVED) {
      const Entries = messages
        .slice(from, from + MAX_RECEIVED)
        .map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
      await this.#queues.client.send(new DeleteMessageBatchCommand({ QueueUrl: this.#queue.url, Entries }));
    }
  }

  /** Divides what is left of a failed message's wait, whether the queue's timeout or one that the handler asked for. */
  async #shortenVisibility({ ReceiptHandle = '' }: Message, receivedAt: number): Promise<void> {
    const askedFor = this.#queues.takeOwnVisibility(ReceiptHandle);
    if (this.#timeScale <= 1) return;
    const visibleAt = askedFor ?? receivedAt + this.#queue.visibilityTimeoutSeconds * 1000;
    const leftMs = visibleAt - Date.now();
    if (leftMs <= 0) return;
    const VisibilityTimeout = Math.ceil(leftMs / 1000 / this.#timeScale);
    const change = { QueueUrl: this.#queue.url, ReceiptHandle, VisibilityTimeout };
    await this.#queues.client.send(new ChangeMessageVisibilityCommand(change)).catch((thrown: unknown) => {
      // The handler deleted it, or it became visible meanwhile: then there is nothing left to shorten.
      if ((thrown as Error).name !== 'MessageNotInflight') throw thrown;
    });
    this.#queues.takeOwnVisibility(ReceiptHandle);
  }
}
