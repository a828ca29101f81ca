import { expect, test } from '@jest/globals';
import { CacheUnavailable, WarehouseUnavailable } from '../../lambdas/shared/errors.ts';
import { METRICS } from '../../lambdas/shared/metric-definitions.ts';
import { type WarmInput, warmInputSchema } from '../../lambdas/warming/warm-report.ts';
import { RESERVE_MS, type WarmServices, WRITE_ROWS, warmCache } from '../../lambdas/warming/warm-run.ts';
import { ENTERPRISE, flag, integration, NOW, OTHER_ENTERPRISE, registry } from '../support/factories.ts';
import { learningTimesOf, memoryWarming, ROWS_OF_A_PART, row, rowsOf } from '../support/memory-warming.ts';

const HOUR_MS = 3_600_000;
const TEN = rowsOf({ 1: 100, 2: 200, 3: 300, 4: 400, 5: 500, 6: 600, 7: 700, 8: 800, 9: 900, 10: 1000 });

const run = (services: WarmServices, input: WarmInput = {}, remainingMs = () => 840_000) =>
  warmCache(warmInputSchema.parse(input), services, remainingMs);

/** Services whose table has ten rows that are loaded already. */
async function warmed() {
  const services = memoryWarming();
  services.warehouse.change(TEN, NOW - 2 * HOUR_MS);
  await run(services);
  return services;
}

/** Changes the table, and lets an hour pass. */
function changeAndWait(services: ReturnType<typeof memoryWarming>, rows: typeof TEN) {
  services.warehouse.change(rows, services.nowMs);
  services.nowMs += HOUR_MS;
}

test('loads every row of an empty cache, writes the marker last, and reports both', async () => {
  const services = memoryWarming();
  services.warehouse.change(TEN, NOW - 2 * HOUR_MS);
  const report = await run(services);
  expect(services.store.hits()).toEqual(learningTimesOf(TEN));
  const { token } = services.warehouse;
  const completedAt = new Date(NOW).toISOString();
  expect(services.store.marker).toEqual({ token, rows: 10, completedAt, selectionId: expect.any(String) });
  expect(services.store.progress).toBeUndefined();
  const changed = new Date(NOW - 2 * HOUR_MS).toISOString();
  expect(report).toEqual({
    ...{ result: 'complete', reason: 'no_marker', enterprises: 1, read_through: 0, table_changed_at: changed },
    ...{ rows: 10, confirmed: 10, unreadable: 0 },
    last_complete: { completed_at: completedAt, table_changed_at: changed, entries: 10 },
  });
  expect(services.counter.counts).toEqual({ [METRICS.warmComplete]: 1 });
  expect(services.counter.measured).toEqual([
    [METRICS.warmReadThrough, 0],
    [METRICS.warmEntries, 10],
    [METRICS.warmAge, 7200],
    [METRICS.warmBehind, 0],
  ]);
  expect(services.log.only('warming.ran')).toMatchObject({ result: 'complete', rows: 10 });
});

test('makes no query while the table is unchanged, and does not count it as behind', async () => {
  const services = await warmed();
  expect(await run(services)).toMatchObject({ result: 'current', reason: null, rows: null });
  expect(services.warehouse.queried).toHaveLength(1);
  expect(services.counter.measured.at(-1)).toEqual([METRICS.warmBehind, 0]);
});

test('replaces what changed after 30 minutes, and removes the rows that disappeared with the new marker', async () => {
  const services = await warmed();
  const next = [...rowsOf({ 1: 150, 11: 50 }), ...TEN.slice(2)];
  services.warehouse.change(next, NOW);
  expect(await run(services)).toMatchObject({ result: 'waiting' });
  expect(services.store.hits()).toEqual(learningTimesOf(TEN));
  services.nowMs += HOUR_MS / 2;
  expect(await run(services)).toMatchObject({ result: 'complete', reason: 'table_changed' });
  expect(services.store.hits()).toEqual(learningTimesOf(next));
});

