import type { Message } from '@aws-sdk/client-sqs';
import type { BuildAppOptions } from 'fauxqs';

type Stores = NonNullable<BuildAppOptions['stores']>;

/** The server's store of queues and messages. */
export type QueueStore = Stores['sqsStore'];
export type StoredQueue = NonNullable<ReturnType<QueueStore['getQueueByArn']>>;
export type StoredMessage = StoredQueue['messages'][number];

/** An empty store for `buildApp`. The package (2.4) accepts one, but does not export its class. */
export async function createQueueStore(): Promise<QueueStore> {
  const module = new URL('./sqs/sqsStore.js', import.meta.resolve('fauxqs')).href;
  const { SqsStore } = (await import(module)) as { SqsStore: new () => QueueStore };
  return new SqsStore();
}

/** For `buildApp`, which creates the stores of other services itself. */
export function onlyQueues(sqsStore: QueueStore): Stores {
  return { sqsStore } as Stores;
}

/** Receives at most 10 messages at once, with all attributes. */
export function receive(store: QueueStore, queueUrl: string, most: number): Message[] {
  const queue = store.getQueue(queueUrl);
  if (queue === undefined) throw new Error(`no queue ${queueUrl}`);
  const resolveArn = (arn: string) => store.getQueueByArn(arn);
  return queue.dequeue(most, undefined, resolveArn).map((message) => {
    const { message: stored } = queue.inflightMessages.get(message.ReceiptHandle) as { message: StoredMessage };
    const { sentTimestamp, approximateReceiveCount, approximateFirstReceiveTimestamp, messageGroupId } = stored;
    const received: object = {
      ...message,
      Attributes: {
        SenderId: '000000000000',
        SentTimestamp: String(sentTimestamp),
        ApproximateReceiveCount: String(approximateReceiveCount),
        ApproximateFirstReceiveTimestamp: String(approximateFirstReceiveTimestamp),
        ...(messageGroupId !== undefined && { MessageGroupId: messageGroupId }),
      },
    };
    return received;
  });
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the characters that SQS allows (SendMessage, AWS docs)
const INVALID = /[^\x09\x0A\x0D\x20-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u;

/** Whether SQS accepts all characters of a body or attribute. */
export function isMessageText(text: string): boolean {
  return !INVALID.test(text);
}

/**
 * Lets `fauxqs` (2.4) accept characters outside the basic plane, such as emoji, like SQS: its regular expression matches UTF-16
 * code units, so both halves of such a character are invalid. The package does not export it, but uses one object, whose
 * `test` can be replaced.
 */
export async function acceptAllUnicode(): Promise<void> {
  const types = new URL('./sqs/sqsTypes.js', import.meta.resolve('fauxqs')).href;
  const { INVALID_MESSAGE_BODY_CHAR } = (await import(types)) as { INVALID_MESSAGE_BODY_CHAR: RegExp };
  INVALID_MESSAGE_BODY_CHAR.test = (text) => !isMessageText(text);
}
