import { PARKED_REASON_OF } from '../events/operational-event.ts';
import { isParkedTooLong, LONGEST_PARKING_MS, sightingOf, standingOf } from '../ledger/balance.ts';
import type { StateEvidence } from '../ledger/integration-state.ts';
import type { LedgerDay, LedgerTable, ListedDelivery, Span } from '../ledger/ports.ts';
import { type ReconcileReport, type ReconcileRequest, reconcileInputSchema } from '../ledger/reconciliation.ts';
import type { LedgerRecord } from '../ledger/record.ts';
import { OVERDUE_AFTER_MS } from '../ledger/timer.ts';
import { firedTimer } from '../ledger/timer-rules.ts';
import { isFinal } from '../ledger/transitions.ts';
import { readRejection } from '../limiter/rejection.ts';
import { DAY_MS, HOUR_MS } from '../shared/durations.ts';
import { errorFields, InputInvalid } from '../shared/errors.ts';
import { faultsOf } from '../shared/faults.ts';
import { METRICS } from '../shared/metric-definitions.ts';
import { endParked, type ParkedInLedger, releaseParked } from './reconcile-parked.ts';
import { CHUNK, ReconcileRun, type ReconcileServices } from './reconcile-run.ts';
import { findStates, repeatLostStates } from './reconcile-states.ts';
import { resendStuck, type StuckFound } from './resend-deliveries.ts';

/** Largest number of parked deliveries of one integration in memory, about 20 MB; later runs find the others. */
const MAX_PARKED = 100_000;

/** Findings about one integration's days, for its release. */
interface Findings {
  readonly parked: ParkedInLedger[];
  /** When the integration last received a delivery. */
  lastDeliveredAt: string | undefined;
  /** The delivery that was parked last, of those that wait in the ledger because the limiter rejected them. */
  lastParked: StateEvidence['lastParked'];
}

/** A delivery whose record must be read, because the list is not conclusive. */
interface Suspect {
  readonly webhookId: string;
  readonly acceptedAt: string;
  /** Whether it was listed by its record, and not by its event. */
  readonly hasRecord: boolean;
}

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
  const run = new ReconcileRun(request, spanOf(request, startedMs), services, remainingMs);
  await repeatLostStates(run);
  await measureTimers(services, request.dry_run);
  await run.areOutcomesSettled();
  const days = await services.table.days(run.span);
  const wanted = ({ integrationId }: LedgerDay) => integrationId === (request.integration_id ?? integrationId);
  const integrations = [...Map.groupBy(days.filter(wanted), ({ integrationId }) => integrationId)];
  const evidence = new Map<string, Findings>();
  for (const [integrationId, itsDays] of rotated(integrations, startedMs)) {
    if (!run.mayCount()) break;
    const findings = await reconcileIntegration(integrationId, itsDays, run);
    // Its latest delivery may be in a day that was not listed.
    if (run.mayCount()) evidence.set(integrationId, findings);
  }
  await findStates(evidence, run.mayCount(), run);
  const report = run.report(integrations.length);
  services.counter.count(METRICS.ledgerUnbalanced, report.unbalanced);
  const { stuck, ...numbers } = report;
  services.log.info('ledger.reconciled', { ...numbers, named: stuck.length, took_ms: services.now() - startedMs });
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

/** Rotates the order every hour, so that runs out of time do not always skip the same integrations. */
function rotated<T>(all: readonly T[], nowMs: number): readonly T[] {
  const first = all.length === 0 ? 0 : Math.floor(nowMs / HOUR_MS) % all.length;
  return [...all.slice(first), ...all.slice(0, first)];
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

async function reconcileIntegration(
  integrationId: string,
  days: readonly LedgerDay[],
  run: ReconcileRun,
): Promise<Findings> {
  const findings: Findings = { parked: [], lastDeliveredAt: undefined, lastParked: undefined };
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
  const { webhook_id: webhookId, accepted_at: acceptedAt, state } = listed;
  if (state === 'delivered') addDelivery(listed.changed_at, findings);
  const isParkedInLedger = state === 'parked' && listed.due_at === undefined;
  if (isParkedInLedger && findings.parked.length < MAX_PARKED) findings.parked.push({ webhookId, acceptedAt });
  if (isParkedInLedger) addParked(listed, findings);
}

function addParked({ integration_id, changed_at: at, reason = '' }: ListedDelivery, findings: Findings): void {
  const rejection = readRejection(integration_id, reason);
  const isLatest = findings.lastParked === undefined || Date.parse(at) > Date.parse(findings.lastParked.at);
  if (rejection !== undefined && isLatest) findings.lastParked = { at, reason: PARKED_REASON_OF[rejection] };
}

function addDelivery(at: string, findings: Findings): void {
  const { lastDeliveredAt } = findings;
  if (lastDeliveredAt === undefined || Date.parse(at) > Date.parse(lastDeliveredAt)) findings.lastDeliveredAt = at;
}

/** An upper bound: the list has no `parked_since`, but the delivery was accepted before. */
function mayBeParkedTooLong({ state, accepted_at: acceptedAt }: ListedDelivery, nowMs: number): boolean {
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
    // Deleted since it was listed; or its record is listed under another day, and counted there.
    if (record === undefined ? hasRecord : !hasRecord && isCountedElsewhere(record, day, run)) continue;
    if (record !== undefined && isParkedTooLong(record, now())) {
      parkedTooLong.push(record);
      run.count({ kind: 'counted', state: 'parked' });
      continue;
    }
    const seen = record === undefined ? ({ state: 'accepted', changedAt: acceptedAt } as const) : sightingOf(record);
    if (seen.state === 'delivered') addDelivery(seen.changedAt, findings);
    const standing = standingOf(seen, run.boundMs, now());
    if (standing.kind === 'stuck') stuck.push({ webhookId, day, record, state: seen.state, standing });
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
  const isListed = record.version > 1 || record.state !== 'delivering';
  return isListed && !record.accepted_at.startsWith(day) && record.accepted_at >= span.from;
}
