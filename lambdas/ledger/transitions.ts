import type { Delivery, DeliverySubject, Outcome, ParkedFor, Progress } from '../events/delivery.ts';
import { isFurther } from '../events/identity.ts';
import { decisionOf, pendingEnrichment } from '../events/progress.ts';
import { truncate } from '../shared/text.ts';
import type { Settlement } from './ports.ts';
import {
  type Attempt,
  type DeliveryState,
  type LedgerEvent,
  type LedgerRecord,
  MAX_ATTEMPT_ERROR_CHARACTERS,
  MAX_LEDGER_REASON_CHARACTERS,
  MIN_LEASE_SECONDS,
  RECORDED_ATTEMPTS,
} from './record.ts';
import type { DeliveryFacts } from './unsettled-outcome.ts';

/** The decision about a claim; `record` is written if it is still the next version. */
export type ClaimDecision =
  | { readonly verdict: 'claimed'; readonly record: LedgerRecord }
  | { readonly verdict: 'busy'; readonly untilMs: number }
  | { readonly verdict: 'done'; readonly state: DeliveryState; readonly deadRecord?: LedgerRecord };

/** States that only a replay ends; a redriven dead-letter message ends `dead` too. */
const ENDED_UNTIL_REPLAY: ReadonlySet<DeliveryState> = new Set(['delivered', 'filtered', 'cancelled']);

/**
 * States in which a delivery has ended, or a message or an execution carries it: a copy of its event is acknowledged.
 */
const NEEDS_NO_COPY: ReadonlySet<DeliveryState> = new Set([...ENDED_UNTIL_REPLAY, 'dead', 'scheduled', 'parked']);

/** Whether only an operator's replay, or a redriven dead-letter message, continues the delivery. */
export function isFinal({ state }: Pick<LedgerRecord, 'state'>): boolean {
  return ENDED_UNTIL_REPLAY.has(state) || state === 'dead';
}

/** Whether this is the first write of a delivery's record, which the index does not list. */
export function isFirstClaim({ version, state }: LedgerRecord): boolean {
  return version === 1 && state === 'delivering';
}

/** Whether a copy of this delivery's event, published or redelivered, can be acknowledged. */
export function needsNoCopy(record: LedgerRecord | undefined): boolean {
  return record !== undefined && NEEDS_NO_COPY.has(record.state);
}

/**
 * Decides whether a function may send. Any function may claim a delivery that has no lease, or whose lease has ended. A
 * scheduled or parked delivery may be claimed by the message or execution that carries it (its token, or a later one),
 * or by a later generation. A dead delivery may be claimed by a later generation only.
 *
 * @param record the current record; undefined if the delivery was never claimed
 */
export function decideClaim(
  record: LedgerRecord | undefined,
  delivery: DeliveryFacts,
  lease: { readonly ms: number; readonly claimedBy: string },
  nowMs: number,
): ClaimDecision {
  if (record !== undefined) {
    const untilMs = leaseEndMs(record);
    if (untilMs > nowMs) return { verdict: 'busy', untilMs };
    if (!mayClaim(record, delivery)) {
      const hasDeadRecord = record.state === 'dead' && isCarriedBy(record, delivery);
      return { verdict: 'done', state: record.state, ...(hasDeadRecord && { deadRecord: record }) };
    }
  }
  const before = record ?? newRecord(delivery, nowMs);
  const generation = Math.max(before.generation, delivery.generation);
  return {
    verdict: 'claimed',
    record: {
      ...without(before, ['token', 'due_at', 'config_version']),
      ...entered(before, 'delivering', nowMs),
      generation,
      ...decisionOf(delivery.progress),
      attempt: generation === before.generation ? Math.max(before.attempt, delivery.progress.attempt) : 0,
      lease_until: iso(nowMs + lease.ms),
      claimed_by: lease.claimedBy,
      version: before.version + 1,
    },
  };
}

