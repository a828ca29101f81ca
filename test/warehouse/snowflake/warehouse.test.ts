import { createPrivateKey } from 'node:crypto';
import { existsSync } from 'node:fs';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { EnvironmentInvalid, SecretUnavailable } from '../../../lambdas/shared/errors.ts';
import { learnerKeyText } from '../../../lambdas/warehouse/learning-time.ts';
import { loadSnowflakeSdk } from '../../../lambdas/warehouse/snowflake/sdk.ts';
import { createSnowflakeWarehouse } from '../../../lambdas/warehouse/snowflake/warehouse.ts';
import { closedAfterEach } from '../../support/closed-after-each.ts';
import { recordingLog } from '../../support/recording-log.ts';
import {
  createKeyPair,
  day,
  learner,
  NAMES,
  quietSnowflakeSdk,
  type SnowflakeFixture,
  startSnowflake,
  stubSecrets,
} from '../../support/snowflake.ts';

/** Enough for a login and a query on a busy machine. */
const AMPLE_MS = 10_000;
jest.setTimeout(2 * AMPLE_MS);
const keyPair = createKeyPair();
const keep = closedAfterEach();
const unhandled: unknown[] = [];
const noteUnhandled = (reason: unknown) => unhandled.push(reason);

type StartOptions = Partial<Parameters<typeof startSnowflake>[0]>;

async function start(options: StartOptions = {}): Promise<SnowflakeFixture> {
  const fixture = await startSnowflake({ keyPair, ...options });
  await keep(fixture.server);
  return fixture;
}

/** The answers by user id. */
async function ask({ warehouse }: SnowflakeFixture, userIds: readonly string[], deadlineMs = AMPLE_MS) {
  const answers = await warehouse.query(userIds.map(learner), deadlineMs);
  return Object.fromEntries(userIds.map((userId) => [userId, answers.get(learnerKeyText(learner(userId)))]));
}

beforeAll(async () => {
  quietSnowflakeSdk();
  // Loaded here, so that no test's deadline has to cover it.
  await loadSnowflakeSdk();
  process.on('unhandledRejection', noteUnhandled);
});

afterAll(() => {
  process.off('unhandledRejection', noteUnhandled);
  expect(unhandled).toEqual([]);
  expect(existsSync('snowflake.log')).toBe(false);
});

describe('answers', () => {
  test('sums each learner, distinguishes no data from a sum of 0, and queries once for all', async () => {
    const fixture = await start();
    await fixture.server.load([
      day(1, '2026-01-09', 18_000),
      day(1, '2026-01-10', 540),
      day(2, '2026-01-10', null),
      day(3, '2026-01-10', 0),
    ]);

    expect(await ask(fixture, ['1', '2', '3', '4'])).toEqual({
      1: { found: true, totalSeconds: 18_540, lastDate: '2026-01-10' },
      2: { found: false },
      3: { found: true, totalSeconds: 0, lastDate: '2026-01-10' },
      4: { found: false },
    });
    expect(fixture.server.queries()).toHaveLength(1);
  });

  test('finds a learner whose id a JavaScript number cannot hold', async () => {
    const fixture = await start();
    await fixture.server.load([day(900_719_925_474_099_311n, '2026-01-10', 5)]);
    expect(await ask(fixture, ['900719925474099311', '900719925474099312'])).toEqual({
      '900719925474099311': { found: true, totalSeconds: 5, lastDate: '2026-01-10' },
      '900719925474099312': { found: false },
    });
  });

  test('finds learners in a table that writes UUIDs in capitals and without dashes', async () => {
    const fixture = await start({ names: { ...NAMES, enterpriseIdForm: 'upper_undashed' } });
    const enterpriseId = learner('1').enterpriseId.replaceAll('-', '').toUpperCase();
    await fixture.server.load([{ ...day(1, '2026-01-10', 5), enterpriseId }]);
    expect(await ask(fixture, ['1'])).toEqual({ 1: { found: true, totalSeconds: 5, lastDate: '2026-01-10' } });
  });

  test('asks nothing for no keys', async () => {
    const fixture = await start();
    expect(await fixture.warehouse.query([], AMPLE_MS)).toEqual(new Map());
    expect(fixture.secrets.calls.read).toBe(0);
  });

  test.each([
    ['DECIMAL(20, 2)', '2026-01-10 23:30:00', 'TIMESTAMP'],
    ['DOUBLE', '2026-01-10 00:00:00', 'TIMESTAMP'],
    ['DECIMAL(38, 10)', '2026-01-10', 'DATE'],
  ])('seconds as %s and a date as %s %s are read', async (seconds, date, type) => {
    const { courseId, enterpriseId } = learner('1');
    const fixture = await start({ names: { ...NAMES, table: 'PROD.BUSINESS_INTELLIGENCE.TYPED' } });
    await fixture.server.execute(
      `CREATE TABLE PROD.BUSINESS_INTELLIGENCE.TYPED AS
      SELECT USER_ID, '${courseId}' AS COURSE_KEY, '${enterpriseId}' AS ENTERPRISE_CUSTOMER_UUID,
        CAST('${date}' AS ${type}) AS DATE, CAST(SECONDS AS ${seconds}) AS LEARNING_TIME_SECONDS
      FROM (VALUES (1, 18000.5), (1, 539.5), (2, 0.5), (3, 1234567890)) AS typed(USER_ID, SECONDS)`,
    );
    expect(await ask(fixture, ['1', '2', '3'])).toEqual({
      1: { found: true, totalSeconds: 18_540, lastDate: '2026-01-10' },
      2: { failed: true, reason: 'total seconds are not a whole number from 0' },
      3: { found: true, totalSeconds: 1_234_567_890, lastDate: '2026-01-10' },
    });
  });
});

