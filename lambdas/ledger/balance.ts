import type { Integration } from '../partners/integration.ts';
import { routeTo } from '../partners/integration-registry.ts';
import { DAY_MS, HOUR_MS } from '../shared/durations.ts';
import type { CountedState } from './reconciliation.ts';
import type { DeliveryState, LedgerRecord } from './record.ts';
import { changedAt, leaseEndMs } from './transitions.ts';

/** Longest time that a delivery stays parked without an attempt, in milliseconds; then it is dead. */
export const LONGEST_PARKING_MS = 72 * HOUR_MS;

/** The state of a delivery, from a list, its record, or an event that was never claimed. */
export interface Sighting {
  readonly state: DeliveryState;
  /** When the delivery entered that state. */
  readonly changedAt: string;
  readonly dueAt?: string | undefined;
  /** When its lease ends, in epoch milliseconds. */
  readonly leaseEndMs?: number | undefined;
  /** Number of times that the reconciler has resent it. */
  readonly resent?: number | undefined;
}

export function sightingOf(record: LedgerRecord): Sighting {
  const { state, due_at: dueAt, resent } = record;
  return { state, changedAt: changedAt(record), dueAt, leaseEndMs: leaseEndMs(record), resent };
}

/** How a delivery counts in the balance. */
export type Standing =
  | { readonly kind: 'counted'; readonly state: CountedState }
  | { readonly kind: 'in_flight' }
  | { readonly kind: 'stuck'; readonly since: string; readonly why: string };

/**
 * Whether a delivery is accounted for. @param boundMs a delivery that is in flight, or overdue, for this long is stuck
 */
export function standingOf(seen: Sighting, boundMs: number, nowMs: number): Standing {
  const { state, dueAt } = seen;
  const isOld = (since: string) => nowMs - Date.parse(since) >= boundAfter(seen.resent ?? 0, boundMs);
  if (state === 'accepted' || state === 'delivering') {
    if ((seen.leaseEndMs ?? 0) > nowMs || !isOld(seen.changedAt)) return { kind: 'in_flight' };
    const why = state === 'accepted' ? 'it was never claimed' : 'the function that claimed it did not finish';
    return { kind: 'stuck', since: seen.changedAt, why };
  }
  // A parked delivery without a due time waits in the ledger for the reconciler, and is never overdue.
  const since = state === 'scheduled' ? (dueAt ?? seen.changedAt) : state === 'parked' ? dueAt : undefined;
  if (since === undefined || !isOld(since)) return { kind: 'counted', state };
  return { kind: 'stuck', since, why: 'overdue: what carries it did not run' };
}

/**
 * Doubles the bound with each resend, up to a day: resending what waits in a long queue only makes the queue longer.
 */
function boundAfter(resent: number, boundMs: number): number {
  return Math.min(boundMs * 2 ** Math.min(resent, 30), Math.max(boundMs, DAY_MS));
}

/** Whether a delivery has been parked for longer than `LONGEST_PARKING_MS`, in a workflow or in the ledger. */
export function isParkedTooLong(record: LedgerRecord, nowMs: number): boolean {
  return record.state === 'parked' && nowMs - Date.parse(parkedSince(record)) > LONGEST_PARKING_MS;
}

/** Whether the delivery is parked in the ledger only, so that only the reconciler resends it. */
export function isParkedInLedger({ state, token }: LedgerRecord): boolean {
  return state === 'parked' && token === undefined;
}

/**
 * Whether a delivery that is parked in the ledger may be released to its integration, which is not paused. `as_probe`:
 * the state of the partner's endpoint is not known, so that a single delivery may test it.
 *
 * @param lastDeliveredAt the latest successful delivery to the integration that this run has found
 */
export function mayRelease(
  record: LedgerRecord,
  integration: Integration,
  lastDeliveredAt: string | undefined,
): 'yes' | 'as_probe' | 'no' {
  if (routeTo(integration, record.event_type).to === 'none') return 'no';
  if (record.parked_for === 'paused' || isResumed(record, integration)) return 'yes';
  if (record.parked_for === 'gone') return 'no';
  const isHealthy = lastDeliveredAt !== undefined && Date.parse(lastDeliveredAt) > Date.parse(changedAt(record));
  return isHealthy ? 'yes' : 'as_probe';
}

/** An attempt after the resumption is newer evidence than the operator had. */
function isResumed(record: LedgerRecord, { resumed_at: resumedAt }: Integration): boolean {
  if (resumedAt === undefined) return false;
  const attemptedMs = Date.parse(record.attempts.at(-1)?.at ?? record.accepted_at);
  return Date.parse(resumedAt) > Math.max(Date.parse(parkedSince(record)), attemptedMs);
}

function parkedSince(record: LedgerRecord): string {
  return record.parked_since ?? changedAt(record);
}

/**
 * Longest SQS delay of a message, in minutes: one run releases as many deliveries as the rate limit allows in that
 * time.
 */
const RELEASE_MINUTES = 15;

/** For an integration without a rate limit: 6,000 in 15 minutes. */
const USUAL_RELEASES_PER_MINUTE = 400;

/** Largest number of deliveries that one run releases, and the delay of each one's message, in whole seconds. */
export function releasePlan({ max_requests_per_minute: perMinute = USUAL_RELEASES_PER_MINUTE }: Integration) {
  return {
    atMost: perMinute * RELEASE_MINUTES,
    delaySeconds: (position: number) => Math.floor((position * 60) / perMinute),
  };
}
