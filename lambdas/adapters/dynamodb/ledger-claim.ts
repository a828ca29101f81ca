import { randomBytes } from 'node:crypto';
import type { Delivery } from '../../contract/delivery.ts';
import type { LedgerRecord } from '../../contract/ledger.ts';
import type { Claim, LedgerTable } from '../../contract/ledger-ports.ts';
import { asClaimed, decideClaim, leaseEndMs } from '../../domain/ledger.ts';

export interface ClaimOptions {
  readonly table: Pick<LedgerTable, 'record' | 'replace'>;
  /** The log stream of this function. */
  readonly claimedBy: string;
  now(): number;
}

/** So often is a record decided upon while others keep changing it. */
const MAX_ROUNDS = 4;

/**
 * Claims a webhook. Most are claimed for the first time: that is tried unread, in one conditional write.
 *
 * @throws LedgerUnavailable
 */
export async function claimWebhook(delivery: Delivery, leaseMs: number, options: ClaimOptions): Promise<Claim> {
  const { table, now } = options;
  const lease = { ms: leaseMs, claimedBy: claimName(options.claimedBy) };
  let standing = hasHistory(delivery) ? await table.record(delivery.webhook_id) : undefined;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const decision = decideClaim(standing, delivery, lease, now());
    if (decision.verdict !== 'mine') return decision;
    const { record } = decision;
    if (await table.replace(record)) return mine(delivery, record);
    standing = await table.record(delivery.webhook_id);
    if (isSameWrite(standing, record)) return mine(delivery, record);
  }
  return { verdict: 'busy', untilMs: Math.max(now(), standing === undefined ? 0 : leaseEndMs(standing)) };
}

function mine(delivery: Delivery, record: LedgerRecord): Claim {
  return { verdict: 'mine', hold: { delivery: asClaimed(delivery, record), record } };
}

/** Who claims, and which of its claims it is: an answer that was lost leaves a claim that must be known as one's own. */
export function claimName(claimedBy: string): string {
  return `${claimedBy}#${randomBytes(3).toString('hex')}`;
}

/** Whether somebody surely wrote a record of it already: it is a re-entry, or carried on by whoever had it in hand. */
export function hasHistory({ token, generation, progress: { attempt, deferrals = 0 } }: Delivery): boolean {
  return token !== undefined || generation > 0 || attempt > 0 || deferrals > 0;
}

/**
 * Whether what stands is what was to be written: the SDK repeats a write whose answer was lost, and then the table refuses
 * it for its own sake.
 */
export function isSameWrite(standing: LedgerRecord | undefined, written: LedgerRecord): boolean {
  if (standing === undefined || written.claimed_by === undefined) return false;
  const names = ['version', 'claimed_by', 'state', 'generation'] as const;
  return names.every((name) => standing[name] === written[name]);
}

/**
 * Writes a record if it is still the version before it.
 *
 * @param record named by its writer (`claimName`)
 * @returns whether it is this write that stands: one whose response was lost is repeated, and refused then
 * @throws LedgerUnavailable
 */
export async function isWritten(record: LedgerRecord, table: ClaimOptions['table']): Promise<boolean> {
  return (await table.replace(record)) || isSameWrite(await table.record(record.webhook_id), record);
}
