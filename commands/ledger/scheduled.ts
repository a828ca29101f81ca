import { kindNamed, kindOf } from '../../lambdas/events/event-types/event-types.ts';
import type { LedgerTable } from '../../lambdas/ledger/ports.ts';
import type { LedgerEvent, LedgerRecord } from '../../lambdas/ledger/record.ts';
import { type DueDecision, decideWhenDue, MOVED_LATER, timerOf } from '../../lambdas/ledger/timer-rules.ts';
import { deliveryOf } from '../../lambdas/ledger/transitions.ts';
import { shortTime } from '../shared/time-span.ts';

/** Whether events of its kind are scheduled, and supersede each other. */
export function isTimed(record: LedgerRecord): boolean {
  return kindNamed(kindOf(record)).timer !== undefined;
}

/** Whether it waits for its scheduled time; if it waits for another reason, the record has it. */
export function awaitsSendTime(record: LedgerRecord): boolean {
  const { state, attempt, due_at, reason } = record;
  const isWaiting = state === 'scheduled' && attempt === 0 && due_at !== undefined;
  return isWaiting && isTimed(record) && (reason === undefined || reason === MOVED_LATER);
}

/**
 * What happens to a scheduled delivery when it is due, as its user's timer stands now.
 *
 * @returns undefined where it does not wait for its scheduled time, or its event, which names the user, is deleted
 * @throws LedgerUnavailable
 */
export async function whenDueOf(
  record: LedgerRecord | undefined,
  event: LedgerEvent | undefined,
  table: Pick<LedgerTable, 'timers'>,
  nowMs: number,
): Promise<DueDecision | undefined> {
  if (record?.due_at === undefined || event === undefined || !awaitsSendTime(record)) return undefined;
  const delivery = deliveryOf(event, record, nowMs, 'resend');
  const own = timerOf(delivery, nowMs);
  if (own === undefined) return undefined;
  const timers = await table.timers([own.key]);
  const scheduled = { ...delivery, progress: { ...delivery.progress, due_at: record.due_at } };
  return decideWhenDue(scheduled, timers.get(own.key), nowMs);
}

/** @returns undefined where it is sent */
export function formatWhenDue(whenDue: DueDecision | undefined): string | undefined {
  if (whenDue?.to === 'cancel' || whenDue?.to === 'leave') return `it is not sent: ${whenDue.reason}`;
  if (whenDue?.to === 'wait')
    return `it waits on until ${shortTime(new Date(whenDue.untilMs).toISOString())}: it was moved`;
  return undefined;
}

/** For JSON: `{"to":"wait","until":"2026-01-15T13:00:00.000Z"}`. */
export function whenDueFields(whenDue: DueDecision): Readonly<Record<string, string>> {
  return whenDue.to === 'wait' ? { to: 'wait', until: new Date(whenDue.untilMs).toISOString() } : whenDue;
}
