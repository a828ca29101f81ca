import type { Delivery } from '../events/delivery.ts';
import { executionToken } from '../events/identity.ts';
import type { Workflow } from '../events/retry-workflow.ts';
import type { LedgerRecord } from '../ledger/record.ts';
import type { Timer } from '../ledger/timer.ts';
import { firedTimer, moveOf, timerOf } from '../ledger/timer-rules.ts';
import { type Counter, METRICS } from '../shared/metric-definitions.ts';
import type { SortedEvents } from './sort-events.ts';
import { type Carried, type StartWorkflowsServices, startWorkflows } from './start-workflows.ts';

export interface SetTimersServices extends StartWorkflowsServices {
  readonly workflow: Workflow;
  readonly counter: Counter;
  now(): number;
}

/** Largest number of generations to start one event in. One or two other publications are rare; this many are a fault. */
const MAX_GENERATIONS = 10;

/** Whether an event was published before, by the ledger; `unknown` if it did not respond. */
type Seen = 'first' | 'published' | 'unknown';

/** Why a message is redelivered: only the ledger knows the last publication of an event. */
const UNREACHED = 'the ledger does not respond, and the event may have been rescheduled';

const MOVED_MEANWHILE = 'another publication of the event rescheduled it meanwhile';

/**
 * Starts the workflows of scheduled events, and records each user's latest event as the user's timer. The latest event
 * supersedes the scheduled ones, which read the timer when they are due. An execution starts before its timer is written: a
 * function that is killed in between leaves one execution too many, but never one too few.
 *
 * @param known the ledger's records of known events; undefined if the ledger did not respond
 */
export async function setTimers(
  { ready, scheduled }: SortedEvents,
  known: ReadonlyMap<string, LedgerRecord> | undefined,
  failures: Map<string, string>,
  services: SetTimersServices,
): Promise<void> {
  const { ledger, counter, log } = services;
  const timerOfOne = (delivery: Delivery) => timerOf(delivery, acceptedMs(delivery, services));
  dropCopies(scheduled, services);
  const timers = [...scheduled.values()].flatMap((delivery) => timerOfOne(delivery) ?? []);
  const standing = timers.length === 0 ? new Map<string, Timer>() : await ledger.timers(timers.map(({ key }) => key));
  const starting = new Map<string, Delivery>();
  const movedLater = new Map<string, Timer>();
  for (const [id, delivery] of scheduled) {
    const record = known?.get(delivery.webhook_id);
    if (record === undefined) starting.set(id, delivery);
    else if (record.state === 'scheduled') move(id, delivery, timerOfOne(delivery), record);
  }
  const sentAtOnce = [...ready.values()].filter(({ webhook_id }) => !known?.has(webhook_id));
  await Promise.all([
    ...sentAtOnce.flatMap((delivery) => timerOfOne(delivery) ?? []).map((timer) => ledger.putTimer(timer)),
    ...[...movedLater].map(async ([id, timer]) => {
      // Refused: another publication was written since. The redelivery decides which one is later.
      const result = await ledger.putTimer(timer);
      if (result !== 'written') failures.set(id, result === 'refused' ? MOVED_MEANWHILE : UNREACHED);
    }),
    startWorkflows(starting, failures, services, (delivery) =>
      startScheduled(delivery, timerOfOne(delivery), seenBefore(delivery), services),
    ),
  ]);

  function seenBefore({ webhook_id }: Delivery): Seen {
    if (known === undefined) return 'unknown';
    return known.has(webhook_id) ? 'published' : 'first';
  }

  /**
   * Moves a scheduled event that was published again. The execution reads a later time when it is due. For an earlier time,
   * the next generation starts; also if no timer was written, because the other execution's due time is not known.
   */
  function move(id: string, delivery: Delivery, timer: Timer | undefined, record: LedgerRecord): void {
    if (timer === undefined) return;
    if (standing === undefined) {
      failures.set(id, UNREACHED);
      scheduled.delete(id);
      return;
    }
    const before = standing.get(timer.key);
    const to = moveOf(before, timer, record);
    if (to === 'none') return;
    const carrying = Math.max(before?.generation ?? 0, record.generation);
    const isRestarted = to === 'earlier' || to === 'no_timer';
    const generation = isRestarted ? carrying + 1 : carrying;
    if (isRestarted) starting.set(id, { ...delivery, generation });
    else movedLater.set(id, { ...timer, generation });
    // A publication with the same time changes nothing.
    if (to === 'same') return;
    scheduled.delete(id);
    counter.count(METRICS.timerMoved);
    log.info('timer.moved', { webhook_id: timer.webhook_id, generation, due_at: timer.due_at });
  }
}

