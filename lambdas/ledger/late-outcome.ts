import type { Delivery } from '../events/delivery.ts';
import type { LedgerRecord } from './record.ts';
import { changedAt, decideClaim, leaseEndMs, newRecord, settled } from './transitions.ts';
import type { DeliveryFacts, UnsettledOutcome } from './unsettled-outcome.ts';

/**
 * What a late outcome changes. `write`: the record, if it is still the next version. `known`: the ledger has it already.
 * `stale`: more has happened to the delivery since. `wait`: a function may hold it still, or this is the trace of the
 * outcome's own claim; ask again when that lease has ended.
 */
export type LateDecision =
  | { readonly to: 'write'; readonly record: LedgerRecord }
  | { readonly to: 'known' | 'stale' | 'wait' };

/** As facts for a message; an event's payload and learner stay where they are. */
export function factsOf({ payload, user_id, course_id, send_at, ...facts }: Delivery): DeliveryFacts {
  return facts;
}

/**
 * Decides what an outcome changes that comes after its time: the table did not respond when the delivery had it, and
 * outcomes come in any order, more than once, and after later ones. The table may also have taken it without a response.
 *
 * - A delivered outcome always wins, whatever has happened since; only a replay of what is known as delivered is later.
 * - Any other outcome gives way to a later generation, to a later change, and to a record that is final. But where the
 *   record waits for a message or an execution that has ended with this very outcome, it ends too.
 *
 * @param standing the record as it is now; undefined where there is none
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
  // Claim and settlement are one write.
  return write({ ...decision.record, times: standing.times, version: standing.version });
}

/**
 * Whether the record knows of a delivery, and this one came before the last replay of it. A delivery that was sent twice may
 * have been replayed by an operator who knew of the first one only.
 */
function isBeforeReplay({ times, generation }: LedgerRecord, delivery: DeliveryFacts, atMs: number): boolean {
  if (times.delivered === undefined) return false;
  if (Date.parse(times.delivered) >= atMs) return true;
  return delivery.generation < generation && times.accepted !== undefined && Date.parse(times.accepted) >= atMs;
}

/** Whether the carrier that the record names has ended with this outcome: nothing comes of it any more, whenever it was named. */
function isOver(
  standing: LedgerRecord,
  delivery: DeliveryFacts,
  { progress }: UnsettledOutcome['settlement'],
): boolean {
  const { state, token, generation } = standing;
  const isEnd = progress.outcome !== undefined && progress.outcome !== 'retry';
  const isNamed = token !== undefined && token === delivery.token && generation === delivery.generation;
  return isEnd && isNamed && (state === 'scheduled' || state === 'parked');
}

/** Whether it entered its state later, or with this very outcome; a claim of the same millisecond is the one that it settles. */
function hasChangedSince(standing: LedgerRecord, atMs: number): boolean {
  const changedMs = Date.parse(changedAt(standing));
  const isOpen = standing.state === 'accepted' || standing.state === 'delivering';
  return changedMs > atMs || (changedMs === atMs && !isOpen);
}

/** Whether that claim stands, and nothing was written since. */
function isSameClaim(standing: LedgerRecord, { version, claimed_by }: LedgerRecord): boolean {
  return standing.state === 'delivering' && standing.version === version && standing.claimed_by === claimed_by;
}

/** Whether, by its record, no function holds its lease and nothing carries it on. */
export function isFree(standing: LedgerRecord, nowMs: number): boolean {
  return standing.state === 'accepted' || (standing.state === 'delivering' && leaseEndMs(standing) <= nowMs);
}

/** A later generation begins to count its attempts at 0; an earlier one changes neither. */
export function inGeneration(standing: LedgerRecord, generation: number): LedgerRecord {
  return generation > standing.generation ? { ...standing, generation, attempt: 0 } : standing;
}
