import type { ReceivedMessage } from '../adapters/batch-intake.ts';
import type { TaskResult } from '../contract/delivery.ts';
import { QueueRefused } from '../contract/errors.ts';
import type { Lease, Ledger } from '../contract/ledger-ports.ts';
import type { Log } from '../contract/log.ts';
import type { Counter } from '../contract/metrics.ts';
import { reportIfCritical } from '../domain/critical-dead.ts';
import { toMessageText } from '../domain/json-text.ts';
import { dead } from '../domain/progress.ts';
import { readDelivery } from '../domain/read-delivery.ts';
import type { Attempted } from './attempt-delivery.ts';

/** The outcome of a claimed delivery. */
export interface DeliveryOutcome {
  readonly result: TaskResult;
  /** Absent where no attempt was made. */
  readonly attempted?: Pick<Attempted, 'attempt' | 'answerStart'> | undefined;
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
  const { attempt, answerStart } = attempted ?? {};
  return ledger.settle(lease, {
    progress,
    ...(token !== undefined && { token }),
    ...(attempt !== undefined && { attempt }),
    ...(answerStart !== undefined && { answerStart }),
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
