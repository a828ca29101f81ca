import { isParkedInLedger, isParkedTooLong, sightingOf, standingOf } from '../ledger/balance.ts';
import { LISTED_AFTER_MS, LISTED_AGAIN_MS, REMOVED_AFTER_MS } from '../ledger/open-entry.ts';
import type { OpenEntry, Span } from '../ledger/ports.ts';
import type { CountedState } from '../ledger/reconciliation.ts';
import { LEDGER_TABLE, type LedgerRecord } from '../ledger/record.ts';
import type { ReconcileProgress } from '../ledger/table/reconcile-progress.ts';
import { changedAt, isFinal } from '../ledger/transitions.ts';
import { chunksOf } from '../shared/chunks.ts';
import { DAY_MS } from '../shared/durations.ts';
import { METRICS } from '../shared/metric-definitions.ts';
import { readRecords } from './read-records.ts';
import { listAccepted } from './reconcile-accepted.ts';
import { Findings } from './reconcile-findings.ts';
import { endParked, releaseParked } from './reconcile-parked.ts';
import { CHUNK, type ReconcileRun, type ReconcileServices, rotated } from './reconcile-run.ts';
import { findStates } from './reconcile-states.ts';
import { resendStuck, type StuckFound } from './resend-deliveries.ts';

/** How long an integration's last delivery is stored, in milliseconds: longer than a delivery stays parked. */
const DELIVERED_STORED_MS = 4 * DAY_MS;

/** Largest number of closed entries that one run deletes, about 20 MB in memory; later runs delete the others. */
const MAX_REMOVED = 100_000;

/** Progress so far, and the span that an incremental run lists next. */
export interface NextProgress extends ReconcileProgress {
  readonly span: Span;
}

/**
 * Reads the progress of the incremental runs. The first run starts with the oldest events that are stored. So does a run whose
 * progress is of the future: the clock of an earlier run was ahead, and it listed what was accepted since too early. A difference
 * of up to the time that each run lists again may be between the clocks of two runs at the same time.
 *
 * @throws LedgerUnavailable
 */
export async function nextProgress({ progress, payloadDays, now }: ReconcileServices): Promise<NextProgress> {
  const nowMs = now();
  const untilMs = nowMs - LISTED_AFTER_MS;
  const read = await progress.read();
  const isUsable = read !== undefined && read.listedUntilMs <= untilMs + LISTED_AGAIN_MS;
  const before: ReconcileProgress = isUsable
    ? read
    : { listedUntilMs: untilMs - (payloadDays + 1) * DAY_MS, listedDays: [], reviewedAtMs: nowMs, lastDelivered: {} };
  const { listedUntilMs } = before;
  return { ...before, span: { from: iso(listedUntilMs), until: iso(Math.max(listedUntilMs, untilMs)) } };
}

/**
 * Lists what was accepted since the last run, then reads the record of every open delivery, and deletes the entries of those
 * that have closed.
 *
 * @returns the number of integrations with new or open deliveries
 * @throws LedgerUnavailable
 */
export async function reconcileOpen(before: NextProgress, run: ReconcileRun): Promise<number> {
  const { services, startedMs } = run;
  const findings = new Map<string, Findings>();
  const findingsOf = (integrationId: string) => {
    const known = findings.get(integrationId) ?? new Findings(integrationId);
    findings.set(integrationId, known);
    return known;
  };
  const listedDays = new Set(before.listedDays);
  const save = (done: Pick<ReconcileProgress, 'listedUntilMs' | 'reviewedAtMs'>) =>
    services.progress.write({
      ...done,
      listedDays: [...listedDays].filter(
        (day) => day >= iso(done.listedUntilMs - DAY_MS).slice(0, 'YYYY-MM-DD'.length),
      ),
      lastDelivered: lastDelivered(before, findings, startedMs),
    });

  const { reviewedAtMs } = before;
  const listedUntilMs = await listAccepted(run, listedDays, findingsOf, (listed) =>
    save({ listedUntilMs: listed, reviewedAtMs }),
  );
  const closed: OpenEntry[] = [];
  const isReviewed = await reviewAll(findingsOf, closed, run);
  const progress = { listedUntilMs, reviewedAtMs: isReviewed ? startedMs : reviewedAtMs };
  // Before the entries are deleted: without them, the next run does not know these deliveries.
  await save(progress);
  for (const some of chunksOf(closed, CHUNK)) if (run.mayCount()) await services.table.removeOpen(some);
  const behindMs = startedMs - Math.min(progress.listedUntilMs, progress.reviewedAtMs);
  services.counter.measure(METRICS.ledgerBehind, Math.max(0, behindMs) / 1000);

  const integrations = findings.size;
  for (const [id, atMs] of Object.entries(before.lastDelivered)) findingsOf(id).addDelivery(iso(atMs));
  for (const [id, { parked, lastDeliveredAt }] of rotated([...findings], startedMs)) {
    await releaseParked(id, parked, lastDeliveredAt, run);
  }
  const isWhole = isReviewed && listedUntilMs === Date.parse(run.span.until);
  await findStates(isWhole ? findings : new Map(), isWhole, run);
  return integrations;
}