/** The delivery after its claim: it takes the generation and the attempt count of its record. */
export function asClaimed(delivery: Delivery, { generation, attempt }: LedgerRecord): Delivery {
  return { ...delivery, generation, progress: { ...delivery.progress, attempt } };
}

/** What a lease covers in addition to the attempt: reading the secret, waiting for a reserved slot, and settling. */
const LEASE_MARGIN_MS = 20_000;

/**
 * Duration of a lease, in ms. No request outlives its lease, so that two functions never send a delivery at the same
 * time.
 */
export function leaseMs(attemptTimeoutMs: number): number {
  return Math.max(MIN_LEASE_SECONDS * 1000, attemptTimeoutMs + LEASE_MARGIN_MS);
}

/** Whether the record names the delivery's own message or execution as its carrier. */
function isCarriedBy(record: LedgerRecord, { token }: DeliveryFacts): boolean {
  return token !== undefined && token === record.token;
}

function mayClaim(record: LedgerRecord, delivery: DeliveryFacts): boolean {
  const isLater = delivery.generation > record.generation;
  switch (record.state) {
    case 'accepted':
    case 'delivering':
      return true;
    case 'scheduled':
    case 'parked':
      return isLater || isCarriedBy(record, delivery) || isBehind(record, delivery);
    case 'dead':
      return isLater;
    default:
      return false;
  }
}

/** Whether the record names an earlier carrier than this one: the outcomes in between were not written to the table. */
function isBehind({ token: named }: LedgerRecord, { token }: DeliveryFacts): boolean {
  return token !== undefined && named !== undefined && isFurther(token, named);
}

/** When the lease ends, in epoch milliseconds; 0 without a lease. */
export function leaseEndMs({ state, lease_until }: LedgerRecord): number {
  return state === 'delivering' && lease_until !== undefined ? Date.parse(lease_until) : 0;
}

/** The initial record of a delivery, version 0, which is never written itself. */
export function newRecord(subject: Omit<DeliveryFacts, 'progress' | 'token'>, nowMs: number): LedgerRecord {
  const accepted_at = subject.accepted_at ?? iso(nowMs);
  const { webhook_id, integration_id, event_id, event_type, occurred_at, generation } = subject;
  const { kind, enterprise_customer_uuid } = subject;
  return {
    ...{ webhook_id, integration_id, event_id, event_type, occurred_at, accepted_at },
    ...(kind !== undefined && { kind }),
    ...(enterprise_customer_uuid !== undefined && { enterprise_customer_uuid }),
    state: 'accepted',
    generation,
    times: { accepted: accepted_at },
    attempt: 0,
    attempts: [],
    version: 0,
  };
}

const STATE_OF: Readonly<Record<Exclude<Outcome, 'retry' | 'duplicate'>, DeliveryState>> = {
  delivered: 'delivered',
  dead: 'dead',
  filtered: 'filtered',
  parked: 'parked',
  cancelled: 'cancelled',
};

/** The record after an outcome. @throws Error for an outcome that is not recorded (`duplicate`) */
export function settled(before: LedgerRecord, settlement: Settlement, nowMs: number): LedgerRecord {
  const { progress, token, attempt } = settlement;
  const state = stateAfter(progress);
  const isParked = state === 'parked';
  const isWaiting = isParked || state === 'scheduled';
  const parkedSince = before.parked_since ?? iso(nowMs);
  return {
    ...without(before, ['lease_until', 'token', 'due_at', 'reason', 'parked_for', 'parked_since', 'config_version']),
    ...entered(before, state, nowMs),
    ...decisionOf(progress),
    attempt: Math.max(before.attempt, progress.attempt),
    attempts:
      attempt === undefined ? before.attempts : [...before.attempts, shortened(attempt)].slice(-RECORDED_ATTEMPTS),
    ...(progress.reason !== undefined && { reason: truncate(progress.reason, MAX_LEDGER_REASON_CHARACTERS) }),
    ...((isWaiting || state === 'dead') && token !== undefined && { token }),
    ...(isWaiting && token !== undefined && progress.due_at !== null && { due_at: progress.due_at }),
    ...(isParked && { parked_since: parkedSince, parked_for: progress.parked_for ?? ('paused' as ParkedFor) }),
    version: before.version + 1,
  };
}

