import type { LedgerRecord } from '../contract/ledger.ts';
import { METRICS } from '../contract/metrics.ts';
import { decided } from '../domain/progress.ts';
import type { EnrichEventsServices } from './enrich-events-services.ts';
import { setTimers } from './set-timers.ts';
import type { SortedEvents, Unwanted } from './sort-events.ts';

/**
 * Writes events into the ledger before anything is sent on, and takes out those that are copies of what was dealt with.
 * Those that wait for their moment are in the workflow's hands from here on, and those that nobody wants end here.
 */
export async function writeDown(
  events: SortedEvents,
  failures: Map<string, string>,
  services: EnrichEventsServices,
): Promise<void> {
  const { ready, timed, asking, unwanted } = events;
  const all = [
    ...ready.values(),
    ...timed.values(),
    ...[...asking.values()].map(({ subject }) => subject),
    ...[...unwanted.values()].map(({ delivery }) => delivery),
  ];
  if (all.length === 0) return;
  const known = await services.ledger.accept(all);
  await setTimers(events, known, failures, services);
  dropKnown(ready, known, (delivery) => delivery.webhook_id, services);
  dropKnown(timed, known, (delivery) => delivery.webhook_id, services);
  dropKnown(asking, known, ({ subject }) => subject.webhook_id, services);
  dropKnown(unwanted, known, ({ delivery }) => delivery.webhook_id, services);
  await Promise.all([...unwanted.values()].map((one) => noteUnwanted(one, services)));
}

function dropKnown<T>(
  events: Map<string, T>,
  known: ReadonlyMap<string, LedgerRecord> | undefined,
  webhookIdOf: (event: T) => string,
  { counter, log }: EnrichEventsServices,
): void {
  for (const [messageId, event] of events) {
    const webhookId = webhookIdOf(event);
    if (!known?.has(webhookId)) continue;
    events.delete(messageId);
    counter.count(METRICS.eventDuplicate);
    log.info('event.duplicate', { webhook_id: webhookId });
  }
}

async function noteUnwanted({ delivery, reason }: Unwanted, { counter, log, ledger }: EnrichEventsServices) {
  counter.count(METRICS.eventUnwanted);
  const { webhook_id, integration_id } = delivery;
  log.info('event.unwanted', { webhook_id, integration_id, reason });
  await ledger.note(delivery, { progress: decided(delivery, 0, 'unwanted', reason) });
}
