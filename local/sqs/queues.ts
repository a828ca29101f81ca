import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  CreateQueueCommand,
  type Message,
  SendMessageCommand,
  type SendMessageCommandInput,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { buildApp } from 'fauxqs';
import { queueName } from '../../lambdas/shared/queue-name.ts';
import { awsCall, type OnCall } from '../aws-calls.ts';
import { Clock, type DueSource } from '../clock/clock.ts';
import { ACCOUNT, arnOf, REGION, type Resolver } from '../resolver.ts';
import {
  acceptAllUnicode,
  createQueueStore,
  onlyQueues,
  type QueueStore,
  receive,
  type StoredMessage,
} from './fauxqs.ts';
import { MessageMoves } from './message-moves.ts';
import { enforceLimits } from './queue-limits.ts';

/** SQS's maximum, in seconds. */
const LONG_POLL_SECONDS = 20;

/** For all clients and functions: local services do not check credentials. */
export const LOCAL_CREDENTIALS = { accessKeyId: 'local', secretAccessKey: 'local' } as const;

/** Template properties that are queue attributes of the same name; the rest (tags, policies, keys) has no effect here. */
const ATTRIBUTES = [
  'DelaySeconds',
  'MaximumMessageSize',
  'MessageRetentionPeriod',
  'ReceiveMessageWaitTimeSeconds',
  'VisibilityTimeout',
  'RedrivePolicy',
  'RedriveAllowPolicy',
] as const;

/** One message in a queue. Times in epoch milliseconds. */
export interface QueuedMessage {
  readonly messageId: string;
  readonly body: string;
  readonly messageAttributes: StoredMessage['messageAttributes'];
  readonly sentTimestamp: number;
  readonly approximateReceiveCount: number;
  readonly delayUntil?: number | undefined;
}

export interface QueueContent {
  readonly ready: readonly QueuedMessage[];
  readonly delayed: readonly QueuedMessage[];
  readonly inflight: readonly {
    readonly message: QueuedMessage;
    readonly receiptHandle: string;
    /** Time at which it becomes visible again, epoch milliseconds. */
    readonly visibilityDeadline: number;
  }[];
}

export interface Queue {
  readonly logicalId: string;
  readonly name: string;
  readonly url: string;
  readonly arn: string;
  /** The queue's visibility timeout, in seconds. */
  readonly visibilityTimeoutSeconds: number;
}

export interface QueuesOptions {
  readonly clock?: Clock;
  /** On 127.0.0.1; 0, the default: a free one. */
  readonly port?: number;
  /** Called for each request. */
  readonly onCall?: OnCall | undefined;
}

/**
 * SQS on loopback: one queue for each `AWS::SQS::Queue`, with the template's attributes. It rejects the same requests as SQS.
 *
 * Known gap: `MessageGroupId` on a standard queue is accepted and ignored.
 */
export class Queues {
  readonly endpoint: string;
  readonly client: SQSClient;
  readonly #app: ReturnType<typeof buildApp>;
  readonly #store: QueueStore;
  readonly #byLogicalId = new Map<string, Queue>();
  /** Called with a queue's name and the number of messages that a request has sent to it. */
  onSent: (queueName: string, messages: number) => void = () => {};

  private constructor(endpoint: string, app: ReturnType<typeof buildApp>, store: QueueStore) {
    this.endpoint = endpoint;
    this.#app = app;
    this.#store = store;
    this.client = new SQSClient({ endpoint, region: REGION, credentials: LOCAL_CREDENTIALS });
  }

  /** @throws Error (EADDRINUSE) if the port is in use */
  static async start({ clock = new Clock(), port = 0, onCall = () => {} }: QueuesOptions = {}): Promise<Queues> {
    await acceptAllUnicode();
    const store = await createQueueStore();
    const app = buildApp({ logger: false, stores: onlyQueues(store) });
    const moves = new MessageMoves(store, clock);
    enforceLimits(app);
    app.addHook('preHandler', (request, reply, done) => {
      const target = request.headers['x-amz-target'];
      if (target !== undefined) onCall(awsCall(request.headers, request.body));
      // Otherwise messages whose visibility timeout has ended count as in flight until the next receive.
      if (target === 'AmazonSQS.GetQueueAttributes') store.processAllTimers();
      const response = moves.respond(target, request.body);
      if (response === undefined) done();
      else reply.code(response.status).send(response.content);
    });
    app.addHook('onClose', async () => moves.stop());
    app.addHook('preSerialization', async (request, _reply, content) => {
      const sent = sentMessages(request.headers['x-amz-target'], content);
      if (sent > 0) queues.onSent(queueName((request.body as { QueueUrl: string }).QueueUrl), sent);
      return content;
    });
    const endpoint = await app.listen({ port, host: '127.0.0.1' });
    const queues = new Queues(endpoint, app, store);
    countRequests(app, clock);
    return queues;
  }

