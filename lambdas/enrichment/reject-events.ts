import { type ReportServices, reportIfCriticalEvent } from '../events/critical-dead.ts';
import { deadLetterMessage } from '../events/dead-letter.ts';
import type { ReceivedMessage } from '../shared/batch-intake.ts';
import type { Log } from '../shared/log.ts';
import { type Counter, METRICS } from '../shared/metric-definitions.ts';
import type { OutgoingMessage } from '../shared/queue-message.ts';

/** A message of the events queue that is dead-lettered. */
export interface RejectedMessage extends ReceivedMessage {
  readonly reason: string;
  readonly integrationId?: string;
}

export interface RejectEventsServices {
  /** Dead-letters messages of the events queue. @returns the ids of those that SQS refused */
  deadLetter(messages: readonly RejectedMessage[]): Promise<ReadonlySet<string>>;
  readonly log: Log;
  readonly counter: Counter;
}

/** Dead-letters invalid events; those that the queue refuses fail, so that SQS redelivers them. */
export async function rejectEvents(
  rejected: readonly RejectedMessage[],
  failures: Map<string, string>,
  services: RejectEventsServices,
): Promise<void> {
  if (rejected.length === 0) return;
  const stuck = await services.deadLetter(rejected);
  for (const { id, reason, integrationId } of rejected) {
    if (stuck.has(id)) {
      failures.set(id, 'the dead letter queue refused it');
      continue;
    }
    services.counter.count(METRICS.eventRejected);
    services.log.error('event.rejected', { message_id: id, integration_id: integrationId, reason });
  }
}

export interface DeadLetterQueueServices extends ReportServices {
  /** Sends to the dead-letter queue of events. @returns the ids of those that SQS refused */
  send(messages: readonly OutgoingMessage[]): Promise<ReadonlySet<string>>;
}

/** Dead-letters messages of the events queue, rejected or held for too long, and raises an alarm for critical ones. */
export function createDeadLetter(services: DeadLetterQueueServices): RejectEventsServices['deadLetter'] {
  return async (messages) => {
    const refused = await services.send(messages.map(deadLetterMessage));
    for (const message of messages) if (!refused.has(message.id)) reportIfCriticalEvent(message, services);
    return refused;
  };
}
