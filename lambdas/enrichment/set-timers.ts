import type { Delivery } from '../contract/delivery.ts';
import type { WebhookState } from '../contract/ledger.ts';
import { METRICS } from '../contract/metrics.ts';
import type { Timer } from '../contract/timer.ts';
import { moveOf, timerOf } from '../domain/timers.ts';
import type { EnrichEventsServices } from './enrich-events-services.ts';
import type { SortedEvents } from './sort-events.ts';
import { startWorkflows } from './start-workflows.ts';

/**
 * Starts the workflows in which events wait for their moment, and notes each user's latest event: it takes the place of
 * those that wait, which read so on waking. An execution exists before the timer that speaks of it, so that whoever is
 * killed in between leaves one too many, and never none.
 *
 * @param known what the ledger says of those that it knows, by webhook
 */
export async function setTimers(
  { ready, timed }: SortedEvents,
  known: ReadonlyMap<string, WebhookState>,
  failures: Map<string, string>,
  services: EnrichEventsServices,
): Promise<void> {
  const { ledger, counter, log } = services;
  const timers = new Map<string, Timer>();
  for (const [id, delivery] of [...ready, ...timed]) {
    const timer = timerOf(delivery, acceptedMs(delivery, services));
    if (timer !== undefined) timers.set(id, timer);
  }
  if (timers.size === 0) return;
  const standing = await ledger.timers([...timers.values()].map(({ key }) => key));
  const starting = new Map<string, Delivery>();
  const keeping: Timer[] = [];
  for (const [id, timer] of timers) {
    const delivery = timed.get(id);
    const state = known.get(timer.webhook_id);
    if (delivery === undefined) keeping.push(timer);
    else if (state === undefined) starting.set(id, delivery);
    else if (state === 'scheduled') move(id, delivery, timer);
  }
  await Promise.all([
    ...keeping.map((timer) => ledger.keepTimer(timer)),
    startWorkflows(starting, failures, services, async (delivery) => {
      const timer = timerOf(delivery, acceptedMs(delivery, services));
      if (timer !== undefined) await ledger.keepTimer(timer);
    }),
  ]);

  /** Published again with another time: a later one is read on waking, an earlier one starts another generation. */
  function move(id: string, delivery: Delivery, timer: Timer): void {
    const before = standing.get(timer.key);
    const to = moveOf(before, timer);
    if (before === undefined || to === 'none') return;
    const generation = to === 'earlier' ? before.generation + 1 : before.generation;
    if (to === 'earlier') starting.set(id, { ...delivery, generation });
    else keeping.push({ ...timer, generation });
    timed.delete(id);
    counter.count(METRICS.timerMoved);
    log.info('timer.moved', { webhook_id: timer.webhook_id, generation, due_at: timer.due_at });
  }
}

/** The same moment as on waking: where the publisher's clock is ahead, its event is as old as its acceptance. */
function acceptedMs({ accepted_at }: Delivery, { now }: EnrichEventsServices): number {
  return accepted_at === undefined ? now() : Date.parse(accepted_at);
}