  /** Gives every queue of the template its URL and ARN, so that others can refer to it before it exists. */
  register(resolver: Resolver): void {
    for (const logicalId of resolver.logicalIds('AWS::SQS::Queue')) {
      const name = resolver.nameOf(logicalId, 'QueueName');
      const url = `${this.endpoint}/${ACCOUNT}/${name}`;
      const arn = arnOf('sqs', name);
      const visibilityTimeoutSeconds = Number(
        resolver.template.resources[logicalId]?.Properties?.VisibilityTimeout ?? 30,
      );
      this.#byLogicalId.set(logicalId, { logicalId, name, url, arn, visibilityTimeoutSeconds });
      resolver.register(logicalId, { ref: url, attributes: { Arn: arn, QueueName: name, QueueUrl: url } });
    }
  }

  /** Creates the registered queues. @throws Error for a FIFO queue, or like SQS for an attribute out of range */
  async create(resolver: Resolver): Promise<void> {
    const creations = [...this.#byLogicalId.values()].map(({ logicalId, name }) => {
      const properties = resolver.properties(logicalId);
      if (properties.FifoQueue) throw new Error(`${logicalId}: the local platform has standard queues only`);
      const set = ATTRIBUTES.filter((attribute) => properties[attribute] !== undefined);
      const attributes = set.map((attribute) => [attribute, attributeText(properties[attribute])]);
      return this.client.send(new CreateQueueCommand({ QueueName: name, Attributes: Object.fromEntries(attributes) }));
    });
    await Promise.all(creations);
  }

  all(): Queue[] {
    return [...this.#byLogicalId.values()];
  }

  /** By logical id, name, URL or ARN. @throws Error if the template has no such queue */
  find(key: string): Queue {
    const queue = this.all().find(({ logicalId, name, url, arn }) => [logicalId, name, url, arn].includes(key));
    if (queue === undefined) throw new Error(`the template has no queue ${key}`);
    return queue;
  }

  /** The messages of a queue, without receiving them. */
  async content(key: string): Promise<QueueContent> {
    return this.#stored(this.find(key)).inspectMessages();
  }

  /** All messages of a queue, in flight and delayed ones included, without receiving them. */
  messages(key: string): QueuedMessage[] {
    const { ready, delayed, inflight } = this.#stored(this.find(key)).inspectMessages();
    return [...ready, ...delayed, ...inflight.map(({ message }) => message)];
  }

  async send(key: string, message: Omit<SendMessageCommandInput, 'QueueUrl'>): Promise<string> {
    const result = await this.client.send(new SendMessageCommand({ QueueUrl: this.find(key).url, ...message }));
    return result.MessageId ?? '';
  }

  /** `ReceiveMessage` without a request, so that a poller's message is never in transit. */
  receive(queue: Queue, most: number): Message[] {
    return receive(this.#store, queue.url, most);
  }

  /** Resolves when a message may have become visible, or on abort. */
  async arrival(queue: Queue, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const aborted = Promise.withResolvers<void>();
    const abort = () => aborted.resolve();
    signal.addEventListener('abort', abort, { once: true });
    await Promise.race([aborted.promise, this.#stored(queue).waitForMessages(LONG_POLL_SECONDS)]);
    signal.removeEventListener('abort', abort);
  }

  /** The due times of a queue with an event source mapping. @param isWaiting whether a poller waits for a message */
  dueSource(queue: Queue, isWaiting: () => boolean): DueSource {
    const stored = this.#stored(queue);
    return {
      dueAt() {
        const delayed = stored.delayedMessages.map(({ delayUntil = 0 }) => delayUntil);
        const hidden = [...stored.inflightMessages.values()].map(({ visibilityDeadline }) => visibilityDeadline);
        return [...delayed, ...hidden].reduce<number | undefined>((first, at) => Math.min(first ?? at, at), undefined);
      },
      wake: () => stored.processTimers(),
      isBusy: () => stored.messages.length > 0 && isWaiting(),
    };
  }

  /** The number of messages of a queue that are visible now. */
  visibleMessages(queue: Queue): number {
    const stored = this.#stored(queue);
    stored.processTimers();
    return stored.messages.length;
  }

  #stored({ name }: Queue) {
    const stored = this.#store.getQueueByName(name);
    if (stored === undefined) throw new Error(`the queue ${name} is not created yet`);
    return stored;
  }

  async stop(): Promise<void> {
    this.client.destroy();
    this.#app.server.closeAllConnections();
    await this.#app.close();
  }
}

/** How many messages a request has sent. @param content of the response */
function sentMessages(target: unknown, content: unknown): number {
  const { MessageId, Successful = [] } = content as { MessageId?: string; Successful?: readonly unknown[] };
  if (target === 'AmazonSQS.SendMessage') return MessageId === undefined ? 0 : 1;
  return target === 'AmazonSQS.SendMessageBatch' ? Successful.length : 0;
}

function attributeText(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** A long poll does not block the clock. */
function countRequests(app: ReturnType<typeof buildApp>, clock: Clock): void {
  app.server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    if (request.headers['x-amz-target'] === 'AmazonSQS.ReceiveMessage') return;
    const work = clock.beginRequest();
    response.once('close', () => work.end());
  });
}
