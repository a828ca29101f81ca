import { beforeEach, describe, expect, test } from '@jest/globals';
import type { LedgerTable } from '../../../lambdas/ledger/ports.ts';
import type { DeliveryState, LedgerRecord } from '../../../lambdas/ledger/record.ts';
import { eventOf, newRecord } from '../../../lambdas/ledger/transitions.ts';
import { until } from '../../support/assembly.ts';
import { NOW, subject } from '../../support/factories.ts';
import { sharedLedgerTable } from '../../support/ledger-table.ts';

const DAY = '2026-01-15';
const WHOLE_DAY = { from: `${DAY}T00:00:00.000Z`, until: `${DAY}T23:59:59.999Z` };
const at = (hour: number, second = 0) => new Date(Date.UTC(2026, 0, 15, hour, 0, second)).toISOString();

const ledger = sharedLedgerTable();

/** Each test has an integration of its own. */
let integrationId = 'integration-';
beforeEach(() => {
  integrationId += 'i';
});

const day = () => ({ integrationId, day: DAY });
const subjectAt = (
  accepted_at: string,
  event_id = accepted_at,
  overrides: { user_id?: string; payload?: string } = {},
) => subject({ integration_id: integrationId, event_id: event_id.replaceAll(/[:.]/g, ''), accepted_at, ...overrides });

async function keep(...subjects: readonly ReturnType<typeof subject>[]): Promise<string[]> {
  await ledger.table.putEvents(subjects.map((one) => eventOf(one, NOW)));
  return subjects.map(({ webhook_id }) => webhook_id);
}

function recordAt(acceptedAt: string, state: DeliveryState, overrides: Partial<LedgerRecord> = {}): LedgerRecord {
  const before = newRecord(subjectAt(acceptedAt, `${acceptedAt}-${state}`), NOW);
  return { ...before, state, times: { [state]: at(13) }, version: 2, ...overrides };
}

async function write(...records: readonly LedgerRecord[]): Promise<void> {
  await Promise.all(records.map((record) => ledger.table.overwrite(record)));
}

const idsOf = async (lines: AsyncIterable<{ readonly webhook_id: string }>) =>
  (await Array.fromAsync(lines)).map(({ webhook_id }) => webhook_id).toSorted();

/** DynamoDB's pages are 1 MB; here they are as small as possible. */
function smallPages(): void {
  ledger.front.decide(({ operation, input }) =>
    operation === 'Query' || operation === 'Scan' ? { input: { ...input, Limit: 1 } } : 'pass',
  );
}

describe('the days with accepted events', () => {
  const daysOf = async (from: string, until: string) =>
    (await ledger.table.days({ from, until }))
      .filter((one) => one.integrationId === integrationId)
      .map((one) => one.day);

  beforeEach(() =>
    keep(
      ...['2026-01-14T23:59:59.999Z', '2026-01-15T00:00:00.000Z', '2026-01-16T10:00:00.000Z'].map((time) =>
        subjectAt(time),
      ),
    ),
  );

  test('are those of the span, oldest first, both ends included', async () => {
    expect(await daysOf('2026-01-14T23:00:00.000Z', '2026-01-16T01:00:00.000Z')).toEqual([
      '2026-01-14',
      '2026-01-15',
      '2026-01-16',
    ]);
    expect(await daysOf('2026-01-15T00:00:00.000Z', '2026-01-15T00:00:00.000Z')).toEqual(['2026-01-15']);
  });

  test('are all read, over all pages', async () => {
    smallPages();
    expect(await daysOf('2000-01-01T00:00:00.000Z', '2099-01-01T00:00:00.000Z')).toHaveLength(3);
  });

  test('are none in a span that ends before it begins', async () => {
    expect(await daysOf('2026-01-16T00:00:00.000Z', '2026-01-14T00:00:00.000Z')).toEqual([]);
  });
});

