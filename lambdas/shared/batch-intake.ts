import type { SQSBatchResponse, SQSRecord } from 'aws-lambda';
import { errorFields, errorName } from './errors.ts';
import type { Log } from './log.ts';
import type { MessageAttribute } from './queue-message.ts';
import { isRetriedTooLong, isSuspect, SUSPECT_VISIBILITY_SECONDS } from './receive-policy.ts';

/** One received message, as handlers see it. */
export interface ReceivedMessage {
  readonly id: string;
  readonly body: string;
  /** The publisher's message attributes; absent if there are none. */
  readonly carried?: Readonly<Record<string, MessageAttribute>>;
  /** The message group id, which fair queues use as the tenant; absent if the publisher set none. */
  readonly groupId?: string;
}

/** Reasons by message id, for the messages that failed: SQS redelivers them. */
export type Failures = ReadonlyMap<string, string>;

/** Handles messages. Messages that are not among the failures are acknowledged. */
export type HandleMessages = (messages: readonly ReceivedMessage[]) => Promise<Failures>;

export interface IntakeServices {
  readonly log: Log;
  now(): number;
  /** The longest time that one message takes, in milliseconds. With less time left, a suspect is not handled. */
  readonly slowestMs: number;
  /** Sets the visibility timeout of one message. */
  hide(receiptHandle: string, seconds: number): Promise<void>;
  /** Dead-letters messages, each with a reason. @returns the ids of the messages that could not be sent */
  deadLetter(messages: readonly (ReceivedMessage & { readonly reason: string })[]): Promise<ReadonlySet<string>>;
}

/**
 * Runs a batch through `handle`.
 *
 * A message that was received several times may be the one that crashes the function. Such suspects are hidden first and
 * handled last, one at a time while there is time left, so that a crash costs the other messages at most one redelivery.
 * A message that keeps failing is dead-lettered before SQS deletes it.
 *
 * @param remainingMs until the function's timeout, in milliseconds
 * @returns the messages that Lambda leaves in the queue
 */
export async function intake(
  records: readonly SQSRecord[],
  handle: HandleMessages,
  services: IntakeServices,
  remainingMs: () => number,
): Promise<SQSBatchResponse> {
  const suspects = records.filter((record) => isSuspect(receiveCount(record)));
  const fresh = records.filter((record) => !isSuspect(receiveCount(record)));
  await Promise.all(suspects.map(({ receiptHandle }) => services.hide(receiptHandle, SUSPECT_VISIBILITY_SECONDS)));

  const failures = new Map<string, string>();
  for (const group of [fresh, ...suspects.map((suspect) => [suspect])]) {
    if (group.length === 0) continue;
    if (group !== fresh && remainingMs() < services.slowestMs) {
      for (const { messageId } of group) failures.set(messageId, 'no time left in this invocation');
      continue;
    }
    for (const [id, reason] of await handleSafely(group, handle, services.log)) failures.set(id, reason);
  }
  for (const id of await deadLetterOldest(records, failures, services)) failures.delete(id);
  return { batchItemFailures: [...failures.keys()].map((itemIdentifier) => ({ itemIdentifier })) };
}

async function handleSafely(records: readonly SQSRecord[], handle: HandleMessages, log: Log): Promise<Failures> {
  const messages = records.map(toMessage);
  try {
    return await handle(messages);
  } catch (thrown) {
    log.error('batch.failed', { messages: messages.length, ...errorFields(thrown) });
    return new Map(messages.map(({ id }) => [id, errorName(thrown)]));
  }
}

function toMessage({ messageId, body, attributes, messageAttributes }: SQSRecord): ReceivedMessage {
  const carried = Object.entries(messageAttributes).map(([name, { dataType, stringValue, binaryValue }]) => {
    const value = binaryValue === undefined ? { stringValue: stringValue ?? '' } : { binaryValue };
    return [name, { dataType, ...value }] as const;
  });
  return {
    id: messageId,
    body,
    ...(carried.length > 0 && { carried: Object.fromEntries(carried) }),
    ...(attributes.MessageGroupId !== undefined && { groupId: attributes.MessageGroupId }),
  };
}

async function deadLetterOldest(records: readonly SQSRecord[], failures: Failures, services: IntakeServices) {
  const expiring = records.flatMap((record) => {
    const reason = failures.get(record.messageId);
    if (reason === undefined || !isRetriedTooLong(Number(record.attributes.SentTimestamp), services.now())) return [];
    return [{ ...toMessage(record), reason: `retried too long: ${reason}` }];
  });
  if (expiring.length === 0) return [];
  const stuck = await services.deadLetter(expiring);
  return expiring.map(({ id }) => id).filter((id) => !stuck.has(id));
}

function receiveCount(record: SQSRecord): number {
  return Number(record.attributes.ApproximateReceiveCount);
}
