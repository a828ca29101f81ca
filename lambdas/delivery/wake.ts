import type { Delivery } from '../contract/delivery.ts';
import type { Hold } from '../contract/ledger-ports.ts';
import type { Log } from '../contract/log.ts';
import { type Counter, METRICS } from '../contract/metrics.ts';
import type { Timer } from '../contract/timer.ts';
import { decided, waiting } from '../domain/progress.ts';
import { MOVED_LATER, onWaking, timerOf } from '../domain/timers.ts';
import type { ClaimServices } from './claim.ts';
import type { Told } from './settle.ts';

export interface WakeServices extends ClaimServices {
  readonly log: Log;
  readonly counter: Counter;
  now(): number;
}

/**
 * Asks the timer of a delivery that waited for its moment whether it is still to be sent.
 *
 * @returns what becomes of it instead; undefined where it is to be tried
 */
export async function wake({ delivery }: Hold, services: WakeServices): Promise<Told | undefined> {
  const { ledger, now } = services;
  const own = delivery.progress.timed ? timerOf(delivery, now()) : undefined;
  if (own === undefined) return undefined;
  const timer = (await ledger.timers([own.key])).get(own.key);
  const waking = onWaking(delivery, timer, now());
  if (waking.to === 'cancel') return { result: cancelled(delivery, waking.reason, services) };
  if (waking.to === 'wait') return { result: waiting(delivery, MOVED_LATER, waking.untilMs) };
  await waitNoLonger(delivery, timer, services);
  return undefined;
}

/** Takes the timer of a delivery that woke to find it dealt with already, by an operator's replay, off the list. */
export async function wakeInVain(delivery: Delivery, services: WakeServices): Promise<void> {
  const own = delivery.progress.timed ? timerOf(delivery, services.now()) : undefined;
  if (own === undefined) return;
  const timer = (await services.ledger.timers([own.key])).get(own.key);
  if (timer?.generation === delivery.generation) await waitNoLonger(delivery, timer, services);
}

async function waitNoLonger({ webhook_id }: Delivery, timer: Timer | undefined, { ledger }: WakeServices) {
  if (timer?.webhook_id !== webhook_id || timer.due_at === undefined) return;
  const { due_at, ...awake } = timer;
  await ledger.keepTimer(awake);
}

/** The end of a delivery whose place another took. */
export function cancelled(delivery: Delivery, reason: string, { log, counter }: Pick<WakeServices, 'log' | 'counter'>) {
  const { webhook_id, integration_id, progress } = delivery;
  counter.count(METRICS.timerCancelled);
  log.info('timer.cancelled', { webhook_id, integration_id, reason });
  return decided(delivery, progress.attempt, 'cancelled', reason);
}

/** Notes that a delivery waits once more: its tries have failed, and begin anew. */
export async function sleepOnceMore(
  { delivery }: Hold,
  { result }: Told,
  { ledger, now }: WakeServices,
): Promise<void> {
  const isOnceMore = result.earlier_tries !== delivery.progress.earlier_tries;
  const timer = isOnceMore && delivery.progress.timed ? timerOf(delivery, acceptedMs()) : undefined;
  if (timer !== undefined && result.due_at !== null) await ledger.keepTimer({ ...timer, due_at: result.due_at });

  function acceptedMs(): number {
    return delivery.accepted_at === undefined ? now() : Date.parse(delivery.accepted_at);
  }
}
