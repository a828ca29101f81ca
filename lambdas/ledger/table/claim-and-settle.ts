import { randomBytes } from 'node:crypto';
import type { Delivery } from '../../events/delivery.ts';
import { decideLate } from '../late-outcome.ts';
import type { Claim, LedgerTable, Settlement } from '../ports.ts';
import type { LedgerRecord } from '../record.ts';
import { asClaimed, decideClaim, settled } from '../transitions.ts';
import type { DeliveryFacts, UnsettledOutcome } from '../unsettled-outcome.ts';

type RecordTable = Pick<LedgerTable, 'record' | 'replace'>;

export interface WriterOptions<Table extends RecordTable = RecordTable> {
  readonly table: Table;
  /** The log stream of this function. */
  readonly claimedBy: string;
  /** Wall clock, ms. */
  now(): number;
}

/** `lost`: another function has the webhook, or has dealt with it, and nothing was written. */
export type WriteResult = 'written' | 'lost';

/** Rounds of decision and write while others keep changing the record. */
const MAX_ROUNDS = 4;

/**
 * A delivered outcome is written whatever stands there, and a function that took the webhook over meanwhile must not undo
 * it: the version rises beyond every version that such a function may expect.
 */
const DELIVERED_LEAP = 1000;

/**
 * Claims a webhook. Most are claimed for the first time: that is tried without a read, in one conditional write.
 *
 * @throws LedgerUnavailable
 */
export async function claimWebhook(
  delivery: Delivery,
  leaseMs: number,
  { table, claimedBy, now }: WriterOptions,
): Promise<Claim> {
  const lease = { ms: leaseMs, claimedBy: writerName(claimedBy) };
  const decision = await writeDecision(
    delivery.webhook_id,
    hasHistory(delivery),
    (standing) => decideClaim(standing, delivery, lease, now()),
    table,
  );
  if (decision === undefined) return { verdict: 'busy', untilMs: now() };
  if (decision.verdict !== 'claimed') return decision;
  const { record } = decision;
  return { verdict: 'claimed', lease: { delivery: asClaimed(delivery, record), record } };
}

/**
 * Settles a claim with an outcome of `atMs`. Delivered: only for a claim whose lease has not ended.
 *
 * @throws LedgerUnavailable
 */
export async function settleClaimed(
  record: LedgerRecord,
  settlement: Settlement,
  atMs: number,
  table: Pick<LedgerTable, 'record' | 'replace' | 'overwrite'>,
): Promise<WriteResult> {
  const after = settled(record, settlement, atMs);
  if (after.state !== 'delivered') return (await isReplaced(after, table)) ? 'written' : 'lost';
  await table.overwrite({ ...after, version: after.version + DELIVERED_LEAP });
  return 'written';
}

/**
 * Settles an outcome of a delivery without a claim, or one that could not be settled in its time.
 *
 * @returns `busy` where a function may still hold the webhook: ask again when its lease has ended
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
    table,
  );
  if (decision === undefined || decision.to === 'wait') return 'busy';
  return decision.to === 'stale' ? 'lost' : 'written';
}

/**
 * Writes a record on the condition that it still is the version before it.
 *
 * @param record named by its writer (`writerName`)
 * @returns whether this write stands. One whose response was lost is repeated by the SDK, and refused then
 * @throws LedgerUnavailable
 */
export async function isReplaced(record: LedgerRecord, table: RecordTable): Promise<boolean> {
  return (await table.replace(record)) || isSameWrite(await table.record(record.webhook_id), record);
}

/** The writer, and which of its writes it is: a write whose response is lost must be known as its own. */
export function writerName(claimedBy: string): string {
  return `${claimedBy}#${randomBytes(3).toString('hex')}`;
}

/**
 * Writes what is decided about a record as it stands, and decides again where another write came first.
 *
 * @param hasRecord false: the webhook has no record yet, most likely, and none is read before the first write
 * @param decide a decision with the `record` to write; without one nothing is written
 * @returns undefined where others kept changing the record
 */
async function writeDecision<Decision extends object>(
  webhookId: string,
  hasRecord: boolean,
  decide: (standing: LedgerRecord | undefined) => Decision,
  table: RecordTable,
): Promise<Decision | undefined> {
  let standing = hasRecord ? await table.record(webhookId) : undefined;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const decision: Decision & { readonly record?: LedgerRecord } = decide(standing);
    const { record } = decision;
    if (record === undefined || (await table.replace(record))) return decision;
    standing = await table.record(webhookId);
    if (isSameWrite(standing, record)) return decision;
  }
  return undefined;
}

/** Whether there surely is a record: the delivery was resent, or a function handed it on. */
function hasHistory({ token, generation, progress: { attempt, deferrals = 0 } }: DeliveryFacts): boolean {
  return token !== undefined || generation > 0 || attempt > 0 || deferrals > 0;
}

function isSameWrite(standing: LedgerRecord | undefined, written: LedgerRecord): boolean {
  if (standing === undefined || written.claimed_by === undefined) return false;
  const names = ['version', 'claimed_by', 'state', 'generation'] as const;
  return names.every((name) => standing[name] === written[name]);
}
