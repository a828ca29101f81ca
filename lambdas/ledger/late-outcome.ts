import type { Delivery } from '../events/delivery.ts';
import type { LedgerRecord } from './record.ts';
import { changedAt, decideClaim, leaseEndMs, newRecord, settled } from './transitions.ts';
import type { DeliveryFacts, UnsettledOutcome } from './unsettled-outcome.ts';

/**
 * What a late outcome changes. `write`: the record, if it is still the next version. `known`: the ledger has the
 * outcome already. `stale`: the delivery has changed since. `wait`: a function has a lease, possibly that of the
 * outcome's own claim; decide again when the lease has ended.
 */
type LateDecision =
  | { readonly to: 'write'; readonly record: LedgerRecord }
  | { readonly to: 'known' | 'stale' | 'wait' };

/** The delivery without its payload and its learner, for a message. */
export function factsOf({ payload, user_id, course_id, send_at, ...facts }: Delivery): DeliveryFacts {
  return facts;
}

/**
 * Decides what a late outcome changes. The table did not respond when the delivery ended, or wrote the outcome without
 * a response. Late outcomes arrive in any order, more than once, and after newer ones.
 *
 * - A delivered outcome always wins, unless the ledger has it as delivered and it was replayed since.
 * - Any other outcome yields to a later generation, to a later change, and to a final record. But if the record waits
 *   for the message or execution that ended with this outcome, the outcome is written.
 *
 * @param standing the current record; undefined if there is none
 * @param claimedBy the writer's name, for a record that was never claimed
 */
export function decideLate(
  standing: LedgerRecord | undefined,
  { delivery, lease, settlement, at }: UnsettledOutcome,
  claimedBy: string,
  nowMs: number,
): LateDecision {
  const atMs = Date.parse(at);
  const write = (before: LedgerRecord): LateDecision => ({
    to: 'write',
    record: settled(inGeneration(before, delivery.generation), settlement, atMs),
  });
  if (standing === undefined) return write({ ...newRecord(delivery, atMs), claimed_by: claimedBy });
  if (settlement.progress.outcome === 'delivered') {
    const isKnown = standing.state === 'delivered' || isBeforeReplay(standing, delivery, atMs);
    return isKnown ? { to: 'known' } : write(standing);
  }
  if (standing.generation > delivery.generation) return { to: 'stale' };
  if (isOver(standing, delivery, settlement)) return write(standing);
  if (lease.kind === 'claimed') {
    return isSameClaim(standing, lease.record) ? write(standing) : { to: 'stale' };
  }
  const isLater = delivery.generation > standing.generation;
  if (!isLater && hasChangedSince(standing, atMs)) return { to: 'stale' };
  if (lease.kind === 'unclaimed') {
    return isFree(standing, nowMs) ? write(standing) : { to: 'stale' };
  }
  const decision = decideClaim(standing, delivery, { ms: 0, claimedBy }, nowMs);
  if (decision.verdict !== 'claimed') return { to: decision.verdict === 'busy' ? 'wait' : 'stale' };
  // Claims and settles in one write.
  return write({ ...decision.record, times: standing.times, version: standing.version });
}

/**
 * Whether the record was delivered before, and this outcome precedes its last replay. If an event was delivered
 * twice, the operator may have replayed it with only the first delivery known.
 */
function isBeforeReplay({ times, generation }: LedgerRecord, delivery: DeliveryFacts, atMs: number): boolean {
  if (times.delivered === undefined) return false;
  if (Date.parse(times.delivered) >= atMs) return true;
  return delivery.generation < generation && times.accepted !== undefined && Date.parse(times.accepted) >= atMs;
}

/**
 * Whether the carrier that the record names has ended with this outcome: it will change the record no more. A token
 * names one generation, and no record's generation falls.
 */
function isOver(
  standing: LedgerRecord,
  delivery: DeliveryFacts,
  { progress }: UnsettledOutcome['settlement'],
): boolean {
  const { state, token } = standing;
  const isEnd = progress.outcome !== undefined && progress.outcome !== 'retry';
  const isNamed = token !== undefined && token === delivery.token;
  return isEnd && isNamed && (state === 'scheduled' || state === 'parked');
}

/**
 * Whether the record changed later, or with this outcome. A claim of the same millisecond is the one that is settled
 * here.
 */
function hasChangedSince(standing: LedgerRecord, atMs: number): boolean {
  const changedMs = Date.parse(changedAt(standing));
  const isOpen = standing.state === 'accepted' || standing.state === 'delivering';
  return changedMs > atMs || (changedMs === atMs && !isOpen);
}

/** Whether that claim is the last write. */
function isSameClaim(standing: LedgerRecord, { version, claimed_by }: LedgerRecord): boolean {
  return standing.state === 'delivering' && standing.version === version && standing.claimed_by === claimed_by;
}

/** Whether, by its record, no function has a lease and no message or execution carries the delivery. */
function isFree(standing: LedgerRecord, nowMs: number): boolean {
  return standing.state === 'accepted' || (standing.state === 'delivering' && leaseEndMs(standing) <= nowMs);
}

/** A later generation counts its attempts from 0; an earlier one changes nothing. */
function inGeneration(standing: LedgerRecord, generation: number): LedgerRecord {
  return generation > standing.generation ? { ...standing, generation, attempt: 0 } : standing;
}
