import type { LedgerRecord } from '../contract/ledger.ts';
import type { LedgerDay, ListedWebhook } from '../contract/ledger-ports.ts';
import { isParkedTooLong, LONGEST_PARKING_MS, sightingOf, standingOf } from '../domain/balance.ts';
import { endParked } from './reconcile-parked.ts';
import { CHUNK, type ReconcileRun } from './reconcile-run.ts';
import type { Resting } from './release-parked.ts';
import { resendStuck, type StuckFound } from './resend-stuck.ts';

/** What the days of one integration say of what may be released. */
export interface Findings {
  readonly resting: Resting[];
  /** When the integration took a webhook last. */
  lastDeliveredAt: string | undefined;
}

/** So many resting webhooks of one integration are kept in memory, some 20 MB; the next runs find the others. */
const MAX_RESTING = 100_000;

/** A webhook of which only its record can say how it stands. */
interface Suspect {
  readonly webhookId: string;
  readonly acceptedAt: string;
  /** Whether its record listed it, and not its event. */
  readonly hasRecord: boolean;
}

/**
 * Enters one integration's webhooks of one day into the balance: first those whose records are listed, then the events
 * that no record accounts for. The list lags behind, so nothing bad is said of a webhook before its record was read.
 *
 * Counting the events would not do: a deleted payload and a lost webhook make up for each other, and a query that
 * counts costs as many read units as one that lists.
 *
 * @throws LedgerUnavailable
 */
export async function reconcileDay(day: LedgerDay, findings: Findings, run: ReconcileRun): Promise<void> {
  const { table, now } = run.services;
  const known = new Set<string>();
  const suspects: Suspect[] = [];
  const suspect = async (one: Suspect) => {
    if (suspects.push(one) === CHUNK) await examine(suspects.splice(0), day, findings, run);
  };
  for await (const listed of table.listRecords(day, run.span)) {
    if (!run.mayCount()) return;
    known.add(listed.webhook_id);
    notice(listed, findings);
    const seen = { state: listed.state, changedAt: listed.changed_at, dueAt: listed.due_at };
    const standing = standingOf(seen, run.boundMs, now());
    if (standing.kind !== 'stuck' && !mayBeParkedTooLong(listed, now())) run.count(standing);
    else await suspect({ webhookId: listed.webhook_id, acceptedAt: listed.accepted_at, hasRecord: true });
  }
  for await (const { webhook_id: webhookId, accepted_at: acceptedAt } of table.listEvents(day, run.span)) {
    if (!run.mayCount()) return;
    if (!known.has(webhookId)) await suspect({ webhookId, acceptedAt, hasRecord: false });
  }
  await examine(suspects, day, findings, run);
}

function notice(listed: ListedWebhook, findings: Findings): void {
  const { webhook_id: webhookId, accepted_at: acceptedAt, state } = listed;
  if (state === 'delivered') noticeDelivery(listed.changed_at, findings);
  const rests = state === 'parked' && listed.due_at === undefined;
  if (rests && findings.resting.length < MAX_RESTING) findings.resting.push({ webhookId, acceptedAt });
}

function noticeDelivery(at: string, findings: Findings): void {
  const { lastDeliveredAt } = findings;
  if (lastDeliveredAt === undefined || Date.parse(at) > Date.parse(lastDeliveredAt)) findings.lastDeliveredAt = at;
}

/** Since when it is parked, the list does not say; not longer than it is here. */
function mayBeParkedTooLong({ state, accepted_at: acceptedAt }: ListedWebhook, nowMs: number): boolean {
  return state === 'parked' && nowMs - Date.parse(acceptedAt) > LONGEST_PARKING_MS;
}

async function examine(suspects: readonly Suspect[], day: LedgerDay, findings: Findings, run: ReconcileRun) {
  if (suspects.length === 0 || !run.mayCount()) return;
  const { table, now } = run.services;
  const records = await table.records(suspects.map(({ webhookId }) => webhookId));
  const parkedTooLong: LedgerRecord[] = [];
  const stuck: StuckFound[] = [];
  for (const { webhookId, acceptedAt, hasRecord } of suspects) {
    const record = records.get(webhookId);
    // Deleted since it was listed; or listed by its record in another place, and counted there.
    if (record === undefined ? hasRecord : !hasRecord && isCountedElsewhere(record, day, run)) continue;
    if (record !== undefined && isParkedTooLong(record, now())) {
      parkedTooLong.push(record);
      run.count({ kind: 'counted', state: 'parked' });
      continue;
    }
    const seen = record === undefined ? ({ state: 'accepted', changedAt: acceptedAt } as const) : sightingOf(record);
    if (seen.state === 'delivered') noticeDelivery(seen.changedAt, findings);
    const standing = standingOf(seen, run.boundMs, now());
    if (standing.kind === 'stuck') stuck.push({ webhookId, day, record, state: seen.state, standing });
    else run.count(standing);
  }
  if (parkedTooLong.length > 0 && run.mayAct() && (await run.knowsOutcomes())) await endParked(parkedTooLong, run);
  if (stuck.length > 0) await resendStuck(stuck, run);
}

/**
 * Whether an event's record is listed under another day: the LMS published it twice, around midnight or days apart. A
 * first claim is not listed at all; its event lists it.
 */
function isCountedElsewhere(record: LedgerRecord, { day }: LedgerDay, { span }: ReconcileRun): boolean {
  const isListed = record.version > 1 || record.state !== 'delivering';
  return isListed && !record.accepted_at.startsWith(day) && record.accepted_at >= span.from;
}
