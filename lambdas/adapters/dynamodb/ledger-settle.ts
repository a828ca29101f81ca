import type { Delivery } from '../../contract/delivery.ts';
import type { LedgerRecord } from '../../contract/ledger.ts';
import type { Ending, Hold, LedgerTable } from '../../contract/ledger-ports.ts';
import { decideClaim, leaseEndMs, newRecord, settled } from '../../domain/ledger.ts';
import { type ClaimOptions, claimName, hasHistory, isSameWrite, isWritten } from './ledger-claim.ts';

export interface SettleOptions extends ClaimOptions {
  readonly table: Pick<LedgerTable, 'record' | 'replace' | 'overwrite'>;
}

/** `lost`: somebody else has it, or has dealt with it, and nothing was written. */
export type Settlement = 'written' | 'lost';

/** So often is a record decided upon while others keep changing it. */
const MAX_ROUNDS = 4;

/**
 * A delivery is written whatever stands there, and whoever took the webhook over meanwhile must not undo it: its version
 * leaps over all that they may hold.
 */
const LEAP = 1000;

/** Settles what was claimed. @throws LedgerUnavailable */
export async function settleHeld(record: LedgerRecord, ending: Ending, options: SettleOptions): Promise<Settlement> {
  const { table, now } = options;
  const after = settled(record, ending, now());
  if (after.state === 'delivered') return leapTo(after, table);
  return (await isWritten(after, table)) ? 'written' : 'lost';
}

/**
 * Settles what was sent while the table did not answer. Whoever could claim the webhook now may say what became of it, and
 * whoever delivered it always.
 *
 * @throws LedgerUnavailable
 */
export async function settleUnseen({ delivery }: Hold, ending: Ending, options: SettleOptions): Promise<Settlement> {
  const { table, now } = options;
  const lease = { ms: 0, claimedBy: claimName(options.claimedBy) };
  let standing = await table.record(delivery.webhook_id);
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const nowMs = now();
    const decision = decideClaim(standing, delivery, lease, nowMs);
    if (decision.verdict !== 'mine') {
      if (ending.progress.outcome !== 'delivered' || standing === undefined) return 'lost';
      return standing.state === 'delivered' ? 'written' : leapTo(settled(standing, ending, nowMs), table);
    }
    // Claim and settlement are one write.
    const { lease_until: _, ...claimed } = { ...decision.record, version: decision.record.version - 1 };
    const after = settled(claimed, ending, nowMs);
    if (await table.replace(after)) return 'written';
    standing = await table.record(delivery.webhook_id);
    if (isSameWrite(standing, after)) return 'written';
  }
  return 'lost';
}

async function leapTo(after: LedgerRecord, table: Pick<LedgerTable, 'overwrite'>): Promise<'written'> {
  await table.overwrite({ ...after, version: after.version + LEAP });
  return 'written';
}

/**
 * Writes down what became of a webhook that nobody claimed, unless more is known of it: somebody had it in hand since, or
 * it came again in a later generation.
 *
 * @throws LedgerUnavailable
 */
export async function noteUnclaimed(delivery: Delivery, ending: Ending, options: SettleOptions): Promise<Settlement> {
  const { table, now } = options;
  let standing = hasHistory(delivery) ? await table.record(delivery.webhook_id) : undefined;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const nowMs = now();
    const before = beforeNote(standing, delivery, nowMs);
    if (before === undefined) return 'lost';
    if (await table.replace(settled(before, ending, nowMs))) return 'written';
    standing = await table.record(delivery.webhook_id);
  }
  return 'lost';
}

/** The record that a note changes; undefined where it has to stay. */
function beforeNote(standing: LedgerRecord | undefined, delivery: Delivery, nowMs: number): LedgerRecord | undefined {
  if (standing === undefined) return newRecord(delivery, nowMs);
  const isFree = standing.state === 'accepted' || (standing.state === 'delivering' && leaseEndMs(standing) <= nowMs);
  if (!isFree || standing.generation > delivery.generation) return undefined;
  if (standing.generation === delivery.generation) return standing;
  return { ...standing, generation: delivery.generation, attempt: 0 };
}
