import { randomUUID } from 'node:crypto';
import type { Delivery } from '../../events/delivery.ts';
import { decideLate } from '../late-outcome.ts';
import { needsOpenEntry, openEntryOf } from '../open-entry.ts';
import type { Claim, LedgerTable, Settlement } from '../ports.ts';
import type { LedgerRecord } from '../record.ts';
import { asClaimed, decideClaim, settled } from '../transitions.ts';
import type { DeliveryFacts, UnsettledOutcome } from '../unsettled-outcome.ts';

type RecordTable = Pick<LedgerTable, 'record' | 'replace' | 'putOpen'>;

interface WriterOptions<Table extends RecordTable = RecordTable> {
  readonly table: Table;
  /** The log stream of this function. */
  readonly claimedBy: string;
  /** Wall clock, ms. */
  now(): number;
}

/** `lost`: another function has claimed or settled the delivery, and nothing was written. */
export type WriteResult = 'written' | 'lost';

/** Largest number of rounds of decision and conditional write while other functions change the record. */
const MAX_ROUNDS = 4;

/**
 * A delivered outcome is written unconditionally. The version leaps, so that the conditional write of a function that
 * has claimed the delivery since fails and does not overwrite it.
 */
const DELIVERED_LEAP = 1000;

/**
 * Claims a delivery. Most claims are first claims, so the first one is a conditional write without a read.
 *
 * @throws LedgerUnavailable
 */
export async function claimDelivery(
  delivery: Delivery,
  leaseMs: number,
  { table, claimedBy, now }: WriterOptions,
): Promise<Claim> {
  const lease = { ms: leaseMs, claimedBy: writerName(claimedBy) };
  const decision = await writeDecision(
    delivery.webhook_id,
    hasHistory(delivery),
    (standing) => decideClaim(standing, delivery, lease, now()),
    { table, now },
  );
  if (decision === undefined) return { verdict: 'busy', untilMs: now() };
  if (decision.verdict !== 'claimed') return decision;
  const { record } = decision;
  return { verdict: 'claimed', lease: { delivery: asClaimed(delivery, record), record } };
}

/**
 * Settles a claim with an outcome of `atMs`. A delivered outcome is allowed only before the lease has ended.
 *
 * @throws LedgerUnavailable
 */
export async function settleClaimed(
  record: LedgerRecord,
  settlement: Settlement,
  atMs: number,
  table: RecordTable & Pick<LedgerTable, 'overwrite'>,
): Promise<WriteResult> {
  const after = settled(record, settlement, atMs);
  if (after.state !== 'delivered') return (await isReplaced(record, after, atMs, table)) ? 'written' : 'lost';
  await table.overwrite({ ...after, version: after.version + DELIVERED_LEAP });
  return 'written';
}

/**
 * Settles an outcome without a claim, or one that could not be settled in time.
 *
 * @returns `busy` if a function may still have a lease: call again when the lease has ended
 * @throws LedgerUnavailable
 */
export async function settleLate(
  outcome: UnsettledOutcome,
  { table, claimedBy, now }: WriterOptions,
): Promise<WriteResult | 'busy'> {
  const { delivery, lease } = outcome;
  const name = writerName(claimedBy);
  const decision = await writeDecision(
    delivery.webhook_id,
    lease.kind !== 'unclaimed' || hasHistory(delivery),
    (standing) => decideLate(standing, outcome, name, now()),
    { table, now },
  );
  if (decision === undefined || decision.to === 'wait') return 'busy';
  return decision.to === 'stale' ? 'lost' : 'written';
}

/**
 * Replaces a record if the stored version is still the one before. A delivery that is reopened is listed as open first, so
 * that the reconciler finds it even if the writer is killed in between.
 *
 * @param before the record that is replaced
 * @param record with the writer's name (`writerName`) in `claimed_by`
 * @returns whether the record was written. If the response was lost, the SDK repeats the write, and DynamoDB refuses
 * the repetition
 * @throws LedgerUnavailable
 */
export async function isReplaced(
  before: LedgerRecord,
  record: LedgerRecord,
  nowMs: number,
  table: RecordTable,
): Promise<boolean> {
  if (needsOpenEntry(before, record, nowMs)) await table.putOpen(openEntryOf(record, nowMs));
  return (await table.replace(record)) || isSameWrite(await table.record(record.webhook_id), record);
}

/** A name for each write: after a lost response, the writer must recognize its own write. */
export function writerName(claimedBy: string): string {
  // Node takes the random bytes of a UUID from a store, a tenth of the CPU of `randomBytes`.
  return `${claimedBy}#${randomUUID().slice(0, 6)}`;
}

/**
 * Writes the decision about the current record, and decides again if another write came first.
 *
 * @param hasRecord false if the delivery most likely has no record: none is read before the first write
 * @param decide returns a decision with the `record` to write; without a record, nothing is written
 * @returns undefined if other functions changed the record in every round
 */
async function writeDecision<Decision extends object>(
  webhookId: string,
  hasRecord: boolean,
  decide: (standing: LedgerRecord | undefined) => Decision,
  { table, now }: Pick<WriterOptions, 'table' | 'now'>,
): Promise<Decision | undefined> {
  let standing = hasRecord ? await table.record(webhookId) : undefined;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const decision: Decision & { readonly record?: LedgerRecord } = decide(standing);
    const { record } = decision;
    if (record === undefined) return decision;
    const nowMs = now();
    if (needsOpenEntry(standing, record, nowMs)) await table.putOpen(openEntryOf(record, nowMs));
    if (await table.replace(record)) return decision;
    standing = await table.record(webhookId);
    if (isSameWrite(standing, record)) return decision;
  }
  return undefined;
}

/** Whether the delivery must have a record: it was resent, or a function has handled it before. */
function hasHistory({ token, generation, progress: { attempt, deferrals = 0 } }: DeliveryFacts): boolean {
  return token !== undefined || generation > 0 || attempt > 0 || deferrals > 0;
}

function isSameWrite(standing: LedgerRecord | undefined, written: LedgerRecord): boolean {
  if (standing === undefined || written.claimed_by === undefined) return false;
  const names = ['version', 'claimed_by', 'state', 'generation'] as const;
  return names.every((name) => standing[name] === written[name]);
}