describe('the login', () => {
  test('is made once for asks that come together, and kept for those that follow', async () => {
    const fixture = await start();
    await fixture.server.load([day(1, '2026-01-10', 5)]);
    await Promise.all([ask(fixture, ['1']), ask(fixture, ['1']), ask(fixture, ['2'])]);
    await ask(fixture, ['1']);
    expect(fixture.server.loginCount()).toBe(1);
    expect(fixture.secrets.calls).toEqual({ read: 1, refetch: 0 });
    expect(fixture.server.queries()).toHaveLength(4);
  });

  const encrypted = createKeyPair('correct horse');
  const bare = keyPair.privateKey.replaceAll(/-----.*-----|\s/g, '');
  const pkcs1 = createPrivateKey(keyPair.privateKey).export({ type: 'pkcs1', format: 'pem' });

  test.each<[string, StartOptions]>([
    ['a key without header and line breaks', { secret: { private_key: bare } }],
    ['an encrypted key', { keyPair: encrypted, secret: { private_key_passphrase: 'correct horse' } }],
    ['a key in PKCS#1', { secret: { private_key: pkcs1, account: 'acme-lms.privatelink.snowflakecomputing.com' } }],
    ['an address as account', { secret: { account: 'https://acme-lms.snowflakecomputing.com/console' } }],
    [
      'a locator with its region as account',
      { login: { account: 'xy12345' }, secret: { account: 'xy12345.us-east-1' } },
    ],
    ['a password and no key', { login: { password: 'pw' }, secret: { private_key: undefined, password: 'pw' } }],
    ['a key rather than a password', { secret: { password: 'of no use' } }],
  ])('takes %s', async (_what, options) => {
    const fixture = await start(options);
    expect(await ask(fixture, ['1'])).toEqual({ 1: { found: false } });
    expect(fixture.server.loginCount()).toBe(1);
  });

  test('after a rotated key: one refetch and one more login, also for asks that come together', async () => {
    const next = createKeyPair();
    const fixture = await start();
    const stored = { ...(await fixture.secrets.stored()), private_key: next.privateKey };
    fixture.server.rotateKey(next.publicKey);
    fixture.secrets.stored = async () => stored;

    await Promise.all([ask(fixture, ['1']), ask(fixture, ['2'])]);

    expect(fixture.secrets.calls).toEqual({ read: 1, refetch: 1 });
    expect(fixture.server.loginCount()).toBe(2);
  });

  test('a secret that is refused and has not changed is not shown twice', async () => {
    const fixture = await start();
    fixture.server.setMode('refuse');
    await expect(ask(fixture, ['1'])).rejects.toMatchObject({
      name: 'WarehouseUnavailable',
      message: expect.stringContaining('390144'),
    });
    expect(fixture.secrets.calls).toEqual({ read: 1, refetch: 1 });
    expect(fixture.server.loginCount()).toBe(1);
  });

  test('a second refusal is final', async () => {
    const fixture = await start({ secret: { private_key: createKeyPair().privateKey } });
    const stored = { ...(await fixture.secrets.stored()), private_key: createKeyPair().privateKey };
    fixture.secrets.stored = async () => stored;
    await expect(ask(fixture, ['1'])).rejects.toThrow('390144');
    expect(fixture.server.loginCount()).toBe(2);
  });

  test('a key that cannot be read is refetched too', async () => {
    const fixture = await start();
    const broken = { ...(await fixture.secrets.stored()), private_key: 'c3BvaWxlZA==' };
    fixture.secrets.cached = async () => broken;
    expect(await ask(fixture, ['1'])).toEqual({ 1: { found: false } });
    expect(fixture.server.loginCount()).toBe(1);
  });

  test('an unreadable secret leaves the warehouse unavailable', async () => {
    const fixture = await start();
    fixture.secrets.cached = async () => {
      throw new SecretUnavailable('no such secret');
    };
    await expect(ask(fixture, ['1'])).rejects.toMatchObject({
      name: 'WarehouseUnavailable',
      message: 'Snowflake: no such secret',
      cause: { name: 'SecretUnavailable' },
    });
  });
});