function lastDelivered(
  before: ReconcileProgress,
  findings: ReadonlyMap<string, Findings>,
  nowMs: number,
): Record<string, number> {
  const found = [...findings].map(([id, { lastDeliveredAt }]) => [id, Date.parse(lastDeliveredAt ?? '')] as const);
  const times = Map.groupBy([...Object.entries(before.lastDelivered), ...found], ([id]) => id);
  const latest = [...times].map(([id, all]) => {
    return [id, Math.max(...all.map(([, ms]) => ms).filter(Number.isFinite))] as const;
  });
  return Object.fromEntries(latest.filter(([, ms]) => ms > nowMs - DELIVERED_STORED_MS));
}

/** @param closed receives entries to delete @returns false if time ran out */
async function reviewAll(
  findingsOf: (integrationId: string) => Findings,
  closed: OpenEntry[],
  run: ReconcileRun,
): Promise<boolean> {
  for (const partition of rotated(LEDGER_TABLE.openPartitions, run.startedMs)) {
    if (!run.mayCount()) return false;
    // A delivery has several entries if it was reopened. All are in one partition.
    const seen = new Set<string>();
    for await (const page of run.services.table.openEntries(partition)) {
      for (const entries of chunksOf(page, CHUNK)) {
        if (!run.mayCount()) return false;
        for (const entry of await review(entries, seen, findingsOf, run)) {
          if (closed.length < MAX_REMOVED) closed.push(entry);
        }
      }
    }
  }
  return true;
}

/**
 * Counts open deliveries in the balance, and acts on those that are stuck or parked for too long.
 *
 * @param seen the ids of deliveries that are counted already
 * @returns entries to delete
 */
async function review(
  entries: readonly OpenEntry[],
  seen: Set<string>,
  findingsOf: (integrationId: string) => Findings,
  run: ReconcileRun,
): Promise<readonly OpenEntry[]> {
  const { table, now } = run.services;
  const records = await readRecords(
    entries.map(({ webhook_id }) => webhook_id),
    run,
  );
  const closed: OpenEntry[] = [];
  const parkedTooLong: LedgerRecord[] = [];
  const stuck: StuckFound[] = [];
  for (const entry of entries) {
    const { webhook_id: webhookId, integration_id: integrationId } = entry;
    const record = records.get(webhookId);
    const isCounted = seen.has(webhookId);
    seen.add(webhookId);
    if (record === 'unreadable') {
      if (!isCounted) run.countUnreadable();
      continue;
    }
    if (record !== undefined && isFinal(record)) {
      const isRemoved = now() - Date.parse(entry.since) >= REMOVED_AFTER_MS;
      if (isRemoved) closed.push(entry);
      if (isRemoved && !isCounted) run.count({ kind: 'counted', state: record.state as CountedState });
      if (record.state === 'delivered') findingsOf(integrationId).addDelivery(changedAt(record));
      continue;
    }
    if (isCounted) continue;
    const findings = findingsOf(integrationId);
    if (record !== undefined && isParkedTooLong(record, now())) {
      parkedTooLong.push(record);
      run.count({ kind: 'counted', state: 'parked' });
      continue;
    }
    if (record !== undefined && isParkedInLedger(record)) {
      findings.addParked({ webhookId, acceptedAt: record.accepted_at }, changedAt(record), record.reason);
    }
    const seenAs =
      record === undefined ? ({ state: 'accepted', changedAt: entry.accepted_at } as const) : sightingOf(record);
    const standing = standingOf(seenAs, run.boundMs, now());
    if (standing.kind !== 'stuck') run.count(standing);
    // Never claimed: an operator has deleted its event, or it has expired.
    else if (record === undefined && (await table.event(webhookId)) === undefined) closed.push(entry);
    else stuck.push({ webhookId, integrationId, record, state: seenAs.state, standing });
  }
  if (parkedTooLong.length > 0 && run.mayAct() && (await run.areOutcomesSettled())) await endParked(parkedTooLong, run);
  if (stuck.length > 0) await resendStuck(stuck, run);
  return closed;
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
