import {
  ChangeMessageVisibilityCommand,
  GetQueueAttributesCommand,
  SendMessageBatchCommand,
  type SendMessageBatchRequestEntry,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import type { OutgoingMessage } from '../contract/delivery-ports.ts';
import { errorFields } from '../contract/errors.ts';
import type { Log } from '../contract/log.ts';
import type { UnsettledOutcome } from '../contract/unsettled-outcome.ts';

/** Every message of a queue: visible, in flight, delayed. */
const COUNTS = [
  'ApproximateNumberOfMessages',
  'ApproximateNumberOfMessagesNotVisible',
  'ApproximateNumberOfMessagesDelayed',
] as const;

export interface Queues {
  /**
   * Sends all messages, in as few calls as SQS allows.
   *
   * @returns the ids of those that SQS did not take; nothing is thrown, so that one refused chunk harms no other
   */
  send(queueUrl: string, messages: readonly OutgoingMessage[]): Promise<ReadonlySet<string>>;
  /** Keeps a received message out of sight for `seconds` from now on. A failure is logged: it would come back sooner. */
  hide(queueUrl: string, receiptHandle: string, seconds: number): Promise<void>;
  /**
   * How many messages a queue holds, in flight or not. SQS's counts are right about a minute after the last change.
   * Undefined where SQS does not say; the log says why.
   */
  count(queueUrl: string): Promise<number | undefined>;
}

/** SendMessageBatch: at most 10 entries, and 1 MiB in all, attributes included. */
export const MAX_BATCH_ENTRIES = 10;
export const MAX_BATCH_BYTES = 1024 * 1024;

export function createQueues({ client, log }: { client: SQSClient; log: Log }): Queues {
  return {
    async send(queueUrl, messages) {
      const chunks = chunk(messages.map(fitted));
      const refused = await Promise.all(chunks.map((entries) => sendChunk(client, log, queueUrl, entries)));
      return new Set(refused.flat());
    },
    async hide(queueUrl, receiptHandle, seconds) {
      try {
        await client.send(
          new ChangeMessageVisibilityCommand({
            QueueUrl: queueUrl,
            ReceiptHandle: receiptHandle,
            VisibilityTimeout: seconds,
          }),
        );
      } catch (thrown) {
        log.warn('queue.hide_failed', errorFields(thrown));
      }
    },
    async count(queueUrl) {
      try {
        const command = new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: [...COUNTS] });
        const { Attributes = {} } = await client.send(command);
        const sum = COUNTS.reduce((messages, name) => messages + Number(Attributes[name]), 0);
        return Number.isFinite(sum) ? sum : undefined;
      } catch (thrown) {
        log.error('queue.count_failed', { queue: queueName(queueUrl), ...errorFields(thrown) });
        return undefined;
      }
    },
  };
}

/** Sends an outcome to the outcomes queue. Never throws. @returns whether SQS took it */
export function outcomeSender(queues: Pick<Queues, 'send'>, queueUrl: string) {
  return async (outcome: UnsettledOutcome): Promise<boolean> => {
    const { webhook_id: id, integration_id: groupId } = outcome.delivery;
    return (await queues.send(queueUrl, [{ id, groupId, body: JSON.stringify(outcome) }])).size === 0;
  };
}

async function sendChunk(client: SQSClient, log: Log, queueUrl: string, messages: readonly OutgoingMessage[]) {
  // Entry ids are positions: SQS allows 80 characters of a small alphabet, callers' ids may be anything.
  const entries = messages.map(toEntry);
  const idAt = (position: string | undefined) => messages[Number(position)]?.id;
  try {
    const answer = await client.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries: entries }));
    const taken = new Set((answer.Successful ?? []).map(({ Id }) => idAt(Id)));
    const refused = messages.filter(({ id }) => !taken.has(id)).map(({ id }) => id);
    if (refused.length > 0) {
      const codes = [...new Set((answer.Failed ?? []).map(({ Code }) => Code))];
      log.error('queue.send_refused', { queue: queueName(queueUrl), refused: refused.length, codes });
    }
    return refused;
  } catch (thrown) {
    log.error('queue.send_failed', { queue: queueName(queueUrl), messages: messages.length, ...errorFields(thrown) });
    return messages.map(({ id }) => id);
  }
}

function toEntry(message: OutgoingMessage, position: number): SendMessageBatchRequestEntry {
  const attributes = Object.entries(message.attributes ?? {});
  return {
    Id: String(position),
    MessageBody: message.body,
    ...(message.groupId !== undefined && { MessageGroupId: message.groupId }),
    ...(message.delaySeconds !== undefined && { DelaySeconds: message.delaySeconds }),
    ...(attributes.length > 0 && {
      MessageAttributes: Object.fromEntries(
        attributes.map(([name, value]) => [name, { DataType: 'String', StringValue: value }]),
      ),
    }),
  };
}

/** A message that only its attributes make too large goes without them: a dead letter must not fail for its reason. */
function fitted(message: OutgoingMessage): OutgoingMessage {
  if (sizeOf(message) <= MAX_BATCH_BYTES) return message;
  const { attributes: _, ...bare } = message;
  return bare;
}

function sizeOf({ body, attributes = {} }: OutgoingMessage): number {
  const attributeBytes = Object.entries(attributes).map(([name, value]) => Buffer.byteLength(name + value) + 6);
  return attributeBytes.reduce((sum, bytes) => sum + bytes, Buffer.byteLength(body));
}

/** Cuts messages, in order, into calls that SQS takes. */
export function chunk(messages: readonly OutgoingMessage[]): OutgoingMessage[][] {
  const chunks: OutgoingMessage[][] = [];
  let bytes = 0;
  for (const message of messages) {
    const size = sizeOf(message);
    const last = chunks.at(-1);
    if (last === undefined || last.length === MAX_BATCH_ENTRIES || bytes + size > MAX_BATCH_BYTES) {
      chunks.push([message]);
      bytes = size;
    } else {
      last.push(message);
      bytes += size;
    }
  }
  return chunks;
}

function queueName(queueUrl: string): string {
  return queueUrl.slice(queueUrl.lastIndexOf('/') + 1);
}
