import type { Delivery } from '../contract/delivery.ts';
import type { LedgerRecord } from '../contract/ledger.ts';
import { METRICS } from '../contract/metrics.ts';
import type { Timer } from '../contract/timer.ts';
import { moveOf, timerOf } from '../domain/timers.ts';
import type { EnrichEventsServices } from './enrich-events-services.ts';
import type { SortedEvents } from './sort-events.ts';
import { type Seen, startTimed, UNREACHED } from './start-timed.ts';
import { startWorkflows } from './start-workflows.ts';

/**
 * Starts the workflows in which events wait for their moment, and notes each user's latest event: it takes the place of
 * those that wait, which read so on waking. An execution exists before the timer that speaks of it, so that whoever is
 * killed in between leaves one too many, and never none.
 *
 * @param known what the ledger says of those that it knows; undefined where it did not say which these are
 */
export async function setTimers(
  { ready, timed }: SortedEvents,
  known: ReadonlyMap<string, LedgerRecord> | undefined,
  failures: Map<string, string>,
  services: EnrichEventsServices,
): Promise<void> {
  const { ledger, counter, log } = services;
  const timerOfOne = (delivery: Delivery) => timerOf(delivery, acceptedMs(delivery, services));
  dropCopies(timed, services);
  const timers = [...timed.values()].flatMap((delivery) => timerOfOne(delivery) ?? []);
  const standing = timers.length === 0 ? NONE : await ledger.timers(timers.map(({ key }) => key));
  const starting = new Map<string, Delivery>();
  const movedLater = new Map<string, Timer>();
  for (const [id, delivery] of timed) {
    const record = known?.get(delivery.webhook_id);
    if (record === undefined) starting.set(id, delivery);
    else if (record.state === 'scheduled') move(id, delivery, timerOfOne(delivery), record);
  }
  const sentAtOnce = [...ready.values()].filter(({ webhook_id }) => !known?.has(webhook_id));
  await Promise.all([
    ...sentAtOnce.flatMap((delivery) => timerOfOne(delivery) ?? []).map((timer) => ledger.putTimer(timer)),
    ...[...movedLater].map(async ([id, timer]) => {
      // Refused, another publication stands there since: whether it is a later one is seen when the message comes again.
      const kept = await ledger.putTimer(timer);
      if (kept !== 'kept') failures.set(id, kept === 'refused' ? MOVED_MEANWHILE : UNREACHED);
    }),
    startWorkflows(starting, failures, services, (delivery) =>
      startTimed(delivery, timerOfOne(delivery), seenBefore(delivery), services),
    ),
  ]);

  function seenBefore({ webhook_id }: Delivery): Seen {
    if (known === undefined) return 'unknown';
    return known.has(webhook_id) ? 'published' : 'first';
  }

  /**
   * Published again, maybe with another time. A later one is read on waking. For an earlier one the next generation
   * starts, and so it does where no timer was written, since until when the other execution waits is not known.
   */
  function move(id: string, delivery: Delivery, timer: Timer | undefined, record: LedgerRecord): void {
    if (timer === undefined) return;
    if (standing === undefined) {
      failures.set(id, UNREACHED);
      timed.delete(id);
      return;
    }
    const before = standing.get(timer.key);
    const to = moveOf(before, timer, record);
    if (to === 'none') return;
    const carrying = Math.max(before?.generation ?? 0, record.generation);
    const isRestarted = to === 'earlier' || to === 'untimed';
    const generation = isRestarted ? carrying + 1 : carrying;
    if (isRestarted) starting.set(id, { ...delivery, generation });
    else movedLater.set(id, { ...timer, generation });
    // A move that was published before it, and comes later, changes nothing.
    if (to === 'same') return;
    timed.delete(id);
    counter.count(METRICS.timerMoved);
    log.info('timer.moved', { webhook_id: timer.webhook_id, generation, due_at: timer.due_at });
  }
}

const NONE: ReadonlyMap<string, Timer> = new Map();

const MOVED_MEANWHILE = 'another publication of the event moved it meanwhile';

/** Of an event that a batch holds more than once, the one that occurred last says when it is sent. */
function dropCopies(timed: Map<string, Delivery>, { counter, log }: EnrichEventsServices): void {
  const latest = new Map<string, string>();
  for (const [id, { webhook_id, occurred_at }] of timed) {
    const other = latest.get(webhook_id);
    const before = other === undefined ? undefined : timed.get(other);
    const isLater = before === undefined || Date.parse(occurred_at) > Date.parse(before.occurred_at);
    if (isLater) latest.set(webhook_id, id);
    const dropped = isLater ? other : id;
    if (dropped === undefined) continue;
    timed.delete(dropped);
    counter.count(METRICS.eventDuplicate);
    log.info('event.duplicate', { webhook_id });
  }
}

/** The same moment as on waking: where the publisher's clock is ahead, its event is as old as its acceptance. */
function acceptedMs({ accepted_at }: Delivery, { now }: EnrichEventsServices): number {
  return accepted_at === undefined ? now() : Date.parse(accepted_at);
}
