import { isParkedTooLong, LONGEST_PARKING_MS, sightingOf, standingOf } from '../ledger/balance.ts';
import type { LedgerDay, LedgerTable, ListedWebhook, Span } from '../ledger/ports.ts';
import { type ReconcileReport, type ReconcileRequest, reconcileInputSchema } from '../ledger/reconciliation.ts';
import type { LedgerRecord } from '../ledger/record.ts';
import { OVERDUE_AFTER_MS } from '../ledger/timer.ts';
import { firedTimer } from '../ledger/timers.ts';
import { isFinal } from '../ledger/transitions.ts';
import { errorFields, InputInvalid } from '../shared/errors.ts';
import { faultsOf } from '../shared/faults.ts';
import { METRICS } from '../shared/metric-definitions.ts';
import { endParked, type Resting, releaseParked } from './reconcile-parked.ts';
import { CHUNK, ReconcileRun, type ReconcileServices } from './reconcile-run.ts';
import { resendStuck, type StuckFound } from './resend-webhooks.ts';

const HOUR_MS = 3600_000;
const DAY_MS = 24 * HOUR_MS;

/** Largest number of resting webhooks of one integration kept in memory, some 20 MB; the next runs find the others. */
const MAX_RESTING = 100_000;

/** What the days of one integration show for its release. */
interface Findings {
  readonly resting: Resting[];
  /** When the integration last took a webhook. */
  lastDeliveredAt: string | undefined;
}

/** A webhook whose record has to be read: the list does not settle how it stands. */
interface Suspect {
  readonly webhookId: string;
  readonly acceptedAt: string;
  /** Whether its record listed it, and not its event. */
  readonly hasRecord: boolean;
}

/**
 * Proves that nothing is missing: every accepted webhook has ended, is carried by a message or an execution, or is in
 * flight for less than a bound. What is stuck is named and resent, what is parked is released or ended.
 *
 * @param remainingMs how long this invocation may still run
 * @throws InputInvalid
 * @throws LedgerUnavailable where the table does not respond; what was changed before stands
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
  throw new InputInvalid(`the input does not fit: ${faultsOf(read.error, 'input')}`);
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

/**
 * Measures how many events wait for their timer, and how many of these are overdue. Before, unless it is a dry run, it
 * clears the timers of deliveries that have ended: the ledger did not respond when they fired. Never throws.
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

async function reconcileIntegration(integrationId: string, days: readonly LedgerDay[], run: ReconcileRun) {
  const findings: Findings = { resting: [], lastDeliveredAt: undefined };
  for (const day of days) {
    if (!run.mayCount()) return;
    await reconcileDay(day, findings, run);
  }
  await releaseParked(integrationId, findings.resting, findings.lastDeliveredAt, run);
}

/**
 * Enters one integration's webhooks of one day into the balance: first those whose records are listed, then the events
 * that no record accounts for. The list lags behind, so a webhook counts as stuck only after its record was read.
 *
 * Counting the events would not do: a deleted payload and a lost webhook make up for each other, and a query that
 * counts costs as many read units as one that lists.
 */
async function reconcileDay(day: LedgerDay, findings: Findings, run: ReconcileRun): Promise<void> {
  const { table, now } = run.services;
  const known = new Set<string>();
  const suspects: Suspect[] = [];
  const suspect = async (one: Suspect) => {
    if (suspects.push(one) === CHUNK) await examine(suspects.splice(0), day, findings, run);
  };
  for await (const listed of table.listRecords(day, run.span)) {
    if (!run.mayCount()) return;
    known.add(listed.webhook_id);
    addToFindings(listed, findings);
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

function addToFindings(listed: ListedWebhook, findings: Findings): void {
  const { webhook_id: webhookId, accepted_at: acceptedAt, state } = listed;
  if (state === 'delivered') addDelivery(listed.changed_at, findings);
  const rests = state === 'parked' && listed.due_at === undefined;
  if (rests && findings.resting.length < MAX_RESTING) findings.resting.push({ webhookId, acceptedAt });
}

function addDelivery(at: string, findings: Findings): void {
  const { lastDeliveredAt } = findings;
  if (lastDeliveredAt === undefined || Date.parse(at) > Date.parse(lastDeliveredAt)) findings.lastDeliveredAt = at;
}

/** The list does not have the time since when it is parked; it is not parked for longer than it was accepted. */
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
    if (seen.state === 'delivered') addDelivery(seen.changedAt, findings);
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
