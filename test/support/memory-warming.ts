import { CacheUnavailable, WarehouseUnavailable, WarmResultGone } from '../../lambdas/shared/errors.ts';
import { type LearnerKey, type LearningTime, learnerKeyText } from '../../lambdas/warehouse/learning-time.ts';
import type {
  ChangeToken,
  WarmingWarehouse,
  WarmMarker,
  WarmProgress,
  WarmRow,
  WarmSelection,
  WarmStore,
} from '../../lambdas/warehouse/warming.ts';
import type { WarmServices } from '../../lambdas/warming/warm-run.ts';
import { ENTERPRISE, fakeCounter, fakeLog, flag, integration, NOW, registry } from './factories.ts';

/** Rows of the fake warehouse in one part of the stream: each part is written at once. */
export const ROWS_OF_A_PART = 3;

/** Called before and after each effect of the warehouse and of the store. May throw, which cuts the run there. */
export type Step = (name: string) => void;

/** The token of a change at a time. */
export function tokenAt(epochMs: number): ChangeToken {
  return `${BigInt(epochMs) * 1_000_000n}`;
}

/** A learner of `ENTERPRISE` by a number. */
export function learner(number: number, enterpriseId = ENTERPRISE): LearnerKey {
  return { userId: String(number), courseId: 'course-v1:Org+Course+Run', enterpriseId };
}

export function row(number: number, totalSeconds: number, enterpriseId = ENTERPRISE): WarmRow {
  const learningTime = { found: true, totalSeconds, lastDate: '2026-01-14' } as const;
  return { key: learner(number, enterpriseId), learningTime };
}

/** Learners by number with their seconds. */
export function rowsOf(seconds: Readonly<Record<number, number>>): WarmRow[] {
  return Object.entries(seconds).map(([number, total]) => row(Number(number), total));
}

/** A table with a change token, and the results of queries as they were when they were started. */
export class MemoryWarehouse implements WarmingWarehouse {
  rowsInTable: readonly WarmRow[] = [];
  token: ChangeToken = tokenAt(NOW - 3_600_000);
  /** Selections of all queries. */
  readonly queried: WarmSelection[] = [];
  /** As `queryId from row`. */
  readonly streamed: string[] = [];
  isDown = false;
  readonly #results = new Map<string, readonly WarmRow[]>();
  readonly #step: Step;

  constructor(step: Step = () => {}) {
    this.#step = step;
  }

  /** Changes the table at a time. */
  change(rows: readonly WarmRow[], atMs: number): void {
    this.rowsInTable = rows;
    this.token = tokenAt(atMs);
  }

  /** Snowflake deletes results after 24 hours. */
  forgetResults(): void {
    this.#results.clear();
  }

  async changeToken(): Promise<ChangeToken> {
    this.#step('token');
    if (this.isDown) throw new WarehouseUnavailable('the warehouse is down');
    return this.token;
  }

  async start(selection: WarmSelection) {
    this.#step('before start');
    if (this.isDown) throw new WarehouseUnavailable('the warehouse is down');
    this.queried.push(selection);
    const queryId = `query-${this.queried.length}`;
    const isSelected = (one: WarmRow) => 'unreadable' in one || selection.enterpriseIds.includes(one.key.enterpriseId);
    const rows = this.rowsInTable.filter(isSelected).slice(0, selection.maxRows);
    this.#results.set(queryId, rows);
    this.#step('after start');
    return { queryId, rows: rows.length };
  }

  async *rows(queryId: string, fromRow: number) {
    this.streamed.push(`${queryId} from ${fromRow}`);
    const all = this.#results.get(queryId);
    if (all === undefined) throw new WarmResultGone('the result is gone');
    for (let first = fromRow; first < all.length; first += ROWS_OF_A_PART) {
      this.#step('rows');
      if (this.isDown) throw new WarehouseUnavailable('no rows for 30 s');
      yield all.slice(first, first + ROWS_OF_A_PART);
    }
  }

  async close(): Promise<void> {}
}

interface StoredEntry {
  readonly learningTime: LearningTime;
  readonly token: ChangeToken;
}

/** Entries, marker and progress, which readers see by the rule of the real cache. */
export class MemoryWarmStore implements WarmStore {
  entries = new Map<string, StoredEntry>();
  marker: WarmMarker | undefined;
  progress: WarmProgress | undefined;
  /** The largest number of entries; Valkey rejects more. */
  capacity = Number.POSITIVE_INFINITY;
  readonly #step: Step;

  constructor(step: Step = () => {}) {
    this.#step = step;
  }

  /** Everything is lost. */
  clear(): void {
    this.entries = new Map();
    this.marker = undefined;
    this.progress = undefined;
  }

  /** What readers hit, by key: an entry that is older than the marker is a miss. */
  hits(): Record<string, LearningTime> {
    const oldest = BigInt(this.marker?.token ?? 0);
    return Object.fromEntries(
      [...this.entries].flatMap(([key, { learningTime, token }]) =>
        BigInt(token) < oldest ? [] : [[key, learningTime] as const],
      ),
    );
  }

  async readMarker() {
    this.#step('read marker');
    return this.marker;
  }

  async readProgress() {
    this.#step('read progress');
    return this.progress;
  }

  async writeProgress(progress: WarmProgress) {
    this.#step('before progress');
    this.progress = progress;
    this.#step('after progress');
  }

  async advanceProgress(progress: WarmProgress) {
    this.#step('before progress');
    if (this.progress === undefined) return false;
    this.progress = progress;
    this.#step('after progress');
    return true;
  }

  async write(entries: Parameters<WarmStore['write']>[0], token: ChangeToken) {
    this.#step('before write');
    for (const { key, learningTime } of entries) {
      const text = learnerKeyText(key);
      if (!this.entries.has(text) && this.entries.size >= this.capacity) throw new CacheUnavailable('Valkey is full');
      this.entries.set(text, { learningTime, token });
      // A pipeline may be cut in the middle.
      this.#step('in write');
    }
  }

  async complete(marker: WarmMarker) {
    this.#step('before complete');
    const { marker: before } = this;
    this.marker = marker;
    this.#step('after marker');
    const isThere = this.progress !== undefined;
    this.progress = undefined;
    if (!isThere) this.marker = before;
    this.#step('after complete');
    return isThere;
  }

  async close() {}
}

/** What readers should hit of a table, by key. */
export function learningTimesOf(rows: readonly WarmRow[]): Record<string, LearningTime> {
  return Object.fromEntries(
    rows.flatMap((one) => ('unreadable' in one ? [] : [[learnerKeyText(one.key), one.learningTime] as const])),
  );
}

/** Services of a run over a table and a store in memory, with one enabled enterprise. */
export function memoryWarming(step?: Step) {
  const services = {
    flag: { read: async () => flag() } as WarmServices['flag'],
    integrations: {
      read: async () => registry(integration({ enterprise_customer_uuid: ENTERPRISE })),
    } as WarmServices['integrations'],
    warehouse: new MemoryWarehouse(step),
    store: new MemoryWarmStore(step),
    settings: { activeDays: 14, maxRows: 1_000, source: { table: 'LEARNING_TIME' } },
    log: fakeLog(),
    counter: fakeCounter(),
    nowMs: NOW,
    now: () => services.nowMs,
  };
  return services;
}
