import * as z from 'zod';
import { type Delivery, deliverySchema, progressSchema } from '../events/delivery.ts';
import type { Queues } from '../shared/sqs.ts';
import { attemptSchema, ledgerRecordSchema } from './record.ts';

/** A delivery without its payload and its learner. */
export type DeliveryFacts = Omit<Delivery, 'payload' | 'user_id' | 'course_id' | 'send_at'>;

/**
 * An outcome that could not be written to the ledger's table: a message of the outcomes queue, which stays in SQS until the
 * table responds. It contains no payload and no personal data.
 */
export const unsettledOutcomeSchema = z.object({
  schema_version: z.literal(1),
  /** When the delivery had this outcome, by the function's clock. */
  at: z.iso.datetime(),
  delivery: deliverySchema.omit({ payload: true, user_id: true, course_id: true, send_at: true }),
  /**
   * How the delivery was claimed. `claimed`: by a claim that the table has as `record`. `unseen`: while the table did not
   * respond. `unclaimed`: it was handed to an execution, or ended, without a claim.
   */
  lease: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('claimed'), record: ledgerRecordSchema }),
    z.object({ kind: z.literal('unseen') }),
    z.object({ kind: z.literal('unclaimed') }),
  ]),
  settlement: z.object({ progress: progressSchema, token: z.string().optional(), attempt: attemptSchema.optional() }),
});
export type UnsettledOutcome = z.infer<typeof unsettledOutcomeSchema>;

/** Sends an outcome to the outcomes queue. Never throws. @returns whether SQS accepted it */
export function outcomeSender(queues: Pick<Queues, 'send'>, queueUrl: string) {
  return async (outcome: UnsettledOutcome): Promise<boolean> => {
    const { webhook_id: id, integration_id: groupId } = outcome.delivery;
    return (await queues.send(queueUrl, [{ id, groupId, body: JSON.stringify(outcome) }])).size === 0;
  };
}
