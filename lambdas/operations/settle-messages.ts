import { deadLettered, type OperationalEvents } from '../events/operational-event.ts';
import { type UnsettledOutcome, unsettledOutcomeSchema } from '../ledger/unsettled-outcome.ts';
import type { Failures, ReceivedMessage } from '../shared/batch-intake.ts';
import { errorFields, errorName, QueueRefused } from '../shared/errors.ts';
import { parseJson } from '../shared/json.ts';
import type { Log } from '../shared/log.ts';
import { type Counter, METRICS } from '../shared/metric-definitions.ts';

/** A message of the outcomes queue that cannot be settled. */
export interface DeadOutcome extends ReceivedMessage {
  readonly reason: string;
}

export interface SettleMessagesServices {
  /** See `settleLate`. @throws LedgerUnavailable */
  settle(outcome: UnsettledOutcome): Promise<'written' | 'lost' | 'busy'>;
  /** Dead-letters messages. @returns the ids of those that SQS refused */
  deadLetter(messages: readonly DeadOutcome[]): Promise<ReadonlySet<string>>;
  readonly events: OperationalEvents;
  readonly log: Log;
  readonly counter: Counter;
  now(): number;
}

/**
 * Settles the outcomes of a batch, in parallel, that could not be settled in time. An outcome stays in the queue if the table
 * does not respond, or while its own claim still has a lease.
 */
export async function settleMessages(
  messages: readonly ReceivedMessage[],
  services: SettleMessagesServices,
): Promise<Failures> {
  const failures = new Map<string, string>();
  await Promise.all(
    messages.map(async (message) => {
      try {
        const fault = await settleOne(message, services);
        if (fault !== undefined) failures.set(message.id, fault);
      } catch (thrown) {
        failures.set(message.id, errorName(thrown));
        services.log.warn('outcome.not_settled', { message_id: message.id, ...errorFields(thrown) });
      }
    }),
  );
  return failures;
}

/** @returns why the message stays in the queue; undefined if it is done */
async function settleOne(message: ReceivedMessage, services: SettleMessagesServices): Promise<string | undefined> {
  const { log, counter } = services;
  const outcome = unsettledOutcomeSchema.safeParse(parseJson(message.body)).data;
  if (outcome === undefined) {
    const reason = 'not an outcome of schema version 1';
    log.error('outcome.rejected', { message_id: message.id, reason });
    const refused = await services.deadLetter([{ ...message, reason }]);
    if (refused.size > 0) throw new QueueRefused('the dead letter queue refused the message');
    return undefined;
  }
  const settlement = await services.settle(outcome);
  if (settlement === 'busy') return 'a function may still have a lease on its delivery';
  const { webhook_id, integration_id, generation } = outcome.delivery;
  counter.count(METRICS.outcomeSettled);
  const fields = { webhook_id, integration_id, generation, outcome: outcome.settlement.progress.outcome };
  log.info('outcome.settled', { ...fields, at: outcome.at, is_overtaken: settlement === 'lost' });
  const { dead_reason: reason } = outcome.settlement.progress;
  if (settlement === 'written' && reason !== undefined)
    await services.events.put(
      deadLettered(webhook_id, reason, { integrationId: integration_id, atMs: services.now() }),
    );
  return undefined;
}
