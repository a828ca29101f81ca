import { isParkedTooLong, LONGEST_PARKING_MS, sightingOf, standingOf } from '../ledger/balance.ts';
import type { LedgerDay, ListedDelivery } from '../ledger/ports.ts';
import type { LedgerRecord } from '../ledger/record.ts';
import { isFirstClaim } from '../ledger/transitions.ts';
import { readRecords } from './read-records.ts';
import { Findings } from './reconcile-findings.ts';
import { endParked, releaseParked } from './reconcile-parked.ts';
import { CHUNK, type ReconcileRun, rotated } from './reconcile-run.ts';
import { findStates } from './reconcile-states.ts';
import { resendStuck, type StuckFound } from './resend-deliveries.ts';

/** A delivery whose record must be read, because the list is not conclusive. */
interface Suspect {
  readonly webhookId: string;
  readonly acceptedAt: string;
  /** Whether it was listed by its record, and not by its event. */
  readonly hasRecord: boolean;
}

/**
 * Lists everything that was accepted in the run's span.
 *
 * @returns the number of integrations with an accepted event
 * @throws LedgerUnavailable
 */
export async function reconcileDays(run: ReconcileRun): Promise<number> {
  const { request, services } = run;
  const days = await services.table.days(run.span);
  const wanted = ({ integrationId }: LedgerDay) => integrationId === (request.integration_id ?? integrationId);
  const integrations = [...Map.groupBy(days.filter(wanted), ({ integrationId }) => integrationId)];
  const evidence = new Map<string, Findings>();
  for (const [integrationId, itsDays] of rotated(integrations, run.startedMs)) {
    if (!run.mayCount()) break;
    const findings = await reconcileIntegration(integrationId, itsDays, run);
    // Its latest delivery may be in a day that was not listed.
    if (run.mayCount()) evidence.set(integrationId, findings);
  }
  await findStates(evidence, run.mayCount(), run);
  return integrations.length;
}

async function reconcileIntegration(
  integrationId: string,
  days: readonly LedgerDay[],
  run: ReconcileRun,
): Promise<Findings> {
  const findings = new Findings(integrationId);
  for (const day of days) {
    if (!run.mayCount()) return findings;
    await reconcileDay(day, findings, run);
  }
  await releaseParked(integrationId, findings.parked, findings.lastDeliveredAt, run);
  return findings;
}

/**
 * Counts one integration's deliveries of one day in the balance: those whose records are listed, and the events without
 * a listed record. The index is eventually consistent, so a delivery counts as stuck only after its record was read.
 *
 * It lists the events because a mere count would hide a lost delivery behind a deleted payload, and a counting query
 * costs as many read units as one that lists.
 */
async function reconcileDay(day: LedgerDay, findings: Findings, run: ReconcileRun): Promise<void> {
  const { table, now } = run.services;
  const known = new Set<string>();
  const suspects: Suspect[] = [];
  const suspect = async (one: Suspect) => {
    if (suspects.push(one) === CHUNK) await examine(suspects.splice(0), day, findings, run);
  };
  for await (const listed of table.listDay(day, run.span)) {
    if (!run.mayCount()) return;
    if (listed.kind === 'event') {
      const { webhook_id: webhookId, accepted_at: acceptedAt } = listed;
      if (!known.has(webhookId)) await suspect({ webhookId, acceptedAt, hasRecord: false });
      continue;
    }
    known.add(listed.webhook_id);
    addToFindings(listed, findings);
    const seen = { state: listed.state, changedAt: listed.changed_at, dueAt: listed.due_at };
    const standing = standingOf(seen, run.boundMs, now());
    if (standing.kind !== 'stuck' && !mayBeParkedTooLong(listed, now())) run.count(standing);
    else await suspect({ webhookId: listed.webhook_id, acceptedAt: listed.accepted_at, hasRecord: true });
  }
  await examine(suspects, day, findings, run);
}

function addToFindings(listed: ListedDelivery, findings: Findings): void {
  const { webhook_id: webhookId, accepted_at: acceptedAt, changed_at: changedAt, state, due_at, reason } = listed;
  if (state === 'delivered') findings.addDelivery(changedAt);
  if (state === 'parked' && due_at === undefined) findings.addParked({ webhookId, acceptedAt }, changedAt, reason);
}

/** An upper bound: the list has no `parked_since`, but the delivery was accepted before. */
function mayBeParkedTooLong({ state, accepted_at: acceptedAt }: ListedDelivery, nowMs: number): boolean {
  return state === 'parked' && nowMs - Date.parse(acceptedAt) > LONGEST_PARKING_MS;
}

async function examine(suspects: readonly Suspect[], day: LedgerDay, findings: Findings, run: ReconcileRun) {
  if (suspects.length === 0 || !run.mayCount()) return;
  const { now } = run.services;
  const records = await readRecords(
    suspects.map(({ webhookId }) => webhookId),
    run,
  );
  const parkedTooLong: LedgerRecord[] = [];
  const stuck: StuckFound[] = [];
  for (const { webhookId, acceptedAt, hasRecord } of suspects) {
    const record = records.get(webhookId);
    if (record === 'unreadable') {
      run.countUnreadable();
      continue;
    }
    // Deleted since it was listed; or its record is listed under another day, and counted there.
    if (record === undefined ? hasRecord : !hasRecord && isCountedElsewhere(record, day, run)) continue;
    if (record !== undefined && isParkedTooLong(record, now())) {
      parkedTooLong.push(record);
      run.count({ kind: 'counted', state: 'parked' });
      continue;
    }
    const seen = record === undefined ? ({ state: 'accepted', changedAt: acceptedAt } as const) : sightingOf(record);
    if (seen.state === 'delivered') findings.addDelivery(seen.changedAt);
    const standing = standingOf(seen, run.boundMs, now());
    if (standing.kind === 'stuck')
      stuck.push({ webhookId, integrationId: day.integrationId, record, state: seen.state, standing });
    else run.count(standing);
  }
  if (parkedTooLong.length > 0 && run.mayAct() && (await run.areOutcomesSettled())) await endParked(parkedTooLong, run);
  if (stuck.length > 0) await resendStuck(stuck, run);
}

/**
 * Whether an event's record is listed under another day, because the LMS published the event twice, around midnight or
 * days apart. A first claim is not listed: its event lists it.
 */
function isCountedElsewhere(record: LedgerRecord, { day }: LedgerDay, { span }: ReconcileRun): boolean {
  return !isFirstClaim(record) && !record.accepted_at.startsWith(day) && record.accepted_at >= span.from;
}
