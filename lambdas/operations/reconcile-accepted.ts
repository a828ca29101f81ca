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
 * @param findingsOf returns the findings about an integration
 * @param save stores that everything up to a time is listed, in epoch milliseconds
 * @returns up to which time everything is listed, in epoch milliseconds: less than the span if time ran out
 * @throws LedgerUnavailable
 */
export async function listAccepted(
  run: ReconcileRun,
  findingsOf: (integrationId: string) => Findings,
  save: (listedUntilMs: number) => Promise<void>,
): Promise<number> {
  const firstMs = Date.parse(run.span.from);
  const lastMs = Date.parse(run.span.until);
  const days = await run.services.table.days({ ...run.span, from: iso(firstMs - LISTED_AGAIN_MS) });
  let listedUntilMs = firstMs;
  let fromMs = firstMs - LISTED_AGAIN_MS;
  let partMs = HOUR_MS;
  while (listedUntilMs < lastMs) {
    const leftMs = lastMs - listedUntilMs;
    const untilMs = leftMs <= Math.max(partMs, LISTED_AT_ONCE_MS) ? lastMs : listedUntilMs + partMs;
    let entries = 0;
    const span = { from: iso(fromMs), until: iso(untilMs) };
    const within = days.filter(({ day }) => day >= span.from.slice(0, day.length) && day <= span.until);
    if (within.length > 0) {
      if (!run.mayList()) return listedUntilMs;
      for (const day of within) {
        const listed = await listDay(day, span, findingsOf(day.integrationId), run);
        if (listed === undefined) return listedUntilMs;
        entries += listed;
      }
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
 * @returns the number of entries; undefined if time ran out
 */
async function listDay(day: LedgerDay, span: Span, findings: Findings, run: ReconcileRun): Promise<number | undefined> {
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
        if (accepted_at > run.span.from) run.count({ kind: 'counted', state: entry.state as CountedState });
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
