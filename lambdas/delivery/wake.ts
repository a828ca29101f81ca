import type { Delivery, Progress } from '../contract/delivery.ts';
import type { Hold } from '../contract/ledger-ports.ts';
import type { Log } from '../contract/log.ts';
import { type Counter, METRICS } from '../contract/metrics.ts';
import type { Timer } from '../contract/timer.ts';
import { decided, waiting } from '../domain/progress.ts';
import { awake, MOVED_LATER, onWaking, timerOf, type Waking } from '../domain/timers.ts';
import type { ClaimServices } from './claim.ts';
import type { Told } from './settle.ts';

export interface WakeServices extends ClaimServices {
  readonly log: Log;
  readonly counter: Counter;
  now(): number;
}

/** What the timer of a delivery says. */
export interface Woken {
  readonly waking: Waking;
  /** Its user's, whichever event set it; undefined where there is none, or nothing waits for a moment. */
  readonly timer?: Timer | undefined;
}

/** Asks the timer of a delivery that waited for its moment whether it is still to be sent. Any other is. */
export async function wake(delivery: Delivery, { ledger, now }: WakeServices): Promise<Woken> {
  const own = delivery.progress.timed ? timerOf(delivery, now()) : undefined;
  if (own === undefined) return { waking: { to: 'send' } };
  const timer = (await ledger.timers([own.key]))?.get(own.key);
  return { waking: onWaking(delivery, timer, now()), timer };
}

/** @returns what becomes of a claimed delivery instead of a try; undefined where it is to be tried, and waits no longer */
export async function obey({ delivery }: Hold, woken: Woken, services: WakeServices): Promise<Told | undefined> {
  const { waking } = woken;
  if (waking.to === 'cancel') return { result: cancelled(delivery, waking.reason, services) };
  if (waking.to === 'wait') return { result: waiting(delivery, MOVED_LATER, waking.untilMs) };
  await waitNoLonger(delivery, woken, services);
  return undefined;
}

/** Takes the timer of a delivery off the list of those that wait. */
export async function waitNoLonger(delivery: Delivery, { timer }: Woken, { ledger }: ClaimServices): Promise<void> {
  if (timer?.due_at === undefined || timer.webhook_id !== delivery.webhook_id) return;
  await ledger.keepTimer(awake(timer));
}

/** The end of a delivery whose place another took. */
export function cancelled(
  delivery: Delivery,
  reason: string,
  { log, counter }: Pick<WakeServices, 'log' | 'counter'>,
): Progress {
  const { webhook_id, integration_id, progress } = delivery;
  counter.count(METRICS.timerCancelled);
  log.info('timer.cancelled', { webhook_id, integration_id, reason });
  return decided(delivery, progress.attempt, 'cancelled', reason);
}

/** Notes that a delivery waits once more: its tries have failed, and begin anew. */
export async function sleepOnceMore(
  { delivery }: Hold,
  { result }: Told,
  woken: Woken,
  { ledger, now }: WakeServices,
): Promise<void> {
  if (result.earlier_tries === delivery.progress.earlier_tries || !delivery.progress.timed) return;
  const timer = timerOf(delivery, acceptedMs());
  if (timer === undefined || result.due_at === null) return;
  // Where it was moved, its timer is of a later publication than the one that its execution was given.
  const latest_at = woken.timer?.webhook_id === timer.webhook_id ? woken.timer.latest_at : timer.latest_at;
  await ledger.keepTimer({ ...timer, latest_at, due_at: result.due_at });

  function acceptedMs(): number {
    return delivery.accepted_at === undefined ? now() : Date.parse(delivery.accepted_at);
  }
}
