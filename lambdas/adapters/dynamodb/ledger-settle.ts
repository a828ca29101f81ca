import type { Delivery } from '../../contract/delivery.ts';
import type { LedgerRecord } from '../../contract/ledger.ts';
import type { Ending, LedgerTable } from '../../contract/ledger-ports.ts';
import type { UnsettledOutcome } from '../../contract/unsettled-outcome.ts';
import { decideLate, inGeneration, isFree } from '../../domain/late-outcome.ts';
import { newRecord, settled } from '../../domain/ledger.ts';
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

/** Settles what is claimed, with an outcome of `atMs`: as delivered only under its lease. @throws LedgerUnavailable */
export async function settleHeld(
  record: LedgerRecord,
  ending: Ending,
  atMs: number,
  { table }: Pick<SettleOptions, 'table'>,
): Promise<Settlement> {
  const after = settled(record, ending, atMs);
  if (after.state === 'delivered') {
    await table.overwrite({ ...after, version: after.version + LEAP });
    return 'written';
  }
  return (await isWritten(after, table)) ? 'written' : 'lost';
}

/**
 * Settles what could not be settled in its time, or was sent while the table did not respond.
 *
 * @returns `busy` where a function may still hold it: ask again when its lease has ended
 * @throws LedgerUnavailable
 */
export async function settleLate(outcome: UnsettledOutcome, options: SettleOptions): Promise<Settlement | 'busy'> {
  const { table, now } = options;
  const { webhook_id } = outcome.delivery;
  const claimedBy = claimName(options.claimedBy);
  let standing = await table.record(webhook_id);
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const decision = decideLate(standing, outcome, claimedBy, now());
    if (decision.to === 'wait') return 'busy';
    if (decision.to !== 'write') return decision.to === 'known' ? 'written' : 'lost';
    if (await table.replace(decision.record)) return 'written';
    standing = await table.record(webhook_id);
    if (isSameWrite(standing, decision.record)) return 'written';
  }
  return 'busy';
}

/**
 * Writes down what became of a webhook that nobody claimed, unless more is known of it: somebody had it in hand since, or
 * it came again in a later generation.
 *
 * @throws LedgerUnavailable
 */
export async function noteUnclaimed(
  delivery: Delivery,
  ending: Ending,
  atMs: number,
  { table, now }: Pick<SettleOptions, 'table' | 'now'>,
): Promise<Settlement> {
  let standing = hasHistory(delivery) ? await table.record(delivery.webhook_id) : undefined;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const before = beforeNote(standing, delivery, now());
    if (before === undefined) return 'lost';
    if (await table.replace(settled(before, ending, atMs))) return 'written';
    standing = await table.record(delivery.webhook_id);
  }
  return 'lost';
}

/** The record that a note changes; undefined where it has to stay. */
function beforeNote(standing: LedgerRecord | undefined, delivery: Delivery, nowMs: number): LedgerRecord | undefined {
  if (standing === undefined) return newRecord(delivery, nowMs);
  if (!isFree(standing, nowMs) || standing.generation > delivery.generation) return undefined;
  return inGeneration(standing, delivery.generation);
}
