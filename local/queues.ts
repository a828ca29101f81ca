import {
  CreateQueueCommand,
  type MessageAttributeValue,
  SendMessageCommand,
  type SendMessageCommandInput,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { buildApp } from 'fauxqs';
import { awsCall, type OnCall } from './aws-calls.ts';
import { acceptAllUnicode } from './fauxqs-repair.ts';
import { createQueueStore, onlyQueues } from './fauxqs-store.ts';
import { MessageMoves } from './message-moves.ts';
import { enforceLimits } from './queue-limits.ts';
import { ACCOUNT, REGION, type Resolver } from './resolver.ts';
import { resourcesOfType, type Template } from './template.ts';

/** For every client and every function: a service that runs here checks none. */
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
  'FifoQueue',
  'ContentBasedDeduplication',
] as const;

/** One message as it lies in a queue. Times in epoch milliseconds. */
export interface QueuedMessage {
  readonly messageId: string;
  readonly body: string;
  readonly messageAttributes: Readonly<Record<string, MessageAttributeValue>>;
  readonly sentTimestamp: number;
  readonly approximateReceiveCount: number;
  readonly delayUntil?: number;
}

export interface QueueContent {
  readonly ready: readonly QueuedMessage[];
  readonly delayed: readonly QueuedMessage[];
  readonly inflight: readonly {
    readonly message: QueuedMessage;
    readonly receiptHandle: string;
    /** When it becomes visible again, epoch milliseconds. */
    readonly visibilityDeadline: number;
  }[];
}

export interface Queue {
  readonly logicalId: string;
  readonly name: string;
  readonly url: string;
  readonly arn: string;
  /** The queue's own, in seconds. */
  readonly visibilityTimeoutSeconds: number;
}

/**
 * SQS on loopback: one queue for each `AWS::SQS::Queue`, with the template's attributes. It refuses what SQS refuses.
 *
 * Known gap of the server: `MessageGroupId` on a standard queue is accepted and forgotten.
 */
export class Queues {
  readonly endpoint: string;
  readonly client: SQSClient;
  readonly #app: ReturnType<typeof buildApp>;
  readonly #byLogicalId = new Map<string, Queue>();
  readonly #ownVisibility: Map<string, number>;

  private constructor(endpoint: string, app: ReturnType<typeof buildApp>, ownVisibility: Map<string, number>) {
    this.endpoint = endpoint;
    this.#app = app;
    this.#ownVisibility = ownVisibility;
    this.client = new SQSClient({ endpoint, region: REGION, credentials: LOCAL_CREDENTIALS });
  }

  /** @param port on 127.0.0.1; 0, the default, takes a free one @throws Error (EADDRINUSE) where it is taken */
  static async start(port = 0, onCall: OnCall = () => {}): Promise<Queues> {
    await acceptAllUnicode();
    const store = await createQueueStore();
    const app = buildApp({ logger: false, stores: onlyQueues(store) });
    const ownVisibility = new Map<string, number>();
    const moves = new MessageMoves(store);
    enforceLimits(app);
    app.addHook('preHandler', (request, reply, done) => {
      const target = request.headers['x-amz-target'];
      if (target !== undefined) onCall(awsCall(request.headers, request.body));
      if (typeof target === 'string') noteVisibilityChanges(ownVisibility, target, request.body);
      // Else messages whose visibility timeout is over are counted as in flight until somebody receives.
      if (target === 'AmazonSQS.GetQueueAttributes') store.processAllTimers();
      const answer = moves.answer(target, request.body);
      if (answer === undefined) done();
      else reply.code(answer.status).headers(answer.headers).send(answer.content);
    });
    app.addHook('onClose', async () => moves.stop());
    const endpoint = await app.listen({ port, host: '127.0.0.1' });
    return new Queues(endpoint, app, ownVisibility);
  }

  /** Gives every queue of the template its URL and ARN, so that others can refer to it before it exists. */
  register(template: Template, resolver: Resolver): void {
    for (const [logicalId, resource] of resourcesOfType(template, 'AWS::SQS::Queue')) {
      const name = String(resolver.resolve(resource.Properties?.QueueName, logicalId) ?? logicalId);
      const url = `${this.endpoint}/${ACCOUNT}/${name}`;
      const arn = `arn:aws:sqs:${REGION}:${ACCOUNT}:${name}`;
      const visibilityTimeoutSeconds = Number(resource.Properties?.VisibilityTimeout ?? 30);
      this.#byLogicalId.set(logicalId, { logicalId, name, url, arn, visibilityTimeoutSeconds });
      resolver.register(logicalId, { ref: url, attributes: { Arn: arn, QueueName: name, QueueUrl: url } });
    }
  }

  /** Creates what was registered. @throws where an attribute is out of its range, as SQS does */
  async create(resolver: Resolver): Promise<void> {
    const creations = [...this.#byLogicalId.values()].map(({ logicalId, name }) => {
      const properties = resolver.properties(logicalId);
      const set = ATTRIBUTES.filter((attribute) => properties[attribute] !== undefined);
      const attributes = set.map((attribute) => [attribute, attributeText(properties[attribute])]);
      return this.client.send(new CreateQueueCommand({ QueueName: name, Attributes: Object.fromEntries(attributes) }));
    });
    await Promise.all(creations);
  }

  all(): Queue[] {
    return [...this.#byLogicalId.values()];
  }

  /** By logical id, name, URL or ARN. @throws Error where the template has no such queue */
  find(key: string): Queue {
    const queue = this.all().find(({ logicalId, name, url, arn }) => [logicalId, name, url, arn].includes(key));
    if (queue === undefined) throw new Error(`the template has no queue ${key}`);
    return queue;
  }

  /** What lies in a queue, without receiving it. */
  async content(key: string): Promise<QueueContent> {
    const response = await fetch(`${this.endpoint}/_fauxqs/queues/${this.find(key).name}`);
    return ((await response.json()) as { messages: QueueContent }).messages;
  }

  async send(key: string, message: Omit<SendMessageCommandInput, 'QueueUrl'>): Promise<string> {
    const result = await this.client.send(new SendMessageCommand({ QueueUrl: this.find(key).url, ...message }));
    return result.MessageId ?? '';
  }

  /**
   * When a receiver itself asked for a received message to become visible again, in epoch milliseconds; undefined where
   * it did not ask. Reading it forgets it, so the platform's own changes must come after.
   */
  takeOwnVisibility(receiptHandle: string): number | undefined {
    const deadlineMs = this.#ownVisibility.get(receiptHandle);
    this.#ownVisibility.delete(receiptHandle);
    return deadlineMs;
  }

  async stop(): Promise<void> {
    this.client.destroy();
    this.#app.server.closeAllConnections();
    await this.#app.close();
  }
}

function attributeText(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

interface VisibilityChange {
  readonly ReceiptHandle?: string;
  readonly VisibilityTimeout?: number;
}

/** Remembers at the server's door what a receiver asked for: the queue keeps a deadline, but not who set it. */
function noteVisibilityChanges(changes: Map<string, number>, target: string, body: unknown): void {
  const now = Date.now();
  const single = target === 'AmazonSQS.ChangeMessageVisibility';
  const batch = target === 'AmazonSQS.ChangeMessageVisibilityBatch';
  if (!single && !batch) return;
  const asked = single ? [body as VisibilityChange] : ((body as { Entries?: VisibilityChange[] }).Entries ?? []);
  for (const { ReceiptHandle, VisibilityTimeout } of asked) {
    if (ReceiptHandle === undefined || VisibilityTimeout === undefined) continue;
    changes.set(ReceiptHandle, now + VisibilityTimeout * 1000);
  }
}
