import type { Integration } from '../contract/integration.ts';
import type { LedgerRecord, WebhookState } from '../contract/ledger.ts';
import type { CountedState } from '../contract/reconciliation.ts';
import { wanted } from './integrations.ts';
import { changedAt, leaseEndMs } from './ledger.ts';

const DAY_MS = 24 * 3600_000;

/** Longest that a webhook stays parked without a try, in milliseconds; then it is dead. */
export const LONGEST_PARKING_MS = 72 * 3600_000;

/** A webhook as it was seen: in a list, in its record, or as an event that nobody has claimed. */
export interface Sighting {
  readonly state: WebhookState;
  /** When it entered that state. */
  readonly changedAt: string;
  readonly dueAt?: string | undefined;
  /** Until when somebody has it in hand, in epoch milliseconds. */
  readonly leaseEndMs?: number | undefined;
  /** How often it was published anew already. */
  readonly republished?: number | undefined;
}

/** A webhook as its record shows it. */
export function sightingOf(record: LedgerRecord): Sighting {
  const { state, due_at: dueAt, republished } = record;
  return { state, changedAt: changedAt(record), dueAt, leaseEndMs: leaseEndMs(record), republished };
}

/** How a webhook enters the balance. */
export type Standing =
  | { readonly kind: 'counted'; readonly state: CountedState }
  | { readonly kind: 'in_flight' }
  | { readonly kind: 'stuck'; readonly since: string; readonly why: string };

/** Whether a webhook is accounted for. @param boundMs what is in flight, or overdue, for so long is stuck */
export function standingOf(seen: Sighting, boundMs: number, nowMs: number): Standing {
  const { state, dueAt } = seen;
  const isOld = (since: string) => nowMs - Date.parse(since) >= boundAfter(seen.republished ?? 0, boundMs);
  if (state === 'accepted' || state === 'delivering') {
    if ((seen.leaseEndMs ?? 0) > nowMs || !isOld(seen.changedAt)) return { kind: 'in_flight' };
    const why = state === 'accepted' ? 'nobody has claimed it' : 'whoever claimed it did not come back';
    return { kind: 'stuck', since: seen.changedAt, why };
  }
  // Parked without a moment at which it is due, it rests in the ledger, and nobody has to come.
  const since = state === 'scheduled' ? (dueAt ?? seen.changedAt) : state === 'parked' ? dueAt : undefined;
  if (since === undefined || !isOld(since)) return { kind: 'counted', state };
  return { kind: 'stuck', since, why: 'overdue: whoever carries it did not come' };
}

/** Publishing anew what waits in a long queue only makes it longer: the bound doubles each time, up to a day. */
function boundAfter(republished: number, boundMs: number): number {
  return Math.min(boundMs * 2 ** Math.min(republished, 30), Math.max(boundMs, DAY_MS));
}

/** How many webhooks stand how. */
export interface Tally {
  readonly states: Record<CountedState, number>;
  inFlight: number;
  unbalanced: number;
}

export function emptyTally(): Tally {
  const states = { delivered: 0, scheduled: 0, parked: 0, dead: 0, unwanted: 0, cancelled: 0 };
  return { states, inFlight: 0, unbalanced: 0 };
}

/** Adds one webhook. */
export function count(tally: Tally, standing: Standing): void {
  if (standing.kind === 'counted') tally.states[standing.state] += 1;
  else if (standing.kind === 'in_flight') tally.inFlight += 1;
  else tally.unbalanced += 1;
}

/** Every webhook that was counted. */
export function acceptedOf({ states, inFlight, unbalanced }: Tally): number {
  return Object.values(states).reduce((sum, number) => sum + number, inFlight + unbalanced);
}

/** Whether a parked webhook has had its time, asleep or at rest. */
export function isParkedTooLong(record: LedgerRecord, nowMs: number): boolean {
  return record.state === 'parked' && nowMs - Date.parse(parkedSince(record)) > LONGEST_PARKING_MS;
}

/** Whether it rests in the ledger, so that nobody but the reconciler sends it on. */
export function restsHere({ state, token }: LedgerRecord): boolean {
  return state === 'parked' && token === undefined;
}

/**
 * Whether a webhook that rests may go to its integration, which takes something at the moment. `as_probe`: nobody knows
 * whether the partner is well again, and one webhook may find out.
 *
 * @param lastDeliveredAt when the integration took a webhook last, as far as this run saw
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

/** A try after the resumption has found out more than the operator knew. */
function isResumed(record: LedgerRecord, { resumed_at: resumedAt }: Integration): boolean {
  if (resumedAt === undefined) return false;
  const triedMs = Date.parse(record.attempts.at(-1)?.at ?? record.accepted_at);
  return Date.parse(resumedAt) > Math.max(Date.parse(parkedSince(record)), triedMs);
}

function parkedSince(record: LedgerRecord): string {
  return record.parked_since ?? changedAt(record);
}

/** Longest delay of a message, in minutes (SQS, `DelaySeconds`): so much of its rate an integration is sent at once. */
const RELEASE_MINUTES = 15;

/** Where an integration has no limit of its own: 6,000 in 15 minutes. */
const USUAL_RELEASES_PER_MINUTE = 400;

/** How many may be released in one run, and how long the message of each waits in the queue, in whole seconds. */
export function releasePlan({ max_requests_per_minute: perMinute = USUAL_RELEASES_PER_MINUTE }: Integration) {
  return {
    atMost: perMinute * RELEASE_MINUTES,
    delaySeconds: (position: number) => Math.floor((position * 60) / perMinute),
  };
}
