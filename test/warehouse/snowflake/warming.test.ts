import { existsSync } from 'node:fs';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { InputInvalid } from '../../../lambdas/shared/errors.ts';
import { loadSnowflakeSdk } from '../../../lambdas/warehouse/snowflake/sdk.ts';
import type { WarmRow, WarmSelection } from '../../../lambdas/warehouse/warming.ts';
import { until } from '../../support/assembly.ts';
import { closedAfterEach } from '../../support/closed-after-each.ts';
import { courseId, day, enterpriseId, learner, NAMES } from '../../support/learning-time-table.ts';
import { createKeyPair, quietSnowflakeSdk, type SnowflakeFixture, startSnowflake } from '../../support/snowflake.ts';

/** Enough for a login and a query on a busy machine. */
const AMPLE_MS = 10_000;
/** For waits that must end: enough for a response on a busy machine. */
const SHORT_MS = 1_500;
jest.setTimeout(3 * AMPLE_MS);
const keyPair = createKeyPair();
const keep = closedAfterEach();
const now = () => Date.parse('2026-01-24T10:00:00Z');
const SELECTION: WarmSelection = { enterpriseIds: [enterpriseId], activeDays: 14, maxRows: 1_000_000 };
const otherEnterpriseId = 'b2c3d4e5-f6a7-8901-bcde-f12345678901';

/** Rows in a response itself; `local/snowflake/results.ts` has the source. */
const INLINE = 12_288;
/** Their further rows are in two chunks, of 1 and up to 2 MB. */
const MANY = 30_000;

async function start(options: Partial<Parameters<typeof startSnowflake>[0]> = {}): Promise<SnowflakeFixture> {
  const fixture = await startSnowflake({ keyPair, now, ...options });
  await keep(fixture.server);
  await keep(fixture.warming);
  return fixture;
}

/** Learners 1 to `rows`, all on one day, with as many seconds as their number. */
const loadMany = ({ server }: SnowflakeFixture, rows = MANY) =>
  server.execute(`INSERT INTO ${NAMES.table}
    SELECT i, '${courseId}', '${enterpriseId}', DATE '2026-01-20', i FROM range(1, ${rows + 1}) AS numbers(i)`);

/** A table of another shape, made by a DuckDB query. */
async function startWith(select: string): Promise<SnowflakeFixture> {
  const table = 'PROD.BUSINESS_INTELLIGENCE.OTHER';
  const fixture = await start({ names: { ...NAMES, table } });
  await fixture.server.execute(`CREATE TABLE ${table} AS ${select}`);
  return fixture;
}

const begin = ({ warming }: SnowflakeFixture, selection: Partial<WarmSelection> = {}, deadlineMs = AMPLE_MS) =>
  warming.start({ ...SELECTION, ...selection }, deadlineMs);

async function all(rows: AsyncIterable<readonly WarmRow[]>): Promise<WarmRow[]> {
  const read: WarmRow[] = [];
  for await (const batch of rows) read.push(...batch);
  return read;
}

async function warm(fixture: SnowflakeFixture, selection: Partial<WarmSelection> = {}): Promise<WarmRow[]> {
  const { queryId, rows } = await begin(fixture, selection);
  const read = await all(fixture.warming.rows(queryId, 0, AMPLE_MS));
  expect(read).toHaveLength(rows);
  return read;
}

const found = (userId: string, totalSeconds: number, lastDate = '2026-01-20') => ({
  key: learner(userId),
  learningTime: { found: true, totalSeconds, lastDate },
});

const userIdOf = (row: WarmRow | undefined) => (row && 'key' in row ? Number(row.key.userId) : undefined);
const failureOf = (work: Promise<unknown>): Promise<unknown> => work.then(() => undefined).catch((thrown) => thrown);
const unavailable = (message: string | RegExp) => ({
  name: 'WarehouseUnavailable',
  message: typeof message === 'string' ? expect.stringContaining(message) : expect.stringMatching(message),
});
const gone = { name: 'WarmResultGone' };

const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown) => unhandled.push(reason);
beforeAll(async () => {
  quietSnowflakeSdk();
  await loadSnowflakeSdk();
  process.on('unhandledRejection', onUnhandled);
});

afterAll(() => {
  process.off('unhandledRejection', onUnhandled);
  expect(unhandled).toEqual([]);
  expect(existsSync('snowflake.log')).toBe(false);
});