test('loads an enterprise that was newly enabled, without a change of the table', async () => {
  const services = memoryWarming();
  const both = [...TEN, row(1, 77, OTHER_ENTERPRISE)];
  services.warehouse.change(both, NOW - 2 * HOUR_MS);
  await run(services);
  expect(services.warehouse.queried[0]).toEqual({ enterpriseIds: [ENTERPRISE], activeDays: 14, maxRows: 1_000 });
  expect(services.store.hits()).toEqual(learningTimesOf(TEN));
  services.flag.read = async () => flag({ pilot_enterprises: [OTHER_ENTERPRISE] });
  expect(await run(services)).toMatchObject({ result: 'complete', reason: 'selection_changed', enterprises: 2 });
  expect(services.store.hits()).toEqual(learningTimesOf(both));
});

test('loads an emptied cache again', async () => {
  const services = await warmed();
  services.store.clear();
  expect(await run(services)).toMatchObject({ result: 'complete', reason: 'no_marker' });
  expect(services.store.hits()).toEqual(learningTimesOf(TEN));
});

test('asks neither Valkey nor Snowflake while the flag is on for no known enterprise', async () => {
  const services = memoryWarming((step) => {
    throw new Error(`unexpected: ${step}`);
  });
  services.flag.read = async () => flag({ enabled: false });
  expect(await run(services)).toMatchObject({ result: 'nothing_enabled', enterprises: 0, last_complete: null });
  expect(services.counter.measured).toContainEqual([METRICS.warmBehind, 0]);
  services.flag.read = async () => flag();
  services.integrations.read = async () => registry(integration());
  expect(await run(services)).toMatchObject({ result: 'nothing_enabled', read_through: 1 });
});

test('fails without a flag or integrations, which does not mean that nothing is enabled', async () => {
  const services = memoryWarming();
  services.flag.read = async () => undefined;
  await expect(run(services)).rejects.toThrow('never read');
  expect(services.counter.measured).toEqual([[METRICS.warmBehind, 1]]);
});

test('stops in time, and the next run continues with the same result after the last confirmed row', async () => {
  const services = memoryWarming();
  services.warehouse.change(TEN, NOW - 2 * HOUR_MS);
  const times = [840_000, RESERVE_MS, RESERVE_MS, RESERVE_MS - 1];
  const report = await run(services, {}, () => times.shift() ?? 0);
  expect(report).toMatchObject({ result: 'out_of_time', rows: 10, confirmed: 2 * ROWS_OF_A_PART });
  expect(services.store.marker).toBeUndefined();
  expect(services.counter.counts).toEqual({ [METRICS.warmIncomplete]: 1 });
  expect(services.counter.measured.at(-1)).toEqual([METRICS.warmBehind, 1]);
  expect(await run(services)).toMatchObject({ result: 'complete', confirmed: 10 });
  expect(services.warehouse.streamed).toEqual(['query-1 from 0', 'query-1 from 6']);
  expect(services.store.hits()).toEqual(learningTimesOf(TEN));
});

test('starts another query where the result is gone, or where the table or the selection has changed', async () => {
  const interrupted = async () => {
    const services = memoryWarming();
    services.warehouse.change(TEN, NOW - 2 * HOUR_MS);
    await run(services, {}, () => (services.store.entries.size === 0 ? RESERVE_MS : 0));
    expect(services.store.entries.size).toBe(ROWS_OF_A_PART);
    return services;
  };
  const gone = await interrupted();
  gone.warehouse.forgetResults();
  expect(await run(gone)).toMatchObject({ result: 'complete' });
  expect(gone.warehouse.streamed).toEqual(['query-1 from 0', 'query-1 from 3', 'query-2 from 0']);
  const changed = await interrupted();
  changed.warehouse.change(TEN.slice(1), NOW - HOUR_MS);
  expect(await run(changed)).toMatchObject({ result: 'complete', rows: 9 });
  expect(changed.store.hits()).toEqual(learningTimesOf(TEN.slice(1)));
  const enabled = await interrupted();
  enabled.flag.read = async () => flag({ pilot_enterprises: [OTHER_ENTERPRISE] });
  await run(enabled);
  expect(enabled.warehouse.streamed.at(-1)).toBe('query-2 from 0');
});

