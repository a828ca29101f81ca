import { DEAD_LETTER_ATTRIBUTES, MAX_REASON_CHARACTERS } from '../contract/delivery.ts';
import type { OutgoingMessage } from '../contract/delivery-ports.ts';

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
      [reason]: attributeText(letter.reason),
      ...(letter.integrationId !== undefined && { [integrationId]: letter.integrationId }),
      ...(letter.webhookId !== undefined && { [webhookId]: letter.webhookId }),
    },
  };
}

/** SQS refuses an empty attribute, and the characters that it refuses in bodies. */
function attributeText(text: string): string {
  return text.replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD]/g, '?').slice(0, MAX_REASON_CHARACTERS) || 'unknown';
}
