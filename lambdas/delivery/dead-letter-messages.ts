import { reportIfCritical } from '../events/critical-dead.ts';
import { dead } from '../events/progress.ts';
import { readDelivery } from '../events/read-delivery.ts';
import type { Ledger } from '../ledger/ports.ts';
import type { ReceivedMessage } from '../shared/batch-intake.ts';
import { QueueRefused } from '../shared/errors.ts';
import { toMessageText } from '../shared/json-text.ts';
import type { Log } from '../shared/log.ts';
import type { Counter } from '../shared/metric-definitions.ts';

/** A message of the deliveries queue that cannot be delivered. */
export interface DeadLetter extends ReceivedMessage {
  readonly reason: string;
  readonly integrationId?: string;
  readonly webhookId?: string;
}

export interface DeadLetterServices {
  /** Dead-letters messages of the deliveries queue. @returns the ids of those that SQS refused */
  deadLetter(messages: readonly DeadLetter[]): Promise<ReadonlySet<string>>;
}

/** @throws QueueRefused if the dead letter queue refuses the message */
export async function sendDeadLetter(message: DeadLetter, { deadLetter }: DeadLetterServices): Promise<undefined> {
  const refused = await deadLetter([message]);
  if (refused.size > 0) throw new QueueRefused('the dead letter queue refused the message');
}

export interface DeadLetterExpiredServices extends DeadLetterServices {
  readonly ledger: Ledger;
  readonly log: Log;
  readonly counter: Counter;
}

/**
 * Dead-letters messages that failed for days, in their next generation like every dead-letter message, and records them as
 * dead.
 *
 * @returns the ids of those that SQS refused
 */
export async function deadLetterExpired(
  expired: readonly DeadLetter[],
  services: DeadLetterExpiredServices,
): Promise<ReadonlySet<string>> {
  const { deadLetter, ledger } = services;
  const readable = new Map(
    expired.flatMap(({ id, body }) => {
      const delivery = readDelivery(body);
      return typeof delivery === 'string' ? [] : [[id, delivery] as const];
    }),
  );
  const messages = expired.map((message) => {
    const delivery = readable.get(message.id);
    if (delivery === undefined) return message;
    const { integration_id: integrationId, webhook_id: webhookId } = delivery;
    const { redrive } = dead(delivery, 0, message.reason);
    return { ...message, body: toMessageText({ ...delivery, ...redrive }), integrationId, webhookId };
  });
  const refused = await deadLetter(messages);
  // In parallel, since each may wait for the ledger and for the event bus.
  const settling = expired.map(async ({ id, reason }) => {
    const delivery = readable.get(id);
    if (delivery === undefined || refused.has(id)) return;
    const { redrive: _, ...progress } = dead(delivery, delivery.progress.attempt, reason, 'message_expired');
    reportIfCritical(delivery, services);
    await ledger.settleUnclaimed(delivery, { progress });
  });
  await Promise.all(settling);
  return refused;
}
