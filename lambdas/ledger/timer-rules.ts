import type { Delivery, DeliverySubject } from '../events/delivery.ts';
import { MAX_TIMER_DAYS } from '../events/event.ts';
import { hasTimers } from '../events/event-types/event-types.ts';
import { timerKey } from '../events/identity.ts';
import { DAY_MS } from '../shared/durations.ts';
import type { LedgerRecord } from './record.ts';
import type { Timer } from './timer.ts';

/** Longest wait, in milliseconds after an event was accepted. */
const LONGEST_WAIT_MS = MAX_TIMER_DAYS * DAY_MS;

/**
 * Checks how long an event waits. A delay needs no check: it is at most this long, and starts at the acceptance or before.
 *
 * @returns why an event may not wait until its `send_at`; undefined if it may, or does not wait
 */
export function waitFault({ send_at }: DeliverySubject, acceptedMs: number): string | undefined {
  if (send_at === undefined || Date.parse(send_at) - acceptedMs <= LONGEST_WAIT_MS) return undefined;
  return `send_at: an event may wait for ${MAX_TIMER_DAYS} days at the most`;
}

/**
 * The timer that an event sets. A scheduled event sets one, and so does every later event of the same type and user, which
 * supersedes it.
 *
 * @returns undefined if the event's type has no timers, or the event names no user
 */
export function timerOf(subject: DeliverySubject, nowMs: number): Timer | undefined {
  const { webhook_id, event_type, integration_id, user_id, occurred_at, send_at, generation } = subject;
  if (!hasTimers(event_type) || user_id === undefined) return undefined;
  return {
    key: timerKey(integration_id, event_type, user_id),
    webhook_id,
    integration_id,
    latest_at: latestAt(occurred_at, nowMs),
    ...(send_at !== undefined && { due_at: send_at }),
    generation,
  };
}

/** An event whose publisher's clock is ahead counts from its acceptance. */
function latestAt(occurredAt: string, acceptedMs: number): string {
  return new Date(Math.min(Date.parse(occurredAt), acceptedMs)).toISOString();
}

/** The timer after it fired: without a due time it is not listed as waiting. */
export function firedTimer({ due_at: _, ...timer }: Timer): Timer {
  return timer;
}

/**
 * How a repeated publication moves its scheduled event. `same`: the scheduled time stays. `no_timer`: the first timer was never
 * written, so that the scheduled time is not known.
 */
type Move = 'none' | 'same' | 'later' | 'earlier' | 'no_timer';

/**
 * @param standing the user's current timer; undefined if there is none
 * @param record of the event that is published again; it is still scheduled if it has no attempt
 */
export function moveOf(
  standing: Timer | undefined,
  timer: Timer,
  { occurred_at, accepted_at, attempt }: Pick<LedgerRecord, 'occurred_at' | 'accepted_at' | 'attempt'>,
): Move {
  // `latest_at` never decreases, so an older one shows that this event's timer was never written.
  const hasNoTimer = standing === undefined || standing.latest_at < latestAt(occurred_at, Date.parse(accepted_at));
  if (hasNoTimer) return attempt === 0 ? 'no_timer' : 'none';
  if (standing.webhook_id !== timer.webhook_id || standing.latest_at >= timer.latest_at) return 'none';
  if (standing.due_at === undefined || timer.due_at === undefined) return 'none';
  if (standing.due_at === timer.due_at) return 'same';
  return timer.due_at > standing.due_at ? 'later' : 'earlier';
}

/** Reason of a delivery that keeps waiting because it was moved to a later time. */
export const MOVED_LATER = 'it was moved to a later time';

/** What happens to a scheduled delivery when it is due. */
export type DueDecision =
  | { readonly to: 'send' }
  /** It was moved to a later time. */
  | { readonly to: 'wait'; readonly untilMs: number }
  | { readonly to: 'cancel'; readonly reason: string }
  /** It was moved to an earlier time: another generation carries it, and only that one is recorded. */
  | { readonly to: 'leave'; readonly reason: string };

/**
 * Compares a due delivery with its user's timer. Neither is compared with a clock, because the wait has ended.
 *
 * @param timer undefined if there is none, or it could not be read: then the delivery is sent
 */
export function decideWhenDue(delivery: Delivery, timer: Timer | undefined, nowMs: number): DueDecision {
  const own = timerOf(delivery, delivery.accepted_at === undefined ? nowMs : Date.parse(delivery.accepted_at));
  if (timer === undefined || own === undefined) return { to: 'send' };
  if (timer.webhook_id !== own.webhook_id) {
    if (timer.latest_at < own.latest_at) return { to: 'send' };
    return { to: 'cancel', reason: `superseded by a later event of its user: ${timer.webhook_id}` };
  }
  if (timer.generation > delivery.generation) {
    return { to: 'leave', reason: `it was moved: generation ${timer.generation} carries it` };
  }
  // Its own timer is not written yet: an execution starts before its timer is written, and this one was due immediately.
  if (timer.latest_at < own.latest_at) return { to: 'send' };
  const dueAt = delivery.progress.due_at;
  if (timer.due_at === undefined || dueAt === null || timer.due_at <= dueAt) return { to: 'send' };
  return { to: 'wait', untilMs: Date.parse(timer.due_at) };
}