describe('the change token', () => {
  test('stays until the table changes, and then is greater', async () => {
    const { server, warming } = await start();
    const first = await warming.changeToken(AMPLE_MS);
    expect(first).toMatch(/^\d{19}$/);
    expect(await warming.changeToken(AMPLE_MS)).toBe(first);
    await server.load([day(1, '2026-01-20', 60)]);
    expect(BigInt(await warming.changeToken(AMPLE_MS))).toBeGreaterThan(BigInt(first));
  });

  test('is read in a session without a warehouse, and so are stored results; only the query has one', async () => {
    const fixture = await start();
    await fixture.warming.changeToken(AMPLE_MS);
    await warm(fixture);
    const warehouses = fixture.server.queries().map(({ warehouse }) => warehouse);
    expect(warehouses).toEqual([null, 'COMPUTE_WH', 'COMPUTE_WH', 'COMPUTE_WH']);
    expect(fixture.server.loginCount()).toBe(2);
  });

  test('needs no grant on a warehouse, unlike the query', async () => {
    const fixture = await start({ login: { warehouses: [] } });
    expect(await fixture.warming.changeToken(AMPLE_MS)).toMatch(/^\d{19}$/);
    expect(await failureOf(begin(fixture))).toMatchObject(unavailable('000606'));
  });

  test.each([null, '0', '17689896000000000000'])(
    'is refused if it is %p: the kind of table has none, or another one',
    async (token) => {
      const { server, warming } = await start();
      server.setChangeToken(token);
      expect(await failureOf(warming.changeToken(AMPLE_MS))).toMatchObject(unavailable('has no change token'));
      server.setChangeToken('1768989600000000000');
      expect(await warming.changeToken(AMPLE_MS)).toBe('1768989600000000000');
      expect(server.loginCount()).toBe(1);
    },
  );

  test('fails for a table that does not exist', async () => {
    const { warming } = await start({ names: { ...NAMES, table: 'PROD.BUSINESS_INTELLIGENCE.NOWHERE' } });
    expect(await failureOf(warming.changeToken(AMPLE_MS))).toMatchObject(unavailable('002003'));
  });

  test('ends at its deadline', async () => {
    const { server, warming } = await start();
    server.setMode('hang');
    expect(await failureOf(warming.changeToken(200))).toMatchObject(unavailable('no response within 200 ms'));
  });

  test('after a rotated key: one refetch and one more login', async () => {
    const next = createKeyPair();
    const { server, secrets, warming } = await start();
    const stored = { ...(await secrets.stored()), private_key: next.privateKey };
    secrets.stored = async () => stored;
    server.rotateKey(next.publicKey);
    expect(await warming.changeToken(AMPLE_MS)).toMatch(/^\d{19}$/);
    expect(secrets.calls).toEqual({ read: 1, refetch: 1 });
    expect(server.loginCount()).toBe(2);
  });
});