test('a table that lost over a fifth of its rows stops the run: entries and marker stay', async () => {
  const services = await warmed();
  const marker = services.store.marker;
  changeAndWait(services, TEN.slice(0, 7));
  expect(await run(services)).toMatchObject({ result: 'shrunk', rows: 7, last_complete: { entries: 10 } });
  expect(services.store.marker).toEqual(marker);
  expect(services.store.hits()).toEqual(learningTimesOf(TEN));
  expect(services.counter.counts[METRICS.warmShrunk]).toBe(1);
  expect(services.counter.measured.at(-1)).toEqual([METRICS.warmBehind, 1]);
  // The next run does not query again.
  expect(await run(services)).toMatchObject({ result: 'shrunk' });
  expect(services.warehouse.queried).toHaveLength(2);
});

test('an operator accepts a smaller table, also if the time does not suffice', async () => {
  const services = await warmed();
  changeAndWait(services, TEN.slice(0, 7));
  await run(services);
  const times = [840_000, 840_000];
  const cut = await run(services, { accept_shrunk: true }, () => times.shift() ?? 0);
  expect(cut).toMatchObject({ result: 'out_of_time', confirmed: 6 });
  // The schedule's next run continues what was accepted.
  expect(await run(services)).toMatchObject({ result: 'complete', confirmed: 7 });
  expect(services.warehouse.queried).toHaveLength(2);
  expect(services.store.hits()).toEqual(learningTimesOf(TEN.slice(0, 7)));
});

test('a table that lost a fifth, or that grows, is loaded', async () => {
  const services = await warmed();
  changeAndWait(services, TEN.slice(0, 8));
  expect(await run(services)).toMatchObject({ result: 'complete', rows: 8 });
});

test('skips and counts rows that cannot be read, and reports one reason for each write', async () => {
  const services = memoryWarming();
  const bad = { unreadable: 'total seconds are not a number' };
  services.warehouse.change([bad, ...TEN, bad], NOW - 2 * HOUR_MS);
  expect(await run(services)).toMatchObject({ result: 'complete', rows: 12, confirmed: 12, unreadable: 2 });
  expect(services.store.hits()).toEqual(learningTimesOf(TEN));
  expect(services.store.marker?.rows).toBe(10);
  expect(services.counter.counts[METRICS.warmUnreadable]).toBe(2);
  const lines = services.log.lines.filter(({ message }) => message === 'warming.rows_unreadable');
  expect(lines.map(({ fields }) => fields)).toEqual(Array(2).fill({ rows: 1, example: bad.unreadable }));
});

test('a table of unreadable rows removes no entry', async () => {
  const services = await warmed();
  changeAndWait(services, Array(10).fill({ unreadable: 'a date outside the years 0 to 9999' }));
  expect(await run(services)).toMatchObject({ result: 'shrunk', confirmed: 10, unreadable: 10 });
  expect(services.store.hits()).toEqual(learningTimesOf(TEN));
});

test('a full cache stops the run with an error; entries and marker stay, and the next run continues', async () => {
  const services = await warmed();
  const grown = [...TEN, ...rowsOf({ 11: 1, 12: 2 })];
  changeAndWait(services, grown);
  services.store.capacity = 11;
  await expect(run(services)).rejects.toThrow(CacheUnavailable);
  expect(services.store.marker?.rows).toBe(10);
  expect(Object.keys(services.store.hits())).toEqual(expect.arrayContaining(Object.keys(learningTimesOf(TEN))));
  expect(services.counter.counts[METRICS.warmIncomplete]).toBe(1);
  expect(services.counter.measured.at(-1)).toEqual([METRICS.warmBehind, 1]);
  expect(services.log.only('warming.interrupted')).toMatchObject({ error: 'CacheUnavailable' });
  services.store.capacity = 12;
  expect(await run(services)).toMatchObject({ result: 'complete', rows: 12 });
  expect(services.warehouse.streamed.at(-1)).toBe('query-2 from 9');
});

