import { MAX_MESSAGE_ATTRIBUTES, type OutgoingMessage } from '../shared/queue-message.ts';
import { attributeText } from '../shared/text.ts';
import { DEAD_LETTER_ATTRIBUTES, MAX_REASON_CHARACTERS } from './delivery.ts';

const OWN_NAMES: readonly string[] = Object.values(DEAD_LETTER_ATTRIBUTES);

/**
 * A message for a dead letter queue: its body unchanged, so that it can be redriven; why it is there, beside it.
 *
 * It keeps the publisher's group and attributes, as far as SQS's ten leave room for ours. A publisher's attribute with a
 * name of ours is replaced or left out: the console and the commands read it as ours, and a message that was redriven
 * still has those of its former time in the queue.
 */
export function deadLetterMessage(
  letter: Pick<OutgoingMessage, 'id' | 'body' | 'carried' | 'groupId'> & {
    readonly reason: string;
    readonly integrationId?: string | undefined;
    readonly webhookId?: string | undefined;
  },
): OutgoingMessage {
  const { id, body, groupId } = letter;
  const { reason, integrationId, webhookId } = DEAD_LETTER_ATTRIBUTES;
  const attributes = {
    [reason]: attributeText(letter.reason, MAX_REASON_CHARACTERS),
    ...(letter.integrationId !== undefined && { [integrationId]: letter.integrationId }),
    ...(letter.webhookId !== undefined && { [webhookId]: letter.webhookId }),
  };
  const carried = Object.entries(letter.carried ?? {})
    .filter(([name]) => !OWN_NAMES.includes(name))
    .slice(0, MAX_MESSAGE_ATTRIBUTES - Object.keys(attributes).length);
  return {
    id,
    body,
    attributes,
    ...(carried.length > 0 && { carried: Object.fromEntries(carried) }),
    ...(groupId !== undefined && { groupId }),
  };
}
