import { DEAD_LETTER_ATTRIBUTES, MAX_REASON_CHARACTERS } from '../contract/delivery.ts';
import type { OutgoingMessage } from '../contract/delivery-ports.ts';
import { attributeText } from '../contract/text.ts';

/** A message for a dead letter queue: its body unchanged, so that it can be redriven; why it is there, beside it. */
export function deadLetterMessage(letter: {
  readonly id: string;
  readonly body: string;
  readonly reason: string;
  readonly integrationId?: string | undefined;
  readonly webhookId?: string | undefined;
}): OutgoingMessage {
  const { reason, integrationId, webhookId } = DEAD_LETTER_ATTRIBUTES;
  return {
    id: letter.id,
    body: letter.body,
    attributes: {
      [reason]: attributeText(letter.reason, MAX_REASON_CHARACTERS),
      ...(letter.integrationId !== undefined && { [integrationId]: letter.integrationId }),
      ...(letter.webhookId !== undefined && { [webhookId]: letter.webhookId }),
    },
  };
}
