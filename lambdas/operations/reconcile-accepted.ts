import { LISTED_AGAIN_MS } from '../ledger/open-entry.ts';
import type { LedgerDay, OpenEntry, Span } from '../ledger/ports.ts';
import type { CountedState } from '../ledger/reconciliation.ts';
import { isFinal } from '../ledger/transitions.ts';
import { DAY_MS, HOUR_MS } from '../shared/durations.ts';
import type { Findings } from './reconcile-findings.ts';
import type { ReconcileRun } from './reconcile-run.ts';

/** Number of open entries that are written together. */
const WRITTEN_TOGETHER = 500;

/** A span of this length, in milliseconds, is listed at once: the schedule is not exact. */
const LISTED_AT_ONCE_MS = 1.5 * HOUR_MS;

/** If a part of a longer span has fewer entries than this, the next part is twice as long: most of a history may be empty. */
const FEW_ENTRIES = 100_000;

/** Longest part of a longer span, in milliseconds. */
const LONGEST_PART_MS = DAY_MS;

/**
 * Lists what was accepted in the run's span, oldest first, and writes an open entry for each delivery that is not closed. What
 * is closed counts in the balance.
 *
 * A day of an integration that is new in the directory is listed from its beginning: if the table did not take the first event
 * of a day, a later one adds the day.
 *
 * @param listedDays the days that were listed before, as `<day>#<integration>`; receives those that are listed now
 * @param findingsOf returns the findings about an integration
 * @param save stores that everything up to a time is listed, in epoch milliseconds
 * @returns up to which time everything is listed, in epoch milliseconds: less than the span if time ran out
 * @throws LedgerUnavailable
 */
export async function listAccepted(
  run: ReconcileRun,
  listedDays: Set<string>,
  findingsOf: (integrationId: string) => Findings,
  save: (listedUntilMs: number) => Promise<void>,
): Promise<number> {
  const firstMs = Date.parse(run.span.from);
  const lastMs = Date.parse(run.span.until);
  const days = await run.services.table.days({ ...run.span, from: iso(firstMs - DAY_MS) });
  let listedUntilMs = firstMs;
  let fromMs = firstMs - LISTED_AGAIN_MS;
  let partMs = HOUR_MS;
  while (listedUntilMs < lastMs) {
    const leftMs = lastMs - listedUntilMs;
    const untilMs = leftMs <= Math.max(partMs, LISTED_AT_ONCE_MS) ? lastMs : listedUntilMs + partMs;
    let entries = 0;
    const span = { from: iso(fromMs), until: iso(untilMs) };
    const within = days.filter(({ day, integrationId }) => {
      const isNew = !listedDays.has(`${day}#${integrationId}`);
      return day <= span.until && (isNew || day >= span.from.slice(0, day.length));
    });
    if (within.length > 0) {
      if (!run.mayList()) return listedUntilMs;
      for (const day of within) {
        const isNew = !listedDays.has(`${day.day}#${day.integrationId}`);
        const from = isNew ? `${day.day}T00:00:00.000Z` : span.from;
        const countedFrom = isNew ? from : iso(firstMs + 1);
        const listed = await listDay(day, { ...span, from }, countedFrom, findingsOf(day.integrationId), run);
        if (listed === undefined) return listedUntilMs;
        entries += listed;
      }
      for (const { day, integrationId } of within) listedDays.add(`${day}#${integrationId}`);
      await save(untilMs);
    }
    listedUntilMs = untilMs;
    fromMs = untilMs + 1;
    partMs = entries < FEW_ENTRIES ? Math.min(2 * partMs, LONGEST_PART_MS) : HOUR_MS;
  }
  return listedUntilMs;
}

/**
 * A delivery is closed if its record is listed as such. Any other is open until its record was read, because the index is
 * eventually consistent, and lists no first claim.
 *
 * @param countedFrom what was accepted before, and has closed, is counted already
 * @returns the number of entries; undefined if time ran out
 */
async function listDay(
  day: LedgerDay,
  span: Span,
  countedFrom: string,
  findings: Findings,
  run: ReconcileRun,
): Promise<number | undefined> {
  const { table } = run.services;
  const recorded = new Set<string>();
  const open: OpenEntry[] = [];
  let entries = 0;
  for await (const entry of table.listPart(day, span)) {
    if (!run.mayCount()) return undefined;
    entries += 1;
    const { webhook_id, accepted_at } = entry;
    if (entry.kind === 'record') {
      recorded.add(webhook_id);
      if (isFinal(entry)) {
        // What is listed again was counted by the run before, or is counted by its open entry.
        if (accepted_at >= countedFrom) run.count({ kind: 'counted', state: entry.state as CountedState });
        if (entry.state === 'delivered') findings.addDelivery(entry.changed_at);
        continue;
      }
    } else if (recorded.delete(webhook_id)) continue;
    open.push({ webhook_id, integration_id: day.integrationId, accepted_at, since: accepted_at });
    if (open.length === WRITTEN_TOGETHER) await table.putAllOpen(open.splice(0));
  }
  if (open.length > 0) await table.putAllOpen(open);
  return entries;
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