describe('the query of a warm run', () => {
  test('sums over all time for learners with recent activity, the newest first', async () => {
    const fixture = await start();
    await fixture.server.load([
      day(1, '2025-06-01', 18_000),
      day(1, '2026-01-10', 540),
      day(2, '2026-01-23', 60),
      day(3, '2026-01-09', 60),
    ]);
    expect(await warm(fixture)).toEqual([found('2', 60, '2026-01-23'), found('1', 18_540, '2026-01-10')]);
    expect(await warm(fixture, { activeDays: 1 })).toEqual([found('2', 60, '2026-01-23')]);
  });

  test('has the same order for the same date, and drops the oldest over its limit', async () => {
    const fixture = await start();
    const days = [
      day(20, '2026-01-20', 1),
      day(3, '2026-01-20', 1),
      day(1, '2026-01-12', 1),
      day(100, '2026-01-21', 1),
    ];
    await fixture.server.load(days);
    const newest = [found('100', 1, '2026-01-21'), found('3', 1), found('20', 1)];
    expect(await warm(fixture, { maxRows: 3 })).toEqual(newest);
    await fixture.server.load(days.toReversed());
    expect(await warm(fixture, { maxRows: 3 })).toEqual(newest);
  });

  test('selects the given enterprises, in the form of the table', async () => {
    const fixture = await start({ names: { ...NAMES, enterpriseIdForm: 'upper_undashed' } });
    const inTable = (id: string) => id.replaceAll('-', '').toUpperCase();
    await fixture.server.load([
      { ...day(1, '2026-01-20', 60), enterpriseId: inTable(enterpriseId) },
      { ...day(2, '2026-01-20', 60), enterpriseId: inTable(otherEnterpriseId) },
      { ...day(3, '2026-01-20', 60), enterpriseId: inTable('c3d4e5f6-a7b8-9012-cdef-123456789012') },
    ]);
    expect(await warm(fixture, { enterpriseIds: [enterpriseId, otherEnterpriseId] })).toEqual([
      found('1', 60),
      { ...found('2', 60), key: { ...learner('2'), enterpriseId: otherEnterpriseId } },
    ]);
    expect(inspect(fixture.server.queries().map(({ sqlText }) => sqlText))).not.toContain(inTable(enterpriseId));
  });

  test('waits for a result that takes longer than one request', async () => {
    const fixture = await start();
    await fixture.server.load([day(1, '2026-01-20', 60)]);
    fixture.server.setSlow(true);
    const { queryId, rows } = await begin(fixture);
    expect(rows).toBe(1);
    expect(await all(fixture.warming.rows(queryId, 0, AMPLE_MS))).toEqual([found('1', 60)]);
  });

  test('has the remaining time as its timeout, small chunks and no limit of rows', async () => {
    const fixture = await start();
    await begin(fixture, {}, AMPLE_MS);
    expect(fixture.server.queries().at(-1)?.parameters).toEqual({
      QUERY_TAG: 'learning-time-test',
      STATEMENT_TIMEOUT_IN_SECONDS: expect.any(Number),
      ROWS_PER_RESULTSET: 0,
      CLIENT_RESULT_CHUNK_SIZE: 16,
    });
  });

  test('is not limited by ROWS_PER_RESULTSET of the user', async () => {
    const fixture = await start({ login: { rowsPerResultset: 1 } });
    await fixture.server.load([day(1, '2026-01-20', 60), day(2, '2026-01-20', 60)]);
    expect(await warm(fixture)).toHaveLength(2);
  });

  test('ends at its deadline, and the next one works', async () => {
    const fixture = await start();
    fixture.server.setMode('hang');
    const failure = await failureOf(begin(fixture, {}, 200));
    expect(failure).toMatchObject(unavailable('no response within 200 ms'));
    fixture.server.setMode('up');
    expect(await begin(fixture)).toMatchObject({ rows: 0 });
  });

  test('fails with a reason if a column is missing, has another type or is collated', async () => {
    const missing = await startWith(`SELECT 1 AS USER_ID, 'c' AS COURSE_KEY, 'e' AS ENTERPRISE_CUSTOMER_UUID`);
    expect(await failureOf(begin(missing))).toMatchObject(unavailable('DATE is missing'));
    const textual = await startWith(`SELECT 'seven' AS USER_ID, '${courseId}' AS COURSE_KEY,
      '${enterpriseId}' AS ENTERPRISE_CUSTOMER_UUID, DATE '2026-01-20' AS DATE, 60 AS LEARNING_TIME_SECONDS`);
    expect(await failureOf(begin(textual))).toMatchObject(unavailable('USER_ID TEXT is not a whole number'));
    const collated = await start();
    await collated.server.load([day(1, '2026-01-20', 60)]);
    collated.server.setCollation('en-ci');
    expect(await failureOf(begin(collated))).toMatchObject(unavailable('COURSE_KEY has the collation en-ci'));
    collated.server.setCollation('utf8');
    expect(await warm(collated)).toHaveLength(1);
  });

  test('refuses a selection without enterprises', async () => {
    const fixture = await start();
    expect(await failureOf(begin(fixture, { enterpriseIds: [] }))).toBeInstanceOf(InputInvalid);
    expect(fixture.server.loginCount()).toBe(0);
  });

  test('has failures without bind values', async () => {
    const fixture = await start({ names: { ...NAMES, table: 'PROD.BUSINESS_INTELLIGENCE.NOWHERE' } });
    const failure = await failureOf(begin(fixture));
    expect(failure).toMatchObject(unavailable('002003'));
    expect(inspect(failure, { depth: Infinity })).not.toContain(enterpriseId);
  });
});

