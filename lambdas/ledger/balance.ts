import type { Integration } from '../partners/integration.ts';
import { wanted } from '../partners/integration-registry.ts';
import { DAY_MS, HOUR_MS } from '../shared/durations.ts';
import type { CountedState } from './reconciliation.ts';
import type { LedgerRecord, WebhookState } from './record.ts';
import { changedAt, leaseEndMs } from './transitions.ts';

/** Longest that a delivery stays parked without an attempt, in milliseconds; then it is dead. */
export const LONGEST_PARKING_MS = 72 * HOUR_MS;

/** A delivery as a list, its record, or an event without a claim shows it. */
export interface Sighting {
  readonly state: WebhookState;
  /** When it entered that state. */
  readonly changedAt: string;
  readonly dueAt?: string | undefined;
  /** The end of the lease on it, in epoch milliseconds. */
  readonly leaseEndMs?: number | undefined;
  /** How often the reconciler has resent it. */
  readonly republished?: number | undefined;
}

/** A delivery as its record shows it. */
export function sightingOf(record: LedgerRecord): Sighting {
  const { state, due_at: dueAt, republished } = record;
  return { state, changedAt: changedAt(record), dueAt, leaseEndMs: leaseEndMs(record), republished };
}

/** How a delivery enters the balance. */
export type Standing =
  | { readonly kind: 'counted'; readonly state: CountedState }
  | { readonly kind: 'in_flight' }
  | { readonly kind: 'stuck'; readonly since: string; readonly why: string };

/** Whether a delivery is accounted for. @param boundMs a delivery that is in flight, or overdue, for so long is stuck */
export function standingOf(seen: Sighting, boundMs: number, nowMs: number): Standing {
  const { state, dueAt } = seen;
  const isOld = (since: string) => nowMs - Date.parse(since) >= boundAfter(seen.republished ?? 0, boundMs);
  if (state === 'accepted' || state === 'delivering') {
    if ((seen.leaseEndMs ?? 0) > nowMs || !isOld(seen.changedAt)) return { kind: 'in_flight' };
    const why = state === 'accepted' ? 'it was never claimed' : 'the function that claimed it did not finish';
    return { kind: 'stuck', since: seen.changedAt, why };
  }
  // Parked without a due time, it waits in the ledger for the reconciler, and is not overdue.
  const since = state === 'scheduled' ? (dueAt ?? seen.changedAt) : state === 'parked' ? dueAt : undefined;
  if (since === undefined || !isOld(since)) return { kind: 'counted', state };
  return { kind: 'stuck', since, why: 'overdue: what carries it did not run' };
}

/** Resending what waits in a long queue only makes the queue longer: the bound doubles each time, up to a day. */
function boundAfter(republished: number, boundMs: number): number {
  return Math.min(boundMs * 2 ** Math.min(republished, 30), Math.max(boundMs, DAY_MS));
}

/** Whether a delivery has been parked for longer than `LONGEST_PARKING_MS`, in a workflow or in the ledger. */
export function isParkedTooLong(record: LedgerRecord, nowMs: number): boolean {
  return record.state === 'parked' && nowMs - Date.parse(parkedSince(record)) > LONGEST_PARKING_MS;
}

/** Whether it is parked in the ledger alone, so that only the reconciler sends it on. */
export function isParkedInLedger({ state, token }: LedgerRecord): boolean {
  return state === 'parked' && token === undefined;
}

/**
 * Whether a delivery that is parked in the ledger may be released to its integration, which is not paused. `as_probe`: it is
 * not known whether the partner is well again, and one delivery may find out.
 *
 * @param lastDeliveredAt the last time that a delivery to the integration succeeded, as far as this run saw
 */
export function mayRelease(
  record: LedgerRecord,
  integration: Integration,
  lastDeliveredAt: string | undefined,
): 'yes' | 'as_probe' | 'no' {
  if (wanted(integration, record.event_type).to === 'nobody') return 'no';
  if (record.parked_for === 'paused' || isResumed(record, integration)) return 'yes';
  if (record.parked_for === 'gone') return 'no';
  const isWell = lastDeliveredAt !== undefined && Date.parse(lastDeliveredAt) > Date.parse(changedAt(record));
  return isWell ? 'yes' : 'as_probe';
}

/** An attempt after the resumption is later evidence than the operator had. */
function isResumed(record: LedgerRecord, { resumed_at: resumedAt }: Integration): boolean {
  if (resumedAt === undefined) return false;
  const triedMs = Date.parse(record.attempts.at(-1)?.at ?? record.accepted_at);
  return Date.parse(resumedAt) > Math.max(Date.parse(parkedSince(record)), triedMs);
}

function parkedSince(record: LedgerRecord): string {
  return record.parked_since ?? changedAt(record);
}

/** Longest delay of a message, in minutes (SQS, `DelaySeconds`): one run releases as many as the rate limit allows in it. */
const RELEASE_MINUTES = 15;

/** For an integration without a limit of its own: 6,000 in 15 minutes. */
const USUAL_RELEASES_PER_MINUTE = 400;

/** The most deliveries that one run releases, and the delay of the message of each, in whole seconds. */
export function releasePlan({ max_requests_per_minute: perMinute = USUAL_RELEASES_PER_MINUTE }: Integration) {
  return {
    atMost: perMinute * RELEASE_MINUTES,
    delaySeconds: (position: number) => Math.floor((position * 60) / perMinute),
  };
}