describe('a list of records', () => {
  test('has the attributes of the index', async () => {
    const due_at = at(14);
    const record = recordAt(at(9), 'scheduled', { generation: 2, attempt: 3, due_at, reason: 'answered 503' });
    await write(record);
    expect(await Array.fromAsync(ledger.table.listRecords(day(), WHOLE_DAY))).toEqual([
      {
        webhook_id: record.webhook_id,
        integration_id: integrationId,
        event_type: 'course_completion',
        accepted_at: at(9),
        state: 'scheduled',
        generation: 2,
        attempt: 3,
        changed_at: at(13),
        due_at,
        reason: 'answered 503',
        enterprise_customer_uuid: subject().enterprise_customer_uuid,
      },
    ]);
  });

  test('has every record of its integration and day, of all partitions and pages, and no event', async () => {
    const records = Array.from({ length: 30 }, (_, index) => recordAt(at(10, index), 'delivered'));
    await write(...records, recordAt('2026-01-14T23:59:59.999Z', 'delivered'));
    await keep(subjectAt(at(10)));
    smallPages();
    const ids = records.map(({ webhook_id }) => webhook_id).toSorted();
    expect(await idsOf(ledger.table.listRecords(day(), WHOLE_DAY))).toEqual(ids);
  });

  test('asks its sixteen partitions in parallel', async () => {
    ledger.front.decide(() => 'hang');
    Array.fromAsync(ledger.table.listRecords(day(), WHOLE_DAY)).catch(() => {});
    await until(() => ledger.front.calls.length === 16);
  });

  test('has both ends of its span', async () => {
    const records = [8, 9, 10, 11].map((hour) => recordAt(at(hour), 'delivered'));
    await write(...records);
    const within = records.slice(1, 3).map(({ webhook_id }) => webhook_id);
    expect(await idsOf(ledger.table.listRecords(day(), { from: at(9), until: at(10) }))).toEqual(within.toSorted());
    expect(await idsOf(ledger.table.listRecords(day(), { from: at(10), until: at(9) }))).toEqual([]);
  });

  test('is filtered by states and by a part of the reason', async () => {
    const parked = recordAt(at(8), 'parked', { reason: 'integration acme is paused' });
    const dead = recordAt(at(9), 'dead', { reason: 'answered 404' });
    const gone = recordAt(at(10), 'dead', { reason: 'answered 410' });
    await write(parked, dead, gone, recordAt(at(11), 'delivered'));
    const ids = (filter: Parameters<LedgerTable['listRecords']>[2]) =>
      idsOf(ledger.table.listRecords(day(), WHOLE_DAY, filter));
    expect(await ids({ states: ['dead'] })).toEqual([dead.webhook_id, gone.webhook_id].toSorted());
    expect(await ids({ states: ['dead', 'parked'] })).toHaveLength(3);
    expect(await ids({ reason: '410' })).toEqual([gone.webhook_id]);
    expect(await ids({ states: ['dead'], reason: 'paused' })).toEqual([]);
    expect(await ids({ states: [] })).toEqual([]);
  });

  test('reports the rows that were read, and not only those that fit, until it is stopped', async () => {
    await write(...Array.from({ length: 8 }, (_, index) => recordAt(at(10, index), 'delivered')));
    smallPages();
    const stop = new AbortController();
    let read = 0;
    const watch = {
      signal: stop.signal,
      report(rows: number) {
        read += rows;
      },
    };
    const dead = () => idsOf(ledger.table.listRecords(day(), WHOLE_DAY, { states: ['dead'] }, watch));
    expect(await dead()).toEqual([]);
    expect(read).toBe(8);
    stop.abort();
    const calls = ledger.front.calls.length;
    expect(await dead()).toEqual([]);
    expect({ read, calls: ledger.front.calls.length }).toEqual({ read: 8, calls });
  });

  test('that is stopped while it reads returns what it has, and no more', async () => {
    await write(...Array.from({ length: 40 }, (_, index) => recordAt(at(10, index), 'dead')));
    smallPages();
    const stop = new AbortController();
    const watch = { signal: stop.signal, report: () => stop.abort() };
    const found = await idsOf(ledger.table.listRecords(day(), WHOLE_DAY, {}, watch));
    expect(found.length).toBeLessThan(40);
  });
});