describe('the rows of a result', () => {
  test('come in chunks, each once and in order', async () => {
    const fixture = await start();
    await loadMany(fixture);
    const rows = await warm(fixture);
    expect(rows.map(userIdOf).join()).toBe(Array.from({ length: MANY }, (_, index) => index + 1).join());
    expect(rows.at(-1)).toEqual(found(String(MANY), MANY));
    expect(fixture.server.chunkRequestCount()).toBe(2);
  });

  test('come from a row on, without the chunks before it, also in another session', async () => {
    const fixture = await start();
    await loadMany(fixture);
    const { queryId } = await begin(fixture);
    await fixture.warming.close();
    fixture.server.endSessions();
    const rest = await all(fixture.warming.rows(queryId, MANY - 5, AMPLE_MS));
    expect(rest).toEqual([4, 3, 2, 1, 0].map((before) => found(String(MANY - before), MANY - before)));
    expect(fixture.server.chunkRequestCount()).toBe(1);
    expect(await all(fixture.warming.rows(queryId, MANY, AMPLE_MS))).toEqual([]);
  });

  test('are read at the pace of the reader: one chunk is requested in advance', async () => {
    const fixture = await start();
    await loadMany(fixture);
    const { queryId } = await begin(fixture);
    let read = 0;
    for await (const batch of fixture.warming.rows(queryId, 0, AMPLE_MS)) {
      read += batch.length;
      if (read < INLINE - 1_000) expect(fixture.server.chunkRequestCount()).toBeLessThanOrEqual(1);
    }
    expect(read).toBe(MANY);
  });

  test('are unreadable one by one: the others are read', async () => {
    const name = `'${courseId}' AS COURSE_KEY, '${enterpriseId}' AS ENTERPRISE_CUSTOMER_UUID`;
    const fixture = await startWith(`
      SELECT USER_ID, ${name}, DATE '2026-01-20' AS DATE, SECONDS AS LEARNING_TIME_SECONDS
      FROM (VALUES (1, 60.0), (NULL, 60), (2, 0.5), (3, -1), (4, NULL), (5, 120)) AS typed(USER_ID, SECONDS)`);
    const rows = await warm(fixture);
    const readable = rows.filter((row) => 'key' in row);
    expect(readable).toEqual([found('1', 60), { key: learner('4'), learningTime: { found: false } }, found('5', 120)]);
    const reasons = rows.flatMap((row) => ('unreadable' in row ? [row.unreadable] : []));
    expect(reasons).toHaveLength(3);
    expect(reasons.join()).not.toContain(courseId);
  });

  test('stop within the longest wait if the warehouse hangs in the middle; the next run continues', async () => {
    const fixture = await start();
    await loadMany(fixture);
    const { queryId } = await begin(fixture);
    fixture.server.holdChunksFrom(1);
    const read: WarmRow[] = [];
    const failure = await failureOf(
      (async () => {
        for await (const batch of fixture.warming.rows(queryId, 0, SHORT_MS)) read.push(...batch);
      })(),
    );
    expect(failure).toMatchObject(unavailable(`no further rows within ${SHORT_MS} ms`));
    expect(read.length).toBeGreaterThan(INLINE);
    expect(read.length).toBeLessThan(MANY);
    // Its requests have ended too.
    await until(() => fixture.server.heldRequestCount() === 0);
    fixture.server.holdChunksFrom(undefined);
    const rest = await all(fixture.warming.rows(queryId, read.length, AMPLE_MS));
    expect([...read, ...rest]).toHaveLength(MANY);
    expect(userIdOf(rest[0])).toBe(read.length + 1);
  });

  test('end with a failure if the network breaks in the middle', async () => {
    const fixture = await start();
    await loadMany(fixture);
    const { queryId } = await begin(fixture);
    const reading = failureOf(
      (async () => {
        for await (const _ of fixture.warming.rows(queryId, 0, AMPLE_MS)) fixture.server.setMode('down');
      })(),
    );
    expect(await reading).toMatchObject(unavailable('two requests in a row failed'));
  });

  test.each<[string, (fixture: SnowflakeFixture) => void]>([
    ['has ended', ({ server }) => server.endSessions()],
    ['has expired', ({ server }) => server.expireSessions()],
  ])('are read in a new session if the session %s', async (_what, endSession) => {
    const fixture = await start();
    await fixture.server.load([day(1, '2026-01-20', 60)]);
    await fixture.warming.changeToken(AMPLE_MS);
    const { queryId } = await begin(fixture);
    endSession(fixture);
    expect(await all(fixture.warming.rows(queryId, 0, AMPLE_MS))).toEqual([found('1', 60)]);
  });

  test('are gone when their result has expired, is unknown, or has no id of a query', async () => {
    const fixture = await start();
    const { queryId } = await begin(fixture);
    fixture.server.expireResults();
    expect(await failureOf(all(fixture.warming.rows(queryId, 0, AMPLE_MS)))).toMatchObject(gone);
    const unknown = '01b2c3d4-0000-1111-0000-000000000001';
    expect(await failureOf(all(fixture.warming.rows(unknown, 0, AMPLE_MS)))).toMatchObject(gone);
    expect(await failureOf(all(fixture.warming.rows('../../session', 0, AMPLE_MS)))).toMatchObject(gone);
    expect(fixture.server.loginCount()).toBe(2);
  });

  test('can be left in the middle: nothing stays open, and the next call logs in again', async () => {
    const fixture = await start();
    await loadMany(fixture);
    const { queryId } = await begin(fixture);
    for await (const batch of fixture.warming.rows(queryId, 0, AMPLE_MS)) {
      expect(batch.length).toBeGreaterThan(0);
      break;
    }
    await until(() => fixture.server.sessionCount() === 1);
    expect(await fixture.warming.changeToken(AMPLE_MS)).toMatch(/^\d{19}$/);
  });

  test('have failures without row content', async () => {
    const fixture = await start();
    await loadMany(fixture);
    const { queryId } = await begin(fixture);
    fixture.server.holdChunksFrom(0);
    const failure = await failureOf(all(fixture.warming.rows(queryId, INLINE, SHORT_MS)));
    expect(failure).toMatchObject({ name: 'WarehouseUnavailable' });
    expect(inspect(failure, { depth: Infinity })).not.toMatch(/course-v1|a1b2c3d4/);
  });
});
