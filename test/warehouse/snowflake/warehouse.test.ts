import { existsSync } from 'node:fs';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { SecretUnavailable } from '../../../lambdas/shared/errors.ts';
import { learnerKeyText } from '../../../lambdas/warehouse/learning-time.ts';
import { loadSnowflakeSdk } from '../../../lambdas/warehouse/snowflake/sdk.ts';
import { until } from '../../support/assembly.ts';
import { closedAfterEach } from '../../support/closed-after-each.ts';
import { day, learner, NAMES } from '../../support/learning-time-table.ts';
import { createKeyPair, quietSnowflakeSdk, type SnowflakeFixture, startSnowflake } from '../../support/snowflake.ts';

/** Enough for a login and a query on a busy machine. */
const AMPLE_MS = 10_000;
jest.setTimeout(2 * AMPLE_MS);
const keyPair = createKeyPair();
const NO_DATA = { 1: { found: false } };
const keep = closedAfterEach();
const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown) => unhandled.push(reason);

type StartOptions = Partial<Parameters<typeof startSnowflake>[0]>;

async function start(options: StartOptions = {}): Promise<SnowflakeFixture> {
  const fixture = await startSnowflake({ keyPair, ...options });
  await keep(fixture.server);
  return fixture;
}

/** Learning times by user id. */
async function query({ warehouse }: SnowflakeFixture, userIds: readonly string[] = ['1'], deadlineMs = AMPLE_MS) {
  const results = await warehouse.query(userIds.map(learner), deadlineMs);
  return Object.fromEntries(userIds.map((userId) => [userId, results.get(learnerKeyText(learner(userId)))]));
}

const failureOf = (work: Promise<unknown>): Promise<unknown> => work.then(() => undefined).catch((thrown) => thrown);

const unavailable = (message: string | RegExp) => ({
  name: 'WarehouseUnavailable',
  message: typeof message === 'string' ? expect.stringContaining(message) : expect.stringMatching(message),
});

beforeAll(async () => {
  quietSnowflakeSdk();
  // Loaded here, so that no test's deadline has to cover it.
  await loadSnowflakeSdk();
  process.on('unhandledRejection', onUnhandled);
});

afterAll(() => {
  process.off('unhandledRejection', onUnhandled);
  expect(unhandled).toEqual([]);
  expect(existsSync('snowflake.log')).toBe(false);
});

describe('results', () => {
  test('are the sum of each learner, 0 or no data, with one query for all', async () => {
    const fixture = await start();
    const large = '900719925474099311';
    await fixture.server.load([
      day(1, '2026-01-09', 18_000),
      day(1, '2026-01-10', 540),
      day(2, '2026-01-10', null),
      day(3, '2026-01-10', 0),
      day(BigInt(large), '2026-01-10', 5),
    ]);
    expect(await query(fixture, ['1', '2', '3', '4', large])).toEqual({
      1: { found: true, totalSeconds: 18_540, lastDate: '2026-01-10' },
      2: { found: false },
      3: { found: true, totalSeconds: 0, lastDate: '2026-01-10' },
      4: { found: false },
      [large]: { found: true, totalSeconds: 5, lastDate: '2026-01-10' },
    });
    expect(fixture.server.queries()).toHaveLength(1);
  });

  test('for no keys need no login', async () => {
    const fixture = await start();
    expect(await fixture.warehouse.query([], AMPLE_MS)).toEqual(new Map());
    expect(fixture.secrets.calls.read).toBe(0);
  });

  test('are read from columns of type DOUBLE and TIMESTAMP', async () => {
    const { courseId, enterpriseId } = learner('1');
    const fixture = await start({ names: { ...NAMES, table: 'PROD.BUSINESS_INTELLIGENCE.TYPED' } });
    await fixture.server.execute(
      `CREATE TABLE PROD.BUSINESS_INTELLIGENCE.TYPED AS
      SELECT USER_ID, '${courseId}' AS COURSE_KEY, '${enterpriseId}' AS ENTERPRISE_CUSTOMER_UUID,
        CAST('2026-01-10 23:30:00' AS TIMESTAMP) AS DATE, CAST(SECONDS AS DOUBLE) AS LEARNING_TIME_SECONDS
      FROM (VALUES (1, 18000.5), (1, 539.5), (2, 0.5), (3, 1234567890)) AS typed(USER_ID, SECONDS)`,
    );
    expect(await query(fixture, ['1', '2', '3'])).toEqual({
      1: { found: true, totalSeconds: 18_540, lastDate: '2026-01-10' },
      2: { failed: true, reason: 'total seconds are not a whole number from 0' },
      3: { found: true, totalSeconds: 1_234_567_890, lastDate: '2026-01-10' },
    });
  });
});