test('a warehouse that hangs in the middle of the stream stops the run; the next one continues', async () => {
  let isHanging = true;
  const services = memoryWarming((step) => {
    services.warehouse.isDown = isHanging && step === 'rows' && services.store.entries.size === 6;
  });
  services.warehouse.change(TEN, NOW - 2 * HOUR_MS);
  await expect(run(services)).rejects.toThrow(WarehouseUnavailable);
  expect(services.store.progress).toMatchObject({ confirmedRows: 6 });
  isHanging = false;
  services.warehouse.isDown = false;
  expect(await run(services)).toMatchObject({ result: 'complete', confirmed: 10 });
});

test('a stream that ends early does not complete the run', async () => {
  const services = memoryWarming();
  services.warehouse.change(TEN, NOW - 2 * HOUR_MS);
  services.warehouse.start = async () => ({ queryId: 'query-1', rows: 11 });
  services.warehouse.rows = async function* () {
    yield TEN;
  };
  await expect(run(services)).rejects.toThrow('the result ended after 10 of 11 rows');
  expect(services.store.marker).toBeUndefined();
});

test('a dry run says what a run would do, and changes nothing', async () => {
  const services = await warmed();
  changeAndWait(services, TEN.slice(0, 9));
  const before = services.counter.measured.length;
  expect(await run(services, { dry_run: true })).toMatchObject({ result: 'due', reason: 'table_changed', rows: null });
  expect(services.warehouse.queried).toHaveLength(1);
  expect(services.counter.measured.slice(before).map(([name]) => name)).not.toContain(METRICS.warmBehind);
});

test('closes the connection after each run, also after one that failed', async () => {
  const services = memoryWarming();
  let closed = 0;
  services.warehouse.close = async () => {
    closed += 1;
  };
  await run(services);
  services.warehouse.isDown = true;
  await expect(run(services)).rejects.toThrow(WarehouseUnavailable);
  expect(closed).toBe(2);
});

test('writes a large part of the stream in steps, each of which the next run need not repeat', async () => {
  const services = memoryWarming();
  const many = Array.from({ length: 2 * WRITE_ROWS + 1 }, (_, number) => row(number, number));
  services.settings.maxRows = many.length;
  services.warehouse.change(many, NOW - 2 * HOUR_MS);
  services.warehouse.rows = async function* () {
    yield many;
  };
  const confirmed: number[] = [];
  const { advanceProgress } = services.store;
  services.store.advanceProgress = async (progress) => {
    confirmed.push(progress.confirmedRows);
    return await advanceProgress.call(services.store, progress);
  };
  await run(services);
  expect(confirmed).toEqual([WRITE_ROWS, 2 * WRITE_ROWS, 2 * WRITE_ROWS + 1]);
});

test('logs and metrics name no enterprise and no learner', async () => {
  const services = await warmed();
  expect(services.log.text()).not.toMatch(new RegExp(`${ENTERPRISE}|course-v1`));
});

test('an older run beside a newer one causes misses, and no wrong hit', async () => {
  const services = memoryWarming();
  const newer = rowsOf({ 1: 150, 11: 5 });
  services.warehouse.change(TEN, NOW - 3 * HOUR_MS);
  const { write } = services.store;
  services.store.write = async (...entries) => {
    services.store.write = write;
    // In the middle of the first run the table changes, and another run loads it completely.
    services.warehouse.change(newer, NOW - HOUR_MS);
    expect(await run(services)).toMatchObject({ result: 'complete', rows: 2 });
    await write.apply(services.store, entries);
  };
  await expect(run(services)).rejects.toThrow(CacheUnavailable);
  // The first run has overwritten learner 1.
  expect(services.store.hits()).toEqual(learningTimesOf(rowsOf({ 11: 5 })));
  expect(services.store.marker?.token).toBe(services.warehouse.token);
});
