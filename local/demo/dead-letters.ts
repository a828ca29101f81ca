import { DEAD_LETTER_ATTRIBUTES } from '../../lambdas/contract/delivery.ts';
import type { Platform } from '../platform.ts';
import type { DeadLetter } from './observe.ts';
import { output } from './operator.ts';

/** The messages of a dead-letter queue, without receiving them. @param name of the template's output that has its URL */
export async function readDeadLetters(platform: Platform, name: string): Promise<readonly DeadLetter[]> {
  const { ready, delayed, inflight } = await platform.queues.content(output(platform, name));
  const messages = [...ready, ...delayed, ...inflight.map(({ message }) => message)];
  return messages.map(({ body, messageAttributes }) => ({
    body,
    reason: messageAttributes[DEAD_LETTER_ATTRIBUTES.reason]?.StringValue ?? 'no reason given',
    webhookId: messageAttributes[DEAD_LETTER_ATTRIBUTES.webhookId]?.StringValue,
  }));
}