describe('the login', () => {
  test('is shared by concurrent queries, and kept for later ones', async () => {
    const fixture = await start();
    await Promise.all([query(fixture), query(fixture), query(fixture, ['2'])]);
    await query(fixture);
    expect(fixture.server.loginCount()).toBe(1);
    expect(fixture.secrets.calls).toEqual({ read: 1, refetch: 0 });
    expect(fixture.server.queries()).toHaveLength(4);
  });

  // `snowflake-secret.test.ts` has the forms of keys and accounts.
  test.each<[string, StartOptions]>([
    ['a password and no key', { login: { password: 'pw' }, secret: { private_key: undefined, password: 'pw' } }],
    ['a locator with its region', { login: { account: 'xy12345' }, secret: { account: 'xy12345.us-east-1' } }],
  ])('accepts %s', async (_what, options) => {
    expect(await query(await start(options))).toEqual(NO_DATA);
  });

  test('after a rotated key: one refetch and one more login, also for concurrent queries', async () => {
    const next = createKeyPair();
    const fixture = await start();
    const stored = { ...(await fixture.secrets.stored()), private_key: next.privateKey };
    fixture.server.rotateKey(next.publicKey);
    fixture.secrets.stored = async () => stored;
    await Promise.all([query(fixture), query(fixture, ['2'])]);
    expect(fixture.secrets.calls).toEqual({ read: 1, refetch: 1 });
    expect(fixture.server.loginCount()).toBe(2);
  });

  test('is not repeated with a refused secret that has not changed', async () => {
    const fixture = await start();
    fixture.server.setMode('refuse');
    await expect(query(fixture)).rejects.toMatchObject(unavailable('390144'));
    expect(fixture.secrets.calls).toEqual({ read: 1, refetch: 1 });
    expect(fixture.server.loginCount()).toBe(1);
  });

  test('fails after a second refusal', async () => {
    const fixture = await start({ secret: { private_key: createKeyPair().privateKey } });
    const stored = { ...(await fixture.secrets.stored()), private_key: createKeyPair().privateKey };
    fixture.secrets.stored = async () => stored;
    await expect(query(fixture)).rejects.toMatchObject(unavailable('390144'));
    expect(fixture.server.loginCount()).toBe(2);
  });

  test('refetches a secret whose key the SDK cannot read', async () => {
    const fixture = await start();
    const broken = { ...(await fixture.secrets.stored()), private_key: 'c3BvaWxlZA==' };
    fixture.secrets.cached = async () => broken;
    expect(await query(fixture)).toEqual(NO_DATA);
    expect(fixture.server.loginCount()).toBe(1);
  });

  test('fails if the secret cannot be read', async () => {
    const fixture = await start();
    fixture.secrets.cached = async () => {
      throw new SecretUnavailable('no such secret');
    };
    await expect(query(fixture)).rejects.toMatchObject({
      ...unavailable(/^Snowflake: no such secret$/),
      cause: { name: 'SecretUnavailable' },
    });
  });
});

describe('the session', () => {
  test('is renewed without a login after it has expired', async () => {
    const fixture = await start();
    await query(fixture);
    fixture.server.expireSessions();
    expect(await query(fixture)).toEqual(NO_DATA);
    expect(fixture.server.loginCount()).toBe(1);
  });

  test('is replaced once if it is gone, with the same secret', async () => {
    const fixture = await start();
    await query(fixture);
    fixture.server.endSessions();
    expect(await query(fixture)).toEqual(NO_DATA);
    expect(fixture.server.loginCount()).toBe(2);
    expect(fixture.secrets.calls.refetch).toBe(0);
    expect(fixture.log.lines).toMatchObject([{ level: 'warn', fields: { kind: 'gone' } }]);
  });

  test('is still used after a failed statement', async () => {
    const fixture = await start({ names: { ...NAMES, table: 'PROD.BUSINESS_INTELLIGENCE.LATER' } });
    await expect(query(fixture)).rejects.toMatchObject(
      unavailable(/the query failed \(code 002003, SQL state 42S02, query [0-9a-f-]{36}\)/),
    );
    await fixture.server.execute(
      'CREATE VIEW PROD.BUSINESS_INTELLIGENCE.LATER AS FROM PROD.BUSINESS_INTELLIGENCE.LEARNING_TIME',
    );
    expect(await query(fixture)).toEqual(NO_DATA);
    expect(fixture.server.loginCount()).toBe(1);
  });

  test('has the query tag, no limit of rows, and the remaining time in whole seconds', async () => {
    const fixture = await start();
    await query(fixture);
    await query(fixture, ['1'], 1900);
    const [first, second] = fixture.server.queries().map(({ parameters }) => parameters);
    expect(first).toEqual({
      QUERY_TAG: 'learning-time-test',
      STATEMENT_TIMEOUT_IN_SECONDS: expect.any(Number),
      ROWS_PER_RESULTSET: 0,
    });
    expect(first?.STATEMENT_TIMEOUT_IN_SECONDS).toBeGreaterThan(2);
    expect(first?.STATEMENT_TIMEOUT_IN_SECONDS).toBeLessThanOrEqual(10);
    expect([1, 2]).toContain(second?.STATEMENT_TIMEOUT_IN_SECONDS);
  });
});