describe('a list of events', () => {
  test('has every event of its integration, day and span, and no record', async () => {
    const ids = await keep(...[8, 9, 10].map((hour) => subjectAt(at(hour))));
    await keep(subjectAt('2026-01-16T00:00:00.000Z'));
    await write(recordAt(at(9), 'delivered'));
    smallPages();
    expect(await idsOf(ledger.table.listEvents(day(), WHOLE_DAY))).toEqual(ids.toSorted());
    expect(await Array.fromAsync(ledger.table.listEvents(day(), { from: at(9), until: at(9) }))).toEqual([
      { webhook_id: ids[1], accepted_at: at(9) },
    ]);
  });

  test('is counted in the same way', async () => {
    await keep(...Array.from({ length: 20 }, (_, index) => subjectAt(at(10, index))));
    smallPages();
    expect(await ledger.table.countEvents(day(), WHOLE_DAY)).toBe(20);
    expect(await ledger.table.countEvents(day(), { from: at(10, 10), until: at(11) })).toBe(10);
    expect(await ledger.table.countEvents(day(), { from: at(11), until: at(10) })).toBe(0);
  });

  test('omits expired events, although DynamoDB has not deleted them', async () => {
    const [, later] = await keep(subjectAt(at(8)), subjectAt(at(10)));
    ledger.nowMs = Date.parse(at(9)) + 30 * 24 * 3600_000;
    expect(await idsOf(ledger.table.listEvents(day(), WHOLE_DAY))).toEqual([later]);
    expect(await ledger.table.countEvents(day(), WHOLE_DAY)).toBe(1);
    ledger.nowMs += 24 * 3600_000;
    expect(await idsOf(ledger.table.listEvents(day(), WHOLE_DAY))).toEqual([]);
    expect(await ledger.table.countEvents(day(), WHOLE_DAY)).toBe(0);
  });
});

describe.each([
  ['a day', 'listDay', 16],
  ['a part of a day', 'listPart', 32],
] as const)('a list of %s', (_, list, queries) => {
  const listed = async (span = WHOLE_DAY) =>
    (await Array.fromAsync(ledger.table[list](day(), span))).map(({ kind, webhook_id }) => `${kind} ${webhook_id}`);

  test('has what both lists have, in few queries, and a record before its event', async () => {
    const subjects = [8, 9, 10, 11].map((hour) => subjectAt(at(hour)));
    await keep(...subjects);
    await write(...subjects.slice(1).map((one) => ({ ...newRecord(one, NOW), version: 2 })));
    ledger.front.calls.length = 0;
    expect(await listed()).toHaveLength(7);
    expect(ledger.front.calls).toHaveLength(queries);
    smallPages();
    for (const [span, hours] of [
      [WHOLE_DAY, 4],
      [{ from: at(9), until: at(10) }, 2],
      [{ from: at(10), until: at(9) }, 0],
    ] as const) {
      const entries = await listed(span);
      const records = await idsOf(ledger.table.listRecords(day(), span));
      const events = await idsOf(ledger.table.listEvents(day(), span));
      expect(events).toHaveLength(hours);
      const expected = [...records.map((id) => `record ${id}`), ...events.map((id) => `event ${id}`)];
      expect(entries.toSorted()).toEqual(expected.toSorted());
      for (const id of records) expect(entries.indexOf(`record ${id}`)).toBeLessThan(entries.indexOf(`event ${id}`));
    }
  });

  test('omits expired events', async () => {
    const [, later] = await keep(subjectAt(at(8)), subjectAt(at(10)));
    ledger.nowMs = Date.parse(at(9)) + 30 * 24 * 3600_000;
    expect(await listed()).toEqual([`event ${later}`]);
  });
});

