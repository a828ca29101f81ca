import type { Delivery, Progress } from '../events/delivery.ts';
import { decided, waiting } from '../events/progress.ts';
import type { Ledger } from '../ledger/ports.ts';
import type { Timer } from '../ledger/timer.ts';
import { type DueDecision, decideWhenDue, firedTimer, MOVED_LATER, timerOf } from '../ledger/timers.ts';
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

/** What the timer of a delivery says at its scheduled time. */
export interface TimerState {
  readonly decision: DueDecision;
  /** Its user's, whichever event set it; undefined where there is none, or the delivery has no scheduled time. */
  readonly timer?: Timer | undefined;
}

/** Reads the timer of a scheduled delivery: it says whether the delivery is still to be sent. Any other delivery is. */
export async function readTimer(delivery: Delivery, { ledger, now }: DeliveryTimerServices): Promise<TimerState> {
  const own = delivery.progress.timed ? timerOf(delivery, now()) : undefined;
  if (own === undefined) return { decision: { to: 'send' } };
  const timer = (await ledger.timers([own.key]))?.get(own.key);
  return { decision: decideWhenDue(delivery, timer, now()), timer };
}

/**
 * Does for a claimed delivery what its timer says.
 *
 * @returns its outcome without an attempt; undefined where it is to be attempted, and no longer scheduled
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

/** Takes the delivery's own timer off the list of those that wait. */
export async function unschedule(
  delivery: Delivery,
  { timer }: TimerState,
  { ledger }: Pick<DeliveryTimerServices, 'ledger'>,
): Promise<void> {
  if (timer?.due_at === undefined || timer.webhook_id !== delivery.webhook_id) return;
  await ledger.putTimer(firedTimer(timer));
}

/** The end of a delivery that was superseded. */
export function cancelled(
  delivery: Delivery,
  reason: string,
  { log, counter }: Pick<DeliveryTimerServices, 'log' | 'counter'>,
): Progress {
  const { webhook_id, integration_id, progress } = delivery;
  counter.count(METRICS.timerCancelled);
  log.info('timer.cancelled', { webhook_id, integration_id, reason });
  return decided(delivery, progress.attempt, 'cancelled', reason);
}

/** Puts the timer of a delivery on the list again where its attempts have failed, and begin again later. */
export async function reschedule(
  delivery: Delivery,
  { result }: DeliveryOutcome,
  state: TimerState,
  { ledger, now }: DeliveryTimerServices,
): Promise<void> {
  if (result.earlier_tries === delivery.progress.earlier_tries || !delivery.progress.timed) return;
  const acceptedMs = delivery.accepted_at === undefined ? now() : Date.parse(delivery.accepted_at);
  const timer = timerOf(delivery, acceptedMs);
  if (timer === undefined || result.due_at === null) return;
  // Where it was moved, its timer is of a later publication than the one that its execution was given.
  const latest_at = state.timer?.webhook_id === timer.webhook_id ? state.timer.latest_at : timer.latest_at;
  await ledger.putTimer({ ...timer, latest_at, due_at: result.due_at });
}
