import type { LedgerTable, Span } from '../ledger/ports.ts';
import { type ReconcileReport, type ReconcileRequest, reconcileInputSchema } from '../ledger/reconciliation.ts';
import { OVERDUE_AFTER_MS } from '../ledger/timer.ts';
import { firedTimer } from '../ledger/timer-rules.ts';
import { isFinal } from '../ledger/transitions.ts';
import { DAY_MS } from '../shared/durations.ts';
import { errorFields, InputInvalid } from '../shared/errors.ts';
import { faultsOf } from '../shared/faults.ts';
import { METRICS } from '../shared/metric-definitions.ts';
import { reconcileDays } from './reconcile-days.ts';
import { nextProgress, reconcileOpen } from './reconcile-open.ts';
import { ReconcileRun, type ReconcileServices } from './reconcile-run.ts';
import { repeatLostStates } from './reconcile-states.ts';

/**
 * Verifies that no delivery is lost: each accepted delivery has ended, is carried by a message or an execution, or has
 * been in flight for less than a bound. Stuck deliveries are reported and resent, parked ones are released or ended.
 *
 * @param remainingMs time until this invocation's timeout
 * @throws InputInvalid
 * @throws LedgerUnavailable if the table does not respond; changes made before remain
 */
export async function reconcileLedger(
  input: unknown,
  services: ReconcileServices,
  remainingMs: () => number,
): Promise<ReconcileReport> {
  const request = readRequest(input);
  const startedMs = services.now();
  const progress = request.incremental ? await nextProgress(services) : undefined;
  const span = progress === undefined ? spanOf(request, startedMs) : progress.span;
  const run = new ReconcileRun(request, span, services, remainingMs);
  await repeatLostStates(run);
  await measureTimers(services, request.dry_run);
  await run.areOutcomesSettled();
  const integrations = await (progress === undefined ? reconcileDays(run) : reconcileOpen(progress, run));
  const report = run.report(integrations);
  services.counter.count(METRICS.ledgerUnbalanced, report.unbalanced);
  const { stuck, ...numbers } = report;
  const took_ms = services.now() - startedMs;
  services.log.info('ledger.reconciled', {
    ...numbers,
    incremental: request.incremental,
    named: stuck.length,
    took_ms,
  });
  return report;
}

function readRequest(input: unknown): ReconcileRequest {
  const read = reconcileInputSchema.safeParse(input);
  if (read.success) return read.data;
  throw new InputInvalid(`the input does not fit: ${faultsOf(read.error, 'input')}`);
}

/** Whole UTC days, up to now. */
function spanOf({ days }: ReconcileRequest, nowMs: number): Span {
  const firstMs = (Math.floor(nowMs / DAY_MS) - (days - 1)) * DAY_MS;
  return { from: new Date(firstMs).toISOString(), until: new Date(nowMs).toISOString() };
}

/**
 * Measures the numbers of waiting and overdue timers. Unless this is a dry run, it first clears the timers of
 * deliveries that have ended, which remain if the ledger did not respond when they fired. Never throws.
 */
async function measureTimers({ table, log, counter, now }: ReconcileServices, isDryRun: boolean): Promise<void> {
  const dueBeforeMs = now() - OVERDUE_AFTER_MS;
  try {
    if (!isDryRun) await clearEndedTimers(table, dueBeforeMs);
    const { waiting, overdue } = await table.countTimers(dueBeforeMs);
    counter.measure(METRICS.timerWaiting, waiting);
    counter.measure(METRICS.timerOverdue, overdue);
    log.info('timers.counted', { waiting, overdue });
  } catch (thrown) {
    log.error('timers.uncounted', errorFields(thrown));
  }
}

async function clearEndedTimers(table: LedgerTable, dueBeforeMs: number): Promise<void> {
  const overdue = await table.overdueTimers(dueBeforeMs);
  const records = await table.records(overdue.map(({ webhook_id }) => webhook_id));
  const ended = overdue.filter(({ webhook_id }) => {
    const record = records.get(webhook_id);
    return record !== undefined && isFinal(record);
  });
  await Promise.all(ended.map((timer) => table.putTimer(firedTimer(timer))));
}
