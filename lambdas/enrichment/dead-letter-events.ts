import type { OutgoingMessage } from '../contract/delivery-ports.ts';
import { type ReportServices, reportIfCriticalEvent } from '../domain/critical-dead.ts';
import { deadLetterMessage } from '../domain/dead-letter.ts';
import type { EnrichEventsServices } from './enrich-events-services.ts';

export interface DeadLetterEventsServices extends ReportServices {
  /** Sends to the dead letter queue of events. @returns the ids of those that SQS did not take */
  send(letters: readonly OutgoingMessage[]): Promise<ReadonlySet<string>>;
}

/** Dead-letters messages of the events queue, rejected or held for too long, and wakes somebody up where one is critical. */
export function createDeadLetter(services: DeadLetterEventsServices): EnrichEventsServices['deadLetter'] {
  return async (messages) => {
    const refused = await services.send(messages.map(deadLetterMessage));
    for (const message of messages) if (!refused.has(message.id)) reportIfCriticalEvent(message, services);
    return refused;
  };
}