test('a list of a part of a day reads nothing else, however much the rest of the day has', async () => {
  const subjects = [8, 9, 10, 11].map((hour) => subjectAt(at(hour)));
  await keep(...subjects);
  await write(...subjects.map((one) => ({ ...newRecord(one, NOW), version: 2 })));
  let read = 0;
  ledger.client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      read += (result.output as { ScannedCount?: number }).ScannedCount ?? 0;
      return result;
    },
    { step: 'initialize', name: 'countsItems' },
  );
  try {
    await Array.fromAsync(ledger.table.listPart(day(), { from: at(9), until: at(10) }));
  } finally {
    ledger.client.middlewareStack.remove('countsItems');
  }
  expect(read).toBe(4);
});

describe('the latest records', () => {
  test('are the last ones accepted, of all partitions, latest first', async () => {
    await write(...Array.from({ length: 20 }, (_, index) => recordAt(at(10, index), 'delivered')));
    await keep(subjectAt(at(23)));
    smallPages();
    const latest = await ledger.table.latestRecords(day(), 5);
    expect(latest.map(({ accepted_at }) => accepted_at)).toEqual([19, 18, 17, 16, 15].map((second) => at(10, second)));
    expect(await ledger.table.latestRecords(day(), 100)).toHaveLength(20);
  });

  test('ask each partition for no more than that', async () => {
    await ledger.table.latestRecords(day(), 3);
    expect(ledger.front.calls.map(({ input }) => [input.Limit, input.ScanIndexForward])).toEqual(
      Array(16).fill([3, false]),
    );
    expect(await ledger.table.latestRecords(day(), 0)).toEqual([]);
  });
});

describe('a learner’s events', () => {
  const facts = (one: ReturnType<typeof subject>) => ({
    webhook_id: one.webhook_id,
    integration_id: integrationId,
    accepted_at: one.accepted_at,
  });

  test('are found by the learner’s number, wherever they are', async () => {
    const theirs = [8, 9].map((hour) => subjectAt(at(hour), `theirs-${hour}`, { user_id: '4711' }));
    await keep(...theirs, subjectAt(at(10), 'others', { user_id: '47110' }));
    smallPages();
    const found = await Array.fromAsync(ledger.table.eventsOf({ userId: '4711' }));
    expect(found.toSorted((one, other) => (one.accepted_at < other.accepted_at ? -1 : 1))).toEqual(theirs.map(facts));
  });

  test('are found by a text in their payload, if it names no user', async () => {
    const payload = '{"user":{"email":"learner@unique.example"}}';
    const { user_id: _, ...theirs } = subjectAt(at(8), 'theirs', { payload });
    // A user with a readable id may be mentioned in another's payload.
    await keep(theirs, subjectAt(at(9), 'others', { payload, user_id: '4713' }));
    expect(await Array.fromAsync(ledger.table.eventsOf({ containing: 'learner@unique.example' }))).toEqual([
      facts(theirs),
    ]);
  });

  test('are found until DynamoDB deletes them: expired events must be deleted too', async () => {
    const theirs = subjectAt(at(8), 'theirs', { user_id: '4712' });
    await keep(theirs);
    ledger.nowMs += 365 * 24 * 3600_000;
    expect(await Array.fromAsync(ledger.table.eventsOf({ userId: '4712' }))).toEqual([facts(theirs)]);
  });

  test('are searched in the whole table, and the number of items read is reported', async () => {
    await keep(...Array.from({ length: 20 }, (_, index) => subjectAt(at(10, index))));
    const reported: number[] = [];
    await Array.fromAsync(
      ledger.table.eventsOf({ userId: 'unknown' }, { report: (itemsRead) => reported.push(itemsRead) }),
    );
    expect(reported).toHaveLength(4);
    expect(reported.at(-1)).toBeGreaterThanOrEqual(20);
    expect(reported).toEqual(reported.toSorted((one, other) => one - other));
  });
});
