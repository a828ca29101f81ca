import {
  ChangeMessageVisibilityCommand,
  GetQueueAttributesCommand,
  type MessageAttributeValue,
  SendMessageBatchCommand,
  type SendMessageBatchRequestEntry,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { errorFields } from './errors.ts';
import type { Log } from './log.ts';
import type { MessageAttribute, OutgoingMessage } from './queue-message.ts';
import { queueName } from './queue-name.ts';

/** All messages of a queue: visible, in flight, delayed. */
const COUNTS = [
  'ApproximateNumberOfMessages',
  'ApproximateNumberOfMessagesNotVisible',
  'ApproximateNumberOfMessagesDelayed',
] as const;

export interface Queues {
  /**
   * Sends all messages, in as few calls as SQS allows. Never throws, so that a failed batch does not affect the others.
   *
   * @returns the ids of the messages that SQS did not accept
   */
  send(queueUrl: string, messages: readonly OutgoingMessage[]): Promise<ReadonlySet<string>>;
  /** Sets a message's visibility timeout to `seconds` from now. A failure is only logged: SQS redelivers it sooner then. */
  hide(queueUrl: string, receiptHandle: string, seconds: number): Promise<void>;
  /**
   * Counts the messages of a queue, including those in flight. SQS's counts are accurate about a minute after the last
   * change. A failure is logged.
   *
   * @returns undefined if the counts could not be read
   */
  count(queueUrl: string): Promise<number | undefined>;
}

/** SendMessageBatch: at most 10 entries and 1 MiB, including attributes. */
export const MAX_BATCH_ENTRIES = 10;
export const MAX_BATCH_BYTES = 1024 * 1024;

export function createQueues({ client, log }: { client: SQSClient; log: Log }): Queues {
  return {
    async send(queueUrl, messages) {
      const whole = new Map(messages.map((message) => [fitted(message), message]));
      const chunks = chunk([...whole.keys()]);
      const refused = await Promise.all(chunks.map((entries) => sendChunk(client, log, queueUrl, entries, whole)));
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

/** @param whole each message before its attributes were cut */
async function sendChunk(
  client: SQSClient,
  log: Log,
  queueUrl: string,
  messages: readonly OutgoingMessage[],
  whole: ReadonlyMap<OutgoingMessage, OutgoingMessage>,
) {
  // Entry ids are positions: SQS allows 80 characters of a small alphabet, callers' ids may be anything.
  const entries = messages.map(toEntry);
  const idAt = (position: string | undefined) => messages[Number(position)]?.id;
  const logCut = (sent: OutgoingMessage, newId: string | undefined) => {
    const before = whole.get(sent) ?? sent;
    if (before === sent) return;
    const left_out = attributesOf(before).length - attributesOf(sent).length;
    // Log our own attributes in full, since the message has less of them. The publisher's may contain anything.
    const ids = { message_id: before.id, new_message_id: newId };
    log.warn('queue.attributes_cut', { queue: queueName(queueUrl), ...ids, ...before.attributes, left_out });
  };
  try {
    const response = await client.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries: entries }));
    const successful = response.Successful ?? [];
    const taken = new Set(successful.map(({ Id }) => idAt(Id)));
    for (const { Id, MessageId } of successful) {
      const sent = messages[Number(Id)];
      if (sent !== undefined) logCut(sent, MessageId);
    }
    const refused = messages.filter(({ id }) => !taken.has(id)).map(({ id }) => id);
    if (refused.length > 0) {
      const codes = [...new Set((response.Failed ?? []).map(({ Code }) => Code))];
      log.error('queue.send_refused', { queue: queueName(queueUrl), refused: refused.length, codes });
    }
    return refused;
  } catch (thrown) {
    log.error('queue.send_failed', { queue: queueName(queueUrl), messages: messages.length, ...errorFields(thrown) });
    return messages.map(({ id }) => id);
  }
}

function toEntry(message: OutgoingMessage, position: number): SendMessageBatchRequestEntry {
  const attributes = attributesOf(message);
  return {
    Id: String(position),
    MessageBody: message.body,
    ...(message.groupId !== undefined && { MessageGroupId: message.groupId }),
    ...(message.delaySeconds !== undefined && { DelaySeconds: message.delaySeconds }),
    ...(attributes.length > 0 && {
      MessageAttributes: Object.fromEntries(attributes.map(([name, value]) => [name, toValue(value)])),
    }),
  };
}

function toValue({ dataType, stringValue, binaryValue }: MessageAttribute): MessageAttributeValue {
  return {
    DataType: dataType,
    ...(binaryValue === undefined ? { StringValue: stringValue } : { BinaryValue: Buffer.from(binaryValue, 'base64') }),
  };
}

/** Our own attributes first. */
function attributesOf({ attributes = {}, carried = {} }: OutgoingMessage): [name: string, MessageAttribute][] {
  const own = Object.entries(attributes).map(([name, value]) => [name, textAttribute(value)] as const);
  return [...own, ...Object.entries(carried)].map(([name, value]) => [name, value]);
}

function textAttribute(stringValue: string): MessageAttribute {
  return { dataType: 'String', stringValue };
}

/**
 * Cuts the attributes of a message that is too large only because of them: our own to the remaining size, the publisher's
 * whole or not at all. A dead-letter message must not fail because of its reason.
 */
function fitted(message: OutgoingMessage): OutgoingMessage {
  if (sizeOf(message) <= MAX_BATCH_BYTES || attributesOf(message).length === 0) return message;
  const { attributes = {}, carried = {}, ...bare } = message;
  let room = MAX_BATCH_BYTES - Buffer.byteLength(message.body);
  const keepIfFits = (name: string, attribute: MessageAttribute) => {
    const size = attributeSize(name, attribute);
    if (size > room) return false;
    room -= size;
    return true;
  };
  const own = Object.entries(attributes).flatMap(([name, value]) => {
    const text = truncateToBytes(value, room - attributeSize(name, textAttribute('')));
    return text !== '' && keepIfFits(name, textAttribute(text)) ? [[name, text]] : [];
  });
  const kept = Object.entries(carried).filter(([name, attribute]) => keepIfFits(name, attribute));
  return {
    ...bare,
    ...(own.length > 0 && { attributes: Object.fromEntries(own) }),
    ...(kept.length > 0 && { carried: Object.fromEntries(kept) }),
  };
}

/** The longest beginning of whole characters with at most `maxBytes` bytes of UTF-8. */
function truncateToBytes(text: string, maxBytes: number): string {
  if (maxBytes <= 0) return '';
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return text;
  let end = maxBytes;
  // Bytes 10xxxxxx continue a character.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.toString('utf8', 0, end);
}

function sizeOf(message: OutgoingMessage): number {
  const sizes = attributesOf(message).map(([name, attribute]) => attributeSize(name, attribute));
  return sizes.reduce((sum, bytes) => sum + bytes, Buffer.byteLength(message.body));
}

/** SQS counts the bytes of name, type and value. */
function attributeSize(name: string, { dataType, stringValue = '', binaryValue = '' }: MessageAttribute): number {
  return Buffer.byteLength(name + dataType + stringValue) + Buffer.byteLength(binaryValue, 'base64');
}

/** Splits messages, in order, into batches that SQS accepts. */
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
