import { faultsOf } from '../contract/faults.ts';
import type { LedgerDay, Span } from '../contract/ledger-ports.ts';
import { METRICS } from '../contract/metrics.ts';
import {
  ReconcileInputInvalid,
  type ReconcileReport,
  type ReconcileRequest,
  reconcileInputSchema,
} from '../contract/reconciliation.ts';
import { measureTimers } from './measure-timers.ts';
import { type Findings, reconcileDay } from './reconcile-day.ts';
import { ReconcileRun, type ReconcileServices } from './reconcile-run.ts';
import { releaseParked } from './release-parked.ts';

const HOUR_MS = 3600_000;
const DAY_MS = 24 * HOUR_MS;

/**
 * Proves that nothing is missing: every webhook that was accepted has its end, is carried by somebody, or is in flight
 * for less than a bound. What is stuck is named and sent anew, what is parked is released or ended.
 *
 * @param remainingMs how long this invocation may still run
 * @throws ReconcileInputInvalid
 * @throws LedgerUnavailable where the table does not answer; what was changed before stands
 */
export async function reconcileLedger(
  input: unknown,
  services: ReconcileServices,
  remainingMs: () => number,
): Promise<ReconcileReport> {
  const request = readRequest(input);
  const startedMs = services.now();
  const run = new ReconcileRun(request, spanOf(request, startedMs), services, remainingMs);
  await measureTimers(services, request.dry_run);
  await run.knowsOutcomes();
  const days = await services.table.days(run.span);
  const wanted = ({ integrationId }: LedgerDay) => integrationId === (request.integration_id ?? integrationId);
  const integrations = [...Map.groupBy(days.filter(wanted), ({ integrationId }) => integrationId)];
  for (const [integrationId, itsDays] of fromAnother(integrations, startedMs)) {
    if (!run.mayCount()) break;
    await reconcileIntegration(integrationId, itsDays, run);
  }
  const report = run.report(integrations.length);
  services.counter.count(METRICS.ledgerUnbalanced, report.unbalanced);
  const { stuck, ...numbers } = report;
  services.log.info('ledger.reconciled', { ...numbers, named: stuck.length, took_ms: services.now() - startedMs });
  return report;
}

function readRequest(input: unknown): ReconcileRequest {
  const read = reconcileInputSchema.safeParse(input);
  if (read.success) return read.data;
  throw new ReconcileInputInvalid(`the input does not fit: ${faultsOf(read.error, 'input')}`);
}

/** Whole UTC days; the last one as far as it has come. */
function spanOf({ days }: ReconcileRequest, nowMs: number): Span {
  const firstMs = (Math.floor(nowMs / DAY_MS) - (days - 1)) * DAY_MS;
  return { from: new Date(firstMs).toISOString(), until: new Date(nowMs).toISOString() };
}

/** Begins with another one each hour, so that runs which are too short do not always leave out the same. */
function fromAnother<T>(all: readonly T[], nowMs: number): readonly T[] {
  const first = all.length === 0 ? 0 : Math.floor(nowMs / HOUR_MS) % all.length;
  return [...all.slice(first), ...all.slice(0, first)];
}

async function reconcileIntegration(integrationId: string, days: readonly LedgerDay[], run: ReconcileRun) {
  const findings: Findings = { resting: [], lastDeliveredAt: undefined };
  for (const day of days) {
    if (!run.mayCount()) return;
    await reconcileDay(day, findings, run);
  }
  await releaseParked(integrationId, findings.resting, findings.lastDeliveredAt, run);
}