/** If a batch contains an event more than once, only the one that occurred last is scheduled. */
function dropCopies(scheduled: Map<string, Delivery>, { counter, log }: SetTimersServices): void {
  const latest = new Map<string, string>();
  for (const [id, { webhook_id, occurred_at }] of scheduled) {
    const other = latest.get(webhook_id);
    const before = other === undefined ? undefined : scheduled.get(other);
    const isLater = before === undefined || Date.parse(occurred_at) > Date.parse(before.occurred_at);
    if (isLater) latest.set(webhook_id, id);
    const dropped = isLater ? other : id;
    if (dropped === undefined) continue;
    scheduled.delete(dropped);
    counter.count(METRICS.eventDuplicate);
    log.info('event.duplicate', { webhook_id });
  }
}

/** The same acceptance time as when the delivery is due, so that both compute the same timer. */
function acceptedMs({ accepted_at }: Delivery, { now }: SetTimersServices): number {
  return accepted_at === undefined ? now() : Date.parse(accepted_at);
}

/**
 * Starts the first generation that no other publication of the event has, and writes its timer. Two publications may be
 * processed at the same time, and an operator or the reconciler may have resent the event. The latest publication gets the
 * timer and the highest generation: the others end when they are due, and the ledger lets the highest generation claim.
 *
 * @param timer of this publication; undefined if the event names no user, so that nothing supersedes it
 * @param seen whether there is an earlier publication, whose timer may exist
 * @returns undefined if a later publication has the timer: its own message records the workflow
 */
async function startScheduled(
  delivery: Delivery,
  timer: Timer | undefined,
  seen: Seen,
  { ledger, workflow, now }: SetTimersServices,
): Promise<Carried | undefined> {
  let { generation } = delivery;
  for (let round = 0; round < MAX_GENERATIONS; round += 1) {
    const { token, isOwn } = await workflow.start({ ...delivery, generation });
    const carried = { delivery: { ...delivery, generation }, token };
    if (timer === undefined) return carried;
    // There was another publication: the event may have been superseded or sent since.
    if (!isOwn && seen === 'unknown') return { fault: UNREACHED };
    const result = isOwn ? await ledger.putTimer({ ...timer, generation }) : 'refused';
    // A due delivery may have run before this write, and nothing else removes its timer from the list of waiting ones.
    if (result === 'written' && isDue(timer, now())) await ledger.putTimer(firedTimer({ ...timer, generation }));
    if (result === 'written') return carried;
    // The first publication is sent on time even without a timer, and the next one writes its own.
    if (result === 'unreached' && seen !== 'published' && generation === delivery.generation) return carried;
    const found = result === 'refused' ? await ledger.timers([timer.key]) : undefined;
    if (found === undefined) return { fault: UNREACHED };

    const standing = found.get(timer.key);
    if (standing?.webhook_id === timer.webhook_id) {
      if (standing.latest_at > timer.latest_at) return undefined;
      // This same publication: a function that was killed may not have recorded its execution.
      if (standing.latest_at === timer.latest_at) return carriedBy(standing, delivery);
      generation = Math.max(generation, standing.generation) + 1;
      continue;
    }
    // A later event supersedes it: its execution reads that when it is due.
    if (isOwn) return carried;
    generation += 1;
  }
  return { fault: `other publications of the event have ${MAX_GENERATIONS} generations` };
}

function isDue({ due_at }: Timer, nowMs: number): boolean {
  return due_at !== undefined && Date.parse(due_at) <= nowMs;
}

function carriedBy({ generation }: Timer, delivery: Delivery): Carried {
  const carried = { ...delivery, generation };
  return { delivery: carried, token: executionToken(carried) };
}
