import type { Delivery } from '../events/delivery.ts';
import { executionToken } from '../events/identity.ts';
import type { Workflow } from '../events/retry-workflow.ts';
import type { LedgerRecord } from '../ledger/record.ts';
import type { Timer } from '../ledger/timer.ts';
import { firedTimer, moveOf, timerOf } from '../ledger/timers.ts';
import { type Counter, METRICS } from '../shared/metric-definitions.ts';
import type { SortedEvents } from './sort-events.ts';
import { type Carried, type StartWorkflowsServices, startWorkflows } from './start-workflows.ts';

export interface SetTimersServices extends StartWorkflowsServices {
  readonly workflow: Workflow;
  readonly counter: Counter;
  now(): number;
}

/** A publication of a scheduled event meets one or two others, rarely; this many is a fault. */
const GENERATIONS_TRIED = 10;

/** What the ledger knows of an event: never published, published before, or nothing because it did not respond. */
type Seen = 'first' | 'published' | 'unknown';

/** Why a message is redelivered: only the ledger knows which publication of an event was last. */
const UNREACHED = 'the ledger does not respond, and the event may have been rescheduled';

const MOVED_MEANWHILE = 'another publication of the event rescheduled it meanwhile';

/**
 * Starts the workflows of events with a scheduled time, and records each user's latest event as the user's timer. That
 * event supersedes the scheduled ones, which read the timer when they wake. An execution is started before its timer is
 * written, so that a function killed in between leaves one execution too many, and never none.
 *
 * @param known the ledger's records of the events that it knows; undefined where the ledger did not respond
 */
export async function setTimers(
  { ready, timed }: SortedEvents,
  known: ReadonlyMap<string, LedgerRecord> | undefined,
  failures: Map<string, string>,
  services: SetTimersServices,
): Promise<void> {
  const { ledger, counter, log } = services;
  const timerOfOne = (delivery: Delivery) => timerOf(delivery, acceptedMs(delivery, services));
  dropCopies(timed, services);
  const timers = [...timed.values()].flatMap((delivery) => timerOfOne(delivery) ?? []);
  const standing = timers.length === 0 ? new Map<string, Timer>() : await ledger.timers(timers.map(({ key }) => key));
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
      // Refused: another publication was written meanwhile. Whether it is a later one is decided on redelivery.
      const result = await ledger.putTimer(timer);
      if (result !== 'written') failures.set(id, result === 'refused' ? MOVED_MEANWHILE : UNREACHED);
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
   * Published again, maybe with another time. The execution reads a later time on waking. For an earlier time the next
   * generation starts. So it does where no timer was written, since the other execution's due time is not known.
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
    // A publication with the time that stands already changes nothing.
    if (to === 'same') return;
    timed.delete(id);
    counter.count(METRICS.timerMoved);
    log.info('timer.moved', { webhook_id: timer.webhook_id, generation, due_at: timer.due_at });
  }
}

/** Of an event that a batch holds more than once, the one that occurred last has the scheduled time. */
function dropCopies(timed: Map<string, Delivery>, { counter, log }: SetTimersServices): void {
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

/** The same time as on waking: where the publisher's clock is ahead, its event is as old as its acceptance. */
function acceptedMs({ accepted_at }: Delivery, { now }: SetTimersServices): number {
  return accepted_at === undefined ? now() : Date.parse(accepted_at);
}

/**
 * Starts the first generation that no other publication of the event has, and writes its timer. Two publications may be
 * processed at the same time, and an operator or the reconciler may have resent the event. The latest publication ends up
 * with the timer, in the highest generation: the others end on waking, and the ledger lets the highest one claim.
 *
 * @param timer of this publication; undefined where the event names no user, so that nothing supersedes it
 * @param seen whether there is an earlier publication, whose timer may stand
 * @returns undefined where a later publication has the timer: its own message records the workflow
 */
async function startTimed(
  delivery: Delivery,
  timer: Timer | undefined,
  seen: Seen,
  { ledger, workflow, now }: SetTimersServices,
): Promise<Carried | undefined> {
  let { generation } = delivery;
  for (let tried = 0; tried < GENERATIONS_TRIED; tried += 1) {
    const { token, isOwn } = await workflow.start({ ...delivery, generation });
    const carried = { delivery: { ...delivery, generation }, token };
    if (timer === undefined) return carried;
    // There was another publication, and it is not known whether the event was superseded or sent since.
    if (!isOwn && seen === 'unknown') return { fault: UNREACHED };
    const result = isOwn ? await ledger.putTimer({ ...timer, generation }) : 'refused';
    // A delivery that is due may have woken before this, and nothing else takes its timer off the list of waiting ones.
    if (result === 'written' && isDue(timer, now())) await ledger.putTimer(firedTimer({ ...timer, generation }));
    if (result === 'written') return carried;
    // The only publication so far is sent on time without a timer, and the next one writes its own.
    if (result === 'unreached' && seen !== 'published' && generation === delivery.generation) return carried;
    const found = result === 'refused' ? await ledger.timers([timer.key]) : undefined;
    if (found === undefined) return { fault: UNREACHED };

    const standing = found.get(timer.key);
    if (standing?.webhook_id === timer.webhook_id) {
      if (standing.latest_at > timer.latest_at) return undefined;
      // This publication itself: a function that was killed may not have recorded its execution.
      if (standing.latest_at === timer.latest_at) return carriedBy(standing, delivery);
      generation = Math.max(generation, standing.generation) + 1;
      continue;
    }
    // A later event supersedes it, which it reads on waking.
    if (isOwn) return carried;
    generation += 1;
  }
  return { fault: `other publications of the event have ${GENERATIONS_TRIED} generations` };
}

function isDue({ due_at }: Timer, nowMs: number): boolean {
  return due_at !== undefined && Date.parse(due_at) <= nowMs;
}

function carriedBy({ generation }: Timer, delivery: Delivery): Carried {
  const carried = { ...delivery, generation };
  return { delivery: carried, token: executionToken(carried) };
}