describe('the deadline', () => {
  const DEADLINE_MS = 300;
  /** For what must reach the server before the deadline, on a busy machine. */
  const LATER_DEADLINE_MS = 900;

  test('ends a login that hangs, and the next query logs in again', async () => {
    const fixture = await start();
    fixture.server.setMode('hang');
    expect(await failureOf(query(fixture, ['1'], DEADLINE_MS))).toMatchObject(unavailable('at the login'));
    // The SDK itself would hold its request for ten seconds.
    await until(() => fixture.server.heldRequestCount() === 0);
    fixture.server.setMode('up');
    expect(await query(fixture)).toEqual(NO_DATA);
  });

  test('ends a query that hangs, logs out, and costs a concurrent query a new login but not its result', async () => {
    const fixture = await start();
    await query(fixture);
    fixture.server.setMode('hang');
    const short = failureOf(query(fixture, ['1'], LATER_DEADLINE_MS));
    const long = query(fixture);
    await until(() => fixture.server.heldRequestCount() === 2);
    fixture.server.setMode('up');
    expect(await short).toMatchObject({
      ...unavailable('no response within 900 ms, at the query'),
      cause: { name: 'SnowflakeFailure', code: 'deadline' },
    });
    expect(await long).toEqual(NO_DATA);
    expect(fixture.server.loginCount()).toBe(2);
    await until(() => fixture.server.heldRequestCount() === 0 && fixture.server.sessionCount() === 1);
  });

  test('covers a secret that is not read', async () => {
    const fixture = await start();
    const { cached } = fixture.secrets;
    fixture.secrets.cached = () => new Promise(() => undefined);
    await expect(query(fixture, ['1'], DEADLINE_MS)).rejects.toThrow('no response within 300 ms');
    fixture.secrets.cached = cached;
    expect(await query(fixture)).toEqual(NO_DATA);
  });
});

describe('an unreachable warehouse', () => {
  test('fails a login immediately, without a refetch, and is used again when it is up', async () => {
    const fixture = await start();
    fixture.server.setMode('down');
    await expect(query(fixture)).rejects.toMatchObject(
      unavailable(/^Snowflake: the login failed \(code 401001, ECONNRESET\)$/),
    );
    expect(fixture.secrets.calls.refetch).toBe(0);
    fixture.server.setMode('up');
    expect(await query(fixture)).toEqual(NO_DATA);
  });

  test('fails a query after two requests in a row failed, long before its deadline', async () => {
    const fixture = await start();
    await query(fixture);
    fixture.server.setMode('down');
    await expect(query(fixture, ['1'], 60_000)).rejects.toMatchObject(
      unavailable(/^Snowflake: two requests in a row failed$/),
    );
    fixture.server.setMode('up');
    expect(await query(fixture)).toEqual(NO_DATA);
    expect(fixture.server.loginCount()).toBe(2);
  });
});

test('no error, cause or log line contains a password, a bind value or a token', async () => {
  const password = 'hunter2-hunter2';
  const fixture = await start({ login: { password }, secret: { private_key: undefined, password } });
  await fixture.server.load([day(4711, '2026-01-10', 5)]);
  await query(fixture, ['4711']);
  fixture.server.setMode('refuse');
  const refused = await failureOf(query(fixture, ['4711']));
  fixture.server.setMode('up');
  // Snowflake's message about a bind that it cannot cast.
  await fixture.server.execute('ALTER TABLE PROD.BUSINESS_INTELLIGENCE.LEARNING_TIME RENAME TO RENAMED');
  await fixture.server.execute(
    `CREATE VIEW PROD.BUSINESS_INTELLIGENCE.LEARNING_TIME AS
    SELECT * REPLACE (error('Numeric value ''4711'' is not recognized')::VARCHAR AS COURSE_KEY)
    FROM PROD.BUSINESS_INTELLIGENCE.RENAMED`,
  );
  const failed = await failureOf(query(fixture, ['4711']));

  const everything = inspect([refused, failed, fixture.log.lines], { depth: 20, showHidden: true });
  expect(everything).toContain('390100');
  expect(everything).toContain('002003');
  for (const word of [password, '4711', learner('1').courseId, learner('1').enterpriseId, 'Snowflake Token']) {
    expect(everything).not.toContain(word);
  }
});
