import { ChangeMessageVisibilityBatchCommand, type Message, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { DEAD_LETTER_ATTRIBUTES } from '../../lambdas/events/delivery.ts';
import { chunksOf } from '../../lambdas/shared/chunks.ts';
import { isRecord, parseJson } from '../../lambdas/shared/json.ts';
import { CommandFailed } from '../shared/failures.ts';
import type { Stage } from '../shared/stage.ts';

/** A rejected event, as its JSON document has it. */
export interface RejectedEvent {
  /** Of SQS, in the dead-letter queue. */
  readonly message_id: string;
  /** ISO 8601, UTC. */
  readonly rejected_at: string;
  /** Null where the message had no room for it: the log of EnrichBatch has it. */
  readonly reason: string | null;
  readonly integration_id: string | null;
  /** As the message has them, where it can be read. */
  readonly event_type: string | null;
  readonly event_id: string | null;
  /** The message as it was published. Personal data. */
  readonly payload: string;
}

/** How long a message stays invisible if the command is interrupted, in seconds: longer than one pass over the queue takes. */
const VISIBILITY_SECONDS = 30;

/** Long polling asks every server of SQS, so that no message is missed. */
const WAIT_SECONDS = 1;

/** Of ReceiveMessage and ChangeMessageVisibilityBatch. */
const MESSAGES_PER_CALL = 10;

export interface ReadRejectedOptions {
  /** Ends the reading before the next receive. */
  readonly signal?: AbortSignal;
  /** Whether nothing is read after a message. @param messageId of SQS */
  isLast?(messageId: string): boolean;
}

/**
 * Reads the events dead-letter queue. Messages stay in it, and are visible again at the end. SQS shows a message only by a
 * receive: from the third on, ApproximateAgeOfOldestMessage leaves it out.
 *
 * @param atMost ends the reading
 * @returns oldest first
 * @throws the client's errors
 */
export async function readRejected(
  stage: Stage,
  atMost: number,
  { signal, isLast }: ReadRejectedOptions = {},
): Promise<readonly RejectedEvent[]> {
  const found = new Map<string, RejectedEvent>();
  const receipts: string[] = [];
  const QueueUrl = stage.output('EventsDeadLetterQueueUrl');
  while (found.size < atMost && !signal?.aborted) {
    const before = found.size;
    const { Messages = [] } = await stage.sqs.send(
      new ReceiveMessageCommand({
        QueueUrl,
        MaxNumberOfMessages: Math.min(MESSAGES_PER_CALL, atMost - found.size),
        VisibilityTimeout: VISIBILITY_SECONDS,
        WaitTimeSeconds: WAIT_SECONDS,
        MessageAttributeNames: ['All'],
        MessageSystemAttributeNames: ['SentTimestamp'],
      }),
    );
    for (const message of Messages) {
      found.set(message.MessageId ?? '', rejectedEvent(message));
      receipts.push(message.ReceiptHandle ?? '');
    }
    // None, or only messages that are visible again: the pass is complete.
    if (found.size === before || Messages.some(({ MessageId = '' }) => isLast?.(MessageId))) break;
  }
  // So that the next command finds them at once.
  for (const some of chunksOf(receipts, MESSAGES_PER_CALL)) {
    const Entries = some.map((ReceiptHandle, index) => ({ Id: String(index), ReceiptHandle, VisibilityTimeout: 0 }));
    await stage.sqs.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries }));
  }
  return [...found.values()].toSorted((one, other) => (one.rejected_at < other.rejected_at ? -1 : 1));
}

/** Messages that are looked through for one. */
const MOST_READ = 10_000;

/** A whole id of a message, as SQS gives it. */
const WHOLE_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * One rejected event.
 *
 * @param id of the message, or how it begins
 * @throws CommandFailed where it is not exactly one; the client's errors
 */
export async function findRejected(
  stage: Stage,
  id: string,
  { signal }: Pick<ReadRejectedOptions, 'signal'> = {},
): Promise<RejectedEvent> {
  // Another message may begin in the same way, but none has the same id.
  const isLast = WHOLE_ID.test(id) ? (messageId: string) => messageId === id : undefined;
  const read = await readRejected(stage, MOST_READ, { ...(signal && { signal }), ...(isLast && { isLast }) });
  const found = read.filter(({ message_id }) => message_id.startsWith(id));
  const [event] = found;
  if (event === undefined) {
    throw new CommandFailed(
      `no rejected event of stage ${stage.name} has the message id ${id}: "./ltw rejected list" shows those that there are`,
    );
  }
  if (found.length > 1) {
    const candidates = found.map(({ message_id }) => `\n  ${message_id}`).join('');
    throw new CommandFailed(`${id} is the start of ${found.length} message ids:${candidates}`);
  }
  return event;
}

function rejectedEvent({ MessageId = '', Attributes, MessageAttributes, Body = '' }: Message): RejectedEvent {
  const attribute = (name: string) => MessageAttributes?.[name]?.StringValue ?? null;
  const value = parseJson(Body);
  const event = isRecord(value) ? value : {};
  const field = (name: string) => (typeof event[name] === 'string' ? event[name] : null);
  return {
    message_id: MessageId,
    rejected_at: new Date(Number(Attributes?.SentTimestamp ?? 0)).toISOString(),
    reason: attribute(DEAD_LETTER_ATTRIBUTES.reason),
    integration_id: attribute(DEAD_LETTER_ATTRIBUTES.integrationId) ?? field('integration_id'),
    event_type: field('event_type'),
    event_id: field('event_id'),
    payload: Body,
  };
}
