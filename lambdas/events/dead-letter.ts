import { MAX_MESSAGE_ATTRIBUTES, type OutgoingMessage } from '../shared/queue-message.ts';
import { attributeText } from '../shared/text.ts';
import { DEAD_LETTER_ATTRIBUTES, MAX_REASON_CHARACTERS } from './delivery.ts';

const OWN_NAMES: readonly string[] = Object.values(DEAD_LETTER_ATTRIBUTES);

/**
 * Creates a message for a dead letter queue. The body is unchanged, so that it can be redriven; the reason is an attribute.
 *
 * The message keeps the publisher's group and attributes, within SQS's limit of ten attributes. An attribute with one of
 * our names is replaced or left out: the console and the commands read it as ours, and a redriven message still has ours
 * from the previous time.
 */
export function deadLetterMessage(
  message: Pick<OutgoingMessage, 'id' | 'body' | 'carried' | 'groupId'> & {
    readonly reason: string;
    readonly integrationId?: string | undefined;
    readonly webhookId?: string | undefined;
  },
): OutgoingMessage {
  const { id, body, groupId } = message;
  const { reason, integrationId, webhookId } = DEAD_LETTER_ATTRIBUTES;
  const attributes = {
    [reason]: attributeText(message.reason, MAX_REASON_CHARACTERS),
    ...(message.integrationId !== undefined && { [integrationId]: message.integrationId }),
    ...(message.webhookId !== undefined && { [webhookId]: message.webhookId }),
  };
  const carried = Object.entries(message.carried ?? {})
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
