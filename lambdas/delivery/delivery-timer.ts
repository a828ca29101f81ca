import type { Delivery, Progress } from '../events/delivery.ts';
import { waiting, withOutcome } from '../events/progress.ts';
import type { Ledger } from '../ledger/ports.ts';
import type { Timer } from '../ledger/timer.ts';
import { type DueDecision, decideWhenDue, firedTimer, MOVED_LATER, timerOf } from '../ledger/timer-rules.ts';
import type { Log } from '../shared/log.ts';
import { type Counter, METRICS } from '../shared/metric-definitions.ts';
import type { DeliveryOutcome } from './settle.ts';

export interface DeliveryTimerServices {
  readonly ledger: Ledger;
  readonly log: Log;
  readonly counter: Counter;
  /** Wall clock, ms. */
  now(): number;
}

/** The timer of a due delivery, and the decision that follows from it. */
export interface TimerState {
  readonly decision: DueDecision;
  /** The user's timer, set by any event; undefined if there is none, or the delivery is not scheduled. */
  readonly timer?: Timer | undefined;
}

/** Reads the timer of a scheduled delivery, which decides whether it is still sent. Other deliveries always are. */
export async function readTimer(delivery: Delivery, { ledger, now }: DeliveryTimerServices): Promise<TimerState> {
  const own = delivery.progress.timed ? timerOf(delivery, now()) : undefined;
  if (own === undefined) return { decision: { to: 'send' } };
  const timer = (await ledger.timers([own.key]))?.get(own.key);
  return { decision: decideWhenDue(delivery, timer, now()), timer };
}

/**
 * Carries out the timer's decision for a claimed delivery.
 *
 * @returns the outcome without an attempt; undefined if the delivery is to be attempted now
 */
export async function followTimer(
  delivery: Delivery,
  state: TimerState,
  services: DeliveryTimerServices,
): Promise<DeliveryOutcome | undefined> {
  const { decision } = state;
  if (decision.to === 'cancel') return { result: cancelled(delivery, decision.reason, services) };
  if (decision.to === 'wait') return { result: waiting(delivery, MOVED_LATER, decision.untilMs) };
  await unschedule(delivery, state, services);
  return undefined;
}

/** Removes the delivery's own timer from the list of waiting ones. */
export async function unschedule(
  delivery: Delivery,
  { timer }: TimerState,
  { ledger }: Pick<DeliveryTimerServices, 'ledger'>,
): Promise<void> {
  if (timer?.due_at === undefined || timer.webhook_id !== delivery.webhook_id) return;
  await ledger.putTimer(firedTimer(timer));
}

/** Logs and counts a superseded delivery. @returns its final progress */
export function cancelled(
  delivery: Delivery,
  reason: string,
  { log, counter }: Pick<DeliveryTimerServices, 'log' | 'counter'>,
): Progress {
  const { webhook_id, integration_id, progress } = delivery;
  counter.count(METRICS.timerCancelled);
  log.info('timer.cancelled', { webhook_id, integration_id, reason });
  return withOutcome(delivery, progress.attempt, 'cancelled', reason);
}

/** Puts a delivery's timer back on the list if its first round of attempts failed and a second one follows. */
export async function reschedule(
  delivery: Delivery,
  { result }: DeliveryOutcome,
  state: TimerState,
  { ledger, now }: DeliveryTimerServices,
): Promise<void> {
  if (result.earlier_attempts === delivery.progress.earlier_attempts || !delivery.progress.timed) return;
  const acceptedMs = delivery.accepted_at === undefined ? now() : Date.parse(delivery.accepted_at);
  const timer = timerOf(delivery, acceptedMs);
  if (timer === undefined || result.due_at === null) return;
  // After a move, the stored timer is of a later publication than the execution's input.
  const latest_at = state.timer?.webhook_id === timer.webhook_id ? state.timer.latest_at : timer.latest_at;
  await ledger.putTimer({ ...timer, latest_at, due_at: result.due_at });
}
