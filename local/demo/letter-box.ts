import { type Message, ReceiveMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { DEAD_LETTER_ATTRIBUTES } from '../../lambdas/contract/delivery.ts';
import type { DeadLetter } from './observe.ts';

/** Reads dead letter queues without taking anything away: what was seen stays seen. */
export function createLetterBox(sqs: SQSClient): (queueUrl: string) => Promise<readonly DeadLetter[]> {
  const seen = new Map<string, Map<string, DeadLetter>>();
  return async (QueueUrl) => {
    const letters = seen.get(QueueUrl) ?? new Map<string, DeadLetter>();
    seen.set(QueueUrl, letters);
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl,
        MaxNumberOfMessages: 10,
        MessageAttributeNames: ['All'],
        VisibilityTimeout: 600,
      }),
    );
    for (const message of Messages) letters.set(String(message.MessageId), toLetter(message));
    return [...letters.values()];
  };
}

function toLetter({ Body = '', MessageAttributes = {} }: Message): DeadLetter {
  return {
    body: Body,
    reason: MessageAttributes[DEAD_LETTER_ATTRIBUTES.reason]?.StringValue ?? 'no reason given',
    webhookId: MessageAttributes[DEAD_LETTER_ATTRIBUTES.webhookId]?.StringValue,
  };
}