describe('the session', () => {
  test('is renewed where it has expired, without a login', async () => {
    const fixture = await start();
    await ask(fixture, ['1']);
    fixture.server.expireSessions();
    expect(await ask(fixture, ['1'])).toEqual({ 1: { found: false } });
    expect(fixture.server.loginCount()).toBe(1);
  });

  test('is replaced once where it is gone, with the same secret', async () => {
    const fixture = await start();
    await ask(fixture, ['1']);
    fixture.server.endSessions();
    expect(await ask(fixture, ['1'])).toEqual({ 1: { found: false } });
    expect(fixture.server.loginCount()).toBe(2);
    expect(fixture.secrets.calls.refetch).toBe(0);
    expect(fixture.log.lines).toMatchObject([{ level: 'warn', fields: { kind: 'gone' } }]);
  });

  test('outlives a statement that fails', async () => {
    const fixture = await start({ names: { ...NAMES, table: 'PROD.BUSINESS_INTELLIGENCE.LATER' } });
    await expect(ask(fixture, ['1'])).rejects.toMatchObject({
      name: 'WarehouseUnavailable',
      message: expect.stringMatching(/the query failed \(code 002003, SQL state 42S02, query [0-9a-f-]{36}\)/),
    });
    await fixture.server.execute(
      'CREATE VIEW PROD.BUSINESS_INTELLIGENCE.LATER AS FROM PROD.BUSINESS_INTELLIGENCE.LEARNING_TIME',
    );
    expect(await ask(fixture, ['1'])).toEqual({ 1: { found: false } });
    expect(fixture.server.loginCount()).toBe(1);
  });

  test('sends the query tag, and the remaining time in whole seconds', async () => {
    const fixture = await start();
    await ask(fixture, ['1'], AMPLE_MS);
    await ask(fixture, ['1'], 1900);
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

describe('a result', () => {
  test('is whole, whatever limit of rows the user has', async () => {
    const fixture = await start({ login: { rowsPerResultset: 1 } });
    await fixture.server.load([day(1, '2026-01-10', 10), day(2, '2026-01-10', 20), day(3, '2026-01-10', 30)]);
    const answers = await ask(fixture, ['1', '2', '3', '4']);
    expect(answers).toMatchObject({ 1: { totalSeconds: 10 }, 2: { totalSeconds: 20 }, 3: { totalSeconds: 30 } });
    expect(answers).toHaveProperty('4', { found: false });
  });
});

describe('the deadline', () => {
  const DEADLINE_MS = 300;
  /** For what must reach the server before the deadline, on a busy machine. */
  const LATER_DEADLINE_MS = 900;

  const failure = (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => undefined,
      (thrown) => thrown,
    );

  test('ends a login that hangs, and the next query logs in again', async () => {
    const fixture = await start();
    fixture.server.setMode('hang');
    expect(await failure(ask(fixture, ['1'], DEADLINE_MS))).toMatchObject({
      name: 'WarehouseUnavailable',
      message: expect.stringContaining('at the login'),
    });
    // The SDK itself would hold its request for ten seconds.
    await until(() => fixture.server.heldRequestCount() === 0);

    fixture.server.setMode('up');
    expect(await ask(fixture, ['1'])).toEqual({ 1: { found: false } });
  });

  test('ends a query that hangs: its connection is never used again', async () => {
    const fixture = await start();
    await ask(fixture, ['1']);
    fixture.server.setMode('hang');
    expect(await failure(ask(fixture, ['1'], DEADLINE_MS))).toMatchObject({
      name: 'WarehouseUnavailable',
      message: expect.stringContaining('no response within 300 ms, at the query'),
      cause: { name: 'SnowflakeFailure', code: 'deadline' },
    });

    fixture.server.setMode('up');
    expect(await ask(fixture, ['1'])).toEqual({ 1: { found: false } });
    expect(fixture.server.loginCount()).toBe(2);
  });

  test('ends the query in flight and logs out', async () => {
    const fixture = await start();
    await ask(fixture, ['1']);
    fixture.server.setMode('hang');
    const pending = failure(ask(fixture, ['1'], LATER_DEADLINE_MS));
    await until(() => fixture.server.heldRequestCount() === 1);
    fixture.server.setMode('up');
    await pending;
    await until(() => fixture.server.heldRequestCount() === 0);
    await until(() => fixture.server.sessionCount() === 0);
  });

  test('covers a secret that does not come', async () => {
    const fixture = await start();
    const { cached } = fixture.secrets;
    fixture.secrets.cached = () => new Promise(() => undefined);
    await expect(ask(fixture, ['1'], DEADLINE_MS)).rejects.toThrow('no response within 300 ms');
    fixture.secrets.cached = cached;
    expect(await ask(fixture, ['1'])).toEqual({ 1: { found: false } });
  });

  test('of one ask costs another ask on that connection a new login, not its answer', async () => {
    const fixture = await start();
    await ask(fixture, ['1']);
    fixture.server.setMode('hang');
    const short = failure(ask(fixture, ['1'], LATER_DEADLINE_MS));
    const long = ask(fixture, ['1']);
    await until(() => fixture.server.heldRequestCount() === 2);
    fixture.server.setMode('up');
    expect(await short).toMatchObject({ name: 'WarehouseUnavailable' });
    expect(await long).toEqual({ 1: { found: false } });
  });
});

describe('a warehouse that cannot be reached', () => {
  test('fails a login at once, and works again when it is back', async () => {
    const fixture = await start();
    fixture.server.setMode('down');
    await expect(ask(fixture, ['1'])).rejects.toMatchObject({
      name: 'WarehouseUnavailable',
      message: 'Snowflake: the login failed (code 401001, ECONNRESET)',
    });
    expect(fixture.secrets.calls.refetch).toBe(0);
    fixture.server.setMode('up');
    expect(await ask(fixture, ['1'])).toEqual({ 1: { found: false } });
  });

  test('ends a query after two requests in a row failed, long before its deadline', async () => {
    const fixture = await start();
    await ask(fixture, ['1']);
    fixture.server.setMode('down');
    await expect(ask(fixture, ['1'], 60_000)).rejects.toMatchObject({
      name: 'WarehouseUnavailable',
      message: 'Snowflake: two requests in a row failed',
    });
    fixture.server.setMode('up');
    expect(await ask(fixture, ['1'])).toEqual({ 1: { found: false } });
    expect(fixture.server.loginCount()).toBe(2);
  });

  test('leaks nothing through the error, its cause or the log', async () => {
    const password = 'hunter2-hunter2';
    const fixture = await start({ login: { password }, secret: { private_key: undefined, password } });
    await fixture.server.load([day(4711, '2026-01-10', 5)]);
    await ask(fixture, ['4711']);
    fixture.server.setMode('refuse');
    const refused = await ask(fixture, ['4711']).catch((thrown) => thrown);
    fixture.server.setMode('up');
    // As Snowflake says of a bind that it cannot cast.
    await fixture.server.execute('ALTER TABLE PROD.BUSINESS_INTELLIGENCE.LEARNING_TIME RENAME TO RENAMED');
    await fixture.server.execute(
      `CREATE VIEW PROD.BUSINESS_INTELLIGENCE.LEARNING_TIME AS
      SELECT * REPLACE (error('Numeric value ''4711'' is not recognized')::VARCHAR AS COURSE_KEY)
      FROM PROD.BUSINESS_INTELLIGENCE.RENAMED`,
    );
    const failed = await ask(fixture, ['4711']).catch((thrown) => thrown);

    const everything = inspect([refused, failed, fixture.log.lines], { depth: 20, showHidden: true });
    expect(everything).toContain('390100');
    expect(everything).toContain('002003');
    for (const word of [password, '4711', learner('1').courseId, learner('1').enterpriseId, 'Snowflake Token']) {
      expect(everything).not.toContain(word);
    }
  });
});

describe('names', () => {
  test.each([
    ['the warehouse', { ...NAMES, warehouse: 'WH; DROP' }],
    ['the role', { ...NAMES, role: '' }],
    ['the learning-time table', { ...NAMES, table: 'T WHERE 1=1' }],
    ['the user column', { ...NAMES, columns: { ...NAMES.columns, user: 'U)' } }],
  ])('%s must be an identifier', (name, names) => {
    const secrets = stubSecrets({ account: 'a', user: 'u', password: 'p' });
    const create = () => createSnowflakeWarehouse({ secrets, names, queryTag: 'test', log: recordingLog() });
    expect(create).toThrow(EnvironmentInvalid);
    expect(create).toThrow(name);
  });
});

/** Waits for what the server sees, 5 s at the most: half of what the SDK gives a request. */
async function until(isSo: () => boolean): Promise<void> {
  const endsAt = performance.now() + 5000;
  while (!isSo()) {
    if (performance.now() > endsAt) throw new Error('waited in vain');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