function stateAfter({ outcome, park_count }: Progress): DeliveryState {
  if (outcome === undefined || outcome === 'retry') return (park_count ?? 0) > 0 ? 'parked' : 'scheduled';
  if (outcome === 'duplicate') throw new Error('a duplicate is not recorded');
  return STATE_OF[outcome];
}

function shortened(attempt: Attempt): Attempt {
  if (attempt.error === undefined) return attempt;
  return { ...attempt, error: truncate(attempt.error, MAX_ATTEMPT_ERROR_CHARACTERS) };
}

/** Why a delivery is resent: an operator replays it, the reconciler releases it, or the reconciler found it stuck. */
export type Cause = 'replay' | 'release' | 'resend';

/**
 * The record of a delivery that is resent, in the next generation. A release does not reset `parked_since`: only an
 * attempt, or an operator's replay, does.
 *
 * @returns undefined while a function has a lease
 */
export function reopened(before: LedgerRecord, cause: Cause, nowMs: number): LedgerRecord | undefined {
  if (leaseEndMs(before) > nowMs) return undefined;
  const dropped = ['lease_until', 'token', 'due_at', 'reason', 'parked_for'] as const;
  const rest = cause === 'replay' ? without(before, [...dropped, 'parked_since']) : without(before, dropped);
  return {
    ...rest,
    ...entered(before, 'accepted', nowMs),
    generation: before.generation + 1,
    attempt: 0,
    ...(cause === 'resend' && { resent: (before.resent ?? 0) + 1 }),
    version: before.version + 1,
  };
}

/** The record of a delivery that an operator, or the reconciler, ends without an attempt. */
export function ended(
  before: LedgerRecord,
  outcome: 'delivered' | 'cancelled' | 'dead',
  reason: string,
  nowMs: number,
): LedgerRecord {
  const { enrichment = pendingEnrichment(nowMs), config_version, attempt } = before;
  const progress = { ...decisionOf({ enrichment, config_version }), attempt, due_at: null, outcome, reason };
  return settled(before, { progress }, nowMs);
}

/**
 * The message of a delivery that is resent: like a new one, but with the learning time that is already known. A replay
 * is sent immediately. Any other scheduled delivery stays scheduled, and a later event may supersede it.
 */
export function deliveryOf(event: LedgerEvent, record: LedgerRecord, nowMs: number, cause: Cause): Delivery {
  const { send_at } = event;
  return {
    schema_version: 1,
    ...event,
    generation: record.generation,
    progress: {
      ...decisionOf({ ...record, enrichment: record.enrichment ?? pendingEnrichment(nowMs) }),
      attempt: 0,
      due_at: null,
      ...(send_at !== undefined && cause !== 'replay' && ({ timed: true, due_at: send_at } as const)),
    },
  };
}

/** The event as the ledger stores it, without the progress of its delivery. */
export function eventOf(subject: DeliverySubject | Delivery, nowMs: number): LedgerEvent {
  const { schema_version, generation, progress, token, ...event } = subject as Delivery;
  return { ...event, accepted_at: subject.accepted_at ?? iso(nowMs) };
}

/** When the record entered its state. */
export function changedAt({ state, times, accepted_at }: LedgerRecord): string {
  return times[state] ?? accepted_at;
}

function entered(before: LedgerRecord, state: DeliveryState, nowMs: number): Pick<LedgerRecord, 'state' | 'times'> {
  return { state, times: { ...before.times, [state]: iso(nowMs) } };
}

function without<K extends keyof LedgerRecord>(record: LedgerRecord, names: readonly K[]): Omit<LedgerRecord, K> {
  const copy: Partial<LedgerRecord> = { ...record };
  for (const name of names) delete copy[name];
  return copy as Omit<LedgerRecord, K>;
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
