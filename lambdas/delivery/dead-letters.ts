import type { ReceivedMessage } from '../adapters/batch-intake.ts';
import { QueueRefused } from '../contract/errors.ts';
import type { Log } from '../contract/log.ts';
import type { Counter } from '../contract/metrics.ts';
import { tellIfCritical } from '../domain/critical-dead.ts';
import { toMessageText } from '../domain/json-text.ts';
import { dead } from '../domain/progress.ts';
import type { ClaimServices } from './claim.ts';
import { readDelivery } from './read-delivery.ts';

/** A message that nobody can deliver. */
export interface DeadLetter extends ReceivedMessage {
  readonly reason: string;
  readonly integrationId?: string;
  readonly webhookId?: string;
}

export interface DeadLetterServices {
  /** Dead-letters messages of the deliveries queue. @returns the ids of those that could not be */
  deadLetter(letters: readonly DeadLetter[]): Promise<ReadonlySet<string>>;
}

export interface BuryHeldServices extends DeadLetterServices, ClaimServices {
  readonly log: Log;
  readonly counter: Counter;
}

/** @throws QueueRefused where the dead letter queue does not take it */
export async function bury(letter: DeadLetter, { deadLetter }: DeadLetterServices): Promise<undefined> {
  const refused = await deadLetter([letter]);
  if (refused.size > 0) throw new QueueRefused('the dead letter queue did not take the message');
}

/**
 * Dead-letters messages that failed for days, each in its next generation like any other letter, and writes them down as
 * dead.
 *
 * @returns the ids of those that could not be
 */
export async function buryHeld(held: readonly DeadLetter[], services: BuryHeldServices): Promise<ReadonlySet<string>> {
  const { deadLetter, ledger } = services;
  const readable = new Map(
    held.flatMap((letter) => {
      const delivery = readDelivery(letter.body);
      return typeof delivery === 'string' ? [] : [[letter.id, delivery] as const];
    }),
  );
  const letters = held.map((letter) => {
    const delivery = readable.get(letter.id);
    if (delivery === undefined) return letter;
    const { integration_id: integrationId, webhook_id: webhookId } = delivery;
    const { redrive } = dead(delivery, 0, letter.reason);
    return { ...letter, body: toMessageText({ ...delivery, ...redrive }), integrationId, webhookId };
  });
  const refused = await deadLetter(letters);
  for (const { id, reason } of held) {
    const delivery = readable.get(id);
    if (delivery === undefined || refused.has(id)) continue;
    const { redrive: _, ...progress } = dead(delivery, delivery.progress.attempt, reason);
    tellIfCritical(delivery, services);
    await ledger.note(delivery, { progress });
  }
  return refused;
}
