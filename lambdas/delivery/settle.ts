import { reportIfCritical } from '../events/critical-dead.ts';
import type { TaskResult } from '../events/delivery.ts';
import { dead } from '../events/progress.ts';
import { readDelivery } from '../events/read-delivery.ts';
import type { Lease, Ledger } from '../ledger/ports.ts';
import type { ReceivedMessage } from '../shared/batch-intake.ts';
import { QueueRefused } from '../shared/errors.ts';
import { toMessageText } from '../shared/json-text.ts';
import type { Log } from '../shared/log.ts';
import type { Counter } from '../shared/metric-definitions.ts';
import type { Attempted } from './attempt-delivery.ts';

/** The outcome of a claimed delivery. */
export interface DeliveryOutcome {
  readonly result: TaskResult;
  /** Absent where no attempt was made. */
  readonly attempted?: Pick<Attempted, 'attempt' | 'responseStart'> | undefined;
}

/**
 * Records the outcome of a claimed delivery in the ledger, and releases its claim.
 *
 * @param token of the message or execution that carries it on, which must exist by now
 * @returns whether it is recorded
 */
export function settle(
  lease: Lease,
  { result, attempted }: DeliveryOutcome,
  token: string | undefined,
  { ledger }: { readonly ledger: Ledger },
): Promise<boolean> {
  const { redrive: _, ...progress } = result;
  const { attempt, responseStart } = attempted ?? {};
  return ledger.settle(lease, {
    progress,
    ...(token !== undefined && { token }),
    ...(attempt !== undefined && { attempt }),
    ...(responseStart !== undefined && { responseStart }),
  });
}

/** A message of the deliveries queue that cannot be delivered. */
export interface DeadLetter extends ReceivedMessage {
  readonly reason: string;
  readonly integrationId?: string;
  readonly webhookId?: string;
}

export interface DeadLetterServices {
  /** Dead-letters messages of the deliveries queue. @returns the ids of those that SQS did not take */
  deadLetter(letters: readonly DeadLetter[]): Promise<ReadonlySet<string>>;
}

/** @throws QueueRefused where the dead letter queue does not take it */
export async function sendDeadLetter(letter: DeadLetter, { deadLetter }: DeadLetterServices): Promise<undefined> {
  const refused = await deadLetter([letter]);
  if (refused.size > 0) throw new QueueRefused('the dead letter queue did not take the message');
}

export interface DeadLetterExpiredServices extends DeadLetterServices {
  readonly ledger: Ledger;
  readonly log: Log;
  readonly counter: Counter;
}

/**
 * Dead-letters messages that failed for days, each in its next generation like any other dead letter, and records them as
 * dead.
 *
 * @returns the ids of those that SQS did not take
 */
export async function deadLetterExpired(
  expired: readonly DeadLetter[],
  services: DeadLetterExpiredServices,
): Promise<ReadonlySet<string>> {
  const { deadLetter, ledger } = services;
  const readable = new Map(
    expired.flatMap((letter) => {
      const delivery = readDelivery(letter.body);
      return typeof delivery === 'string' ? [] : [[letter.id, delivery] as const];
    }),
  );
  const letters = expired.map((letter) => {
    const delivery = readable.get(letter.id);
    if (delivery === undefined) return letter;
    const { integration_id: integrationId, webhook_id: webhookId } = delivery;
    const { redrive } = dead(delivery, 0, letter.reason);
    return { ...letter, body: toMessageText({ ...delivery, ...redrive }), integrationId, webhookId };
  });
  const refused = await deadLetter(letters);
  for (const { id, reason } of expired) {
    const delivery = readable.get(id);
    if (delivery === undefined || refused.has(id)) continue;
    const { redrive: _, ...progress } = dead(delivery, delivery.progress.attempt, reason);
    reportIfCritical(delivery, services);
    await ledger.settleUnclaimed(delivery, { progress });
  }
  return refused;
}
