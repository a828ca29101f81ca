import type { Flag } from '../flag/flag-document.ts';
import type { IntegrationRegistry } from '../partners/integration-registry.ts';
import { chunksOf } from '../shared/chunks.ts';
import { MINUTE_MS, SECOND_MS } from '../shared/durations.ts';
import {
  CacheUnavailable,
  ConfigurationUnavailable,
  errorFields,
  WarehouseUnavailable,
  WarmResultGone,
} from '../shared/errors.ts';
import type { Log } from '../shared/log.ts';
import { type Counter, METRICS } from '../shared/metric-definitions.ts';
import type {
  ChangeToken,
  WarmingWarehouse,
  WarmMarker,
  WarmProgress,
  WarmRow,
  WarmSelection,
  WarmStore,
} from '../warehouse/warming.ts';
import { enabledEnterprises } from './enabled-enterprises.ts';
import type { WarmReport, WarmRequest, WarmResult } from './warm-report.ts';
import { changedAtMs, decide, hasShrunk, isContinuable, selectionIdOf, type WarmReason } from './warm-rules.ts';

export interface WarmServices {
  readonly flag: { read(): Promise<Flag | undefined> };
  readonly integrations: { read(): Promise<IntegrationRegistry | undefined> };
  readonly warehouse: WarmingWarehouse;
  readonly store: WarmStore;
  /** `source`: the names of table and columns. */
  readonly settings: Pick<WarmSelection, 'activeDays' | 'maxRows'> & { readonly source: object };
  readonly log: Log;
  readonly counter: Counter;
  /** The wall clock, in epoch milliseconds. */
  now(): number;
}

/** Rows between two steps of the progress: less than a second at half of 5,000 ECPU a second. */
export const WRITE_ROWS = 1_000;

/** Login and one statement without a warehouse, in milliseconds. */
const TOKEN_DEADLINE_MS = 30 * SECOND_MS;

/** The query, which may have to start the warehouse first, in milliseconds. */
const QUERY_DEADLINE_MS = 6 * MINUTE_MS;

/** Longest wait for the next rows, in milliseconds. */
const IDLE_MS = 30 * SECOND_MS;

/** With less time left, in milliseconds, a run stops: for a wait of `IDLE_MS`, a write and closing. */
export const RESERVE_MS = IDLE_MS + 15 * SECOND_MS;

const EMPTIED = 'Valkey has lost the progress of the run, and entries with it';

/** What a run loads, and what the last complete run loaded. */
interface Job {
  readonly selection: WarmSelection;
  readonly selectionId: string;
  readonly token: ChangeToken;
  readonly marker: WarmMarker | undefined;
}

/** What a run knows at its end. */
interface Ended {
  readonly result: WarmResult;
  readonly reason?: WarmReason;
  readonly token?: ChangeToken;
  readonly marker?: WarmMarker | undefined;
  readonly progress?: WarmProgress;
}

/** The results of runs after which the cache holds what it should. */
const CURRENT: readonly WarmResult[] = ['nothing_enabled', 'current', 'complete'];

/**
 * Loads learning times into the cache if the table or the set of enabled enterprises has changed, or the cache is empty.
 *
 * A run that is cut anywhere loses nothing: entries and marker of the last complete run stay until the new marker is written,
 * which is last. The next run continues after the last confirmed row, with the result of the same query. Two runs at the same
 * time write the same entries. If they have different versions of the table, entries that the older one overwrites are misses.
 *
 * @param remainingMs time until this invocation's timeout
 * @throws ConfigurationUnavailable, WarehouseUnavailable, CacheUnavailable; the next run continues
 */
export async function warmCache(
  request: WarmRequest,
  services: WarmServices,
  remainingMs: () => number,
): Promise<WarmReport> {
  const { counter, log, now, warehouse } = services;
  const startedMs = now();
  let isBehind = true;
  try {
    const [flag, registry] = await Promise.all([services.flag.read(), services.integrations.read()]);
    if (flag === undefined || registry === undefined) {
      throw new ConfigurationUnavailable('the flag or the integrations were never read');
    }
    const { enterpriseIds, readThrough } = enabledEnterprises(flag, registry);
    counter.measure(METRICS.warmReadThrough, readThrough);
    const ended: Ended =
      enterpriseIds.length === 0
        ? { result: 'nothing_enabled' }
        : await new WarmRun(request, services, remainingMs).run(enterpriseIds);
    const report = reportOf(ended, enterpriseIds.length, readThrough);
    isBehind = !CURRENT.includes(ended.result);
    publish(ended, services);
    log.info('warming.ran', { ...report, took_ms: now() - startedMs });
    return report;
  } finally {
    if (!request.dry_run) counter.measure(METRICS.warmBehind, isBehind ? 1 : 0);
    // Sessions of Snowflake outlive a frozen environment.
    await warehouse.close();
  }
}

function publish({ result, marker }: Ended, { counter, now }: WarmServices): void {
  if (result === 'complete') counter.count(METRICS.warmComplete);
  if (result === 'out_of_time') counter.count(METRICS.warmIncomplete);
  if (result === 'shrunk') counter.count(METRICS.warmShrunk);
  if (marker === undefined) return;
  counter.measure(METRICS.warmEntries, marker.rows);
  counter.measure(METRICS.warmAge, Math.max(0, Math.round((now() - changedAtMs(marker.token)) / SECOND_MS)));
}

function reportOf(
  { result, reason, token, marker, progress }: Ended,
  enterprises: number,
  read_through: number,
): WarmReport {
  const changedAt = (of: ChangeToken) => new Date(changedAtMs(of)).toISOString();
  return {
    result,
    reason: reason ?? null,
    enterprises,
    read_through,
    table_changed_at: token === undefined ? null : changedAt(token),
    rows: progress?.totalRows ?? null,
    confirmed: progress?.confirmedRows ?? 0,
    unreadable: progress?.unreadableRows ?? 0,
    last_complete:
      marker === undefined
        ? null
        : { completed_at: marker.completedAt, table_changed_at: changedAt(marker.token), entries: marker.rows },
  };
}

/** One run for enabled enterprises. */
class WarmRun {
  readonly #request: WarmRequest;
  readonly #services: WarmServices;
  readonly #remainingMs: () => number;

  constructor(request: WarmRequest, services: WarmServices, remainingMs: () => number) {
    this.#request = request;
    this.#services = services;
    this.#remainingMs = remainingMs;
  }

  async run(enterpriseIds: readonly string[]): Promise<Ended> {
    const { store, warehouse, settings, now } = this.#services;
    const { source, ...limits } = settings;
    const selection = { enterpriseIds, ...limits };
    const selectionId = selectionIdOf(selection, source);
    // First the marker: without Valkey there is nothing to do in Snowflake.
    const marker = await store.readMarker();
    const token = await warehouse.changeToken(TOKEN_DEADLINE_MS);
    const decision = decide({ marker, token, selectionId, nowMs: now() });
    if (decision === 'current' || decision === 'waiting') return { result: decision, token, marker };
    if (this.#request.dry_run) return { result: 'due', reason: decision, token, marker };
    const job = { selection, selectionId, token, marker };
    try {
      return { ...(await this.#warm(job)), reason: decision, token };
    } catch (thrown) {
      this.#services.counter.count(METRICS.warmIncomplete);
      this.#services.log.error('warming.interrupted', { reason: decision, ...errorFields(thrown) });
      throw thrown;
    }
  }

  async #warm(job: Job): Promise<Ended> {
    const { store, log } = this.#services;
    const progress = await store.readProgress();
    if (progress === undefined || !isContinuable(progress, job.token, job.selectionId)) {
      return await this.#load(await this.#start(job), job);
    }
    try {
      return await this.#load(progress, job);
    } catch (thrown) {
      if (!(thrown instanceof WarmResultGone)) throw thrown;
      log.info('warming.result_gone', { query_id: progress.queryId, confirmed: progress.confirmedRows });
      return await this.#load(await this.#start(job), job);
    }
  }

  /** Starts a query. Its progress is stored at once, so that the next run does not start another one. */
  async #start({ selection, selectionId, token }: Job): Promise<WarmProgress> {
    const { store, warehouse, now, log } = this.#services;
    const startedAt = new Date(now()).toISOString();
    const deadlineMs = Math.max(1, Math.min(QUERY_DEADLINE_MS, this.#remainingMs() - RESERVE_MS));
    const { queryId, rows } = await warehouse.start(selection, deadlineMs);
    const begun = {
      ...{ token, selectionId, queryId, startedAt, totalRows: rows, confirmedRows: 0, unreadableRows: 0 },
      isShrinkAccepted: this.#request.accept_shrunk,
    };
    await store.writeProgress(begun);
    log.info('warming.queried', { query_id: queryId, rows });
    return begun;
  }

  /** Loads the rows after those that are confirmed, then completes the run. */
  async #load(begun: WarmProgress, job: Job): Promise<Ended> {
    const { store, warehouse, now } = this.#services;
    let progress = { ...begun, isShrinkAccepted: begun.isShrinkAccepted || this.#request.accept_shrunk };
    if (isRefused(progress.totalRows, progress, job)) return { result: 'shrunk', marker: job.marker, progress };
    for await (const rows of warehouse.rows(progress.queryId, progress.confirmedRows, IDLE_MS)) {
      for (const some of chunksOf(rows, WRITE_ROWS)) {
        if (this.#remainingMs() < RESERVE_MS) return { result: 'out_of_time', marker: job.marker, progress };
        progress = await this.#write(some, progress);
      }
    }
    const { token, selectionId, totalRows, confirmedRows, unreadableRows } = progress;
    if (confirmedRows !== totalRows) {
      throw new WarehouseUnavailable(`the result ended after ${confirmedRows} of ${totalRows} rows`);
    }
    const entries = confirmedRows - unreadableRows;
    // Unreadable rows are lost rows too.
    if (isRefused(entries, progress, job)) return { result: 'shrunk', marker: job.marker, progress };
    const marker = { token, selectionId, rows: entries, completedAt: new Date(now()).toISOString() };
    if (!(await store.complete(marker))) throw new CacheUnavailable(EMPTIED);
    return { result: 'complete', marker, progress };
  }

  async #write(rows: readonly WarmRow[], progress: WarmProgress): Promise<WarmProgress> {
    const { store, counter, log } = this.#services;
    const entries = rows.flatMap((row) => ('unreadable' in row ? [] : row));
    const unreadable = rows.find((row) => 'unreadable' in row);
    if (entries.length > 0) await store.write(entries, progress.token);
    const written = {
      ...progress,
      confirmedRows: progress.confirmedRows + rows.length,
      unreadableRows: progress.unreadableRows + rows.length - entries.length,
    };
    if (!(await store.advanceProgress(written))) throw new CacheUnavailable(EMPTIED);
    if (unreadable !== undefined) {
      counter.count(METRICS.warmUnreadable, rows.length - entries.length);
      log.warn('warming.rows_unreadable', { rows: rows.length - entries.length, example: unreadable.unreadable });
    }
    return written;
  }
}

function isRefused(rows: number, { isShrinkAccepted }: WarmProgress, job: Job): boolean {
  return !isShrinkAccepted && hasShrunk(rows, job);
}
