import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { SecretUnusable } from '../../lambdas/shared/errors.ts';
import type { CheckWarehouseReport } from '../../lambdas/warehouse/check.ts';
import { type InspectWarehouseServices, inspectWarehouse } from '../../lambdas/warehouse/inspect.ts';
import { createSnowflakeInspector } from '../../lambdas/warehouse/snowflake/inspector.ts';
import { loadSnowflakeSdk } from '../../lambdas/warehouse/snowflake/sdk.ts';
import { createSnowflakeWarehouse } from '../../lambdas/warehouse/snowflake/warehouse.ts';
import type { SnowflakeSecret } from '../../lambdas/warehouse/snowflake-secret-schema.ts';
import { type SnowflakeServer, startSnowflakeServer } from '../../local/snowflake/snowflake-server.ts';
import { closedAfterEach } from '../support/closed-after-each.ts';
import { courseId, day, known, NAMES } from '../support/learning-time-table.ts';
import {
  type Answer,
  answerOf,
  type MisbehavingSnowflake,
  startMisbehavingSnowflake,
} from '../support/misbehaving-snowflake.ts';
import { recordingLog } from '../support/recording-log.ts';
import { account, createKeyPair, quietSnowflakeSdk, stubSecrets, user } from '../support/snowflake.ts';

const keyPair = createKeyPair();
const NOW = Date.UTC(2026, 0, 15);
const keep = closedAfterEach();
/** A server that no test changes for good. */
let server: SnowflakeServer;

beforeAll(async () => {
  quietSnowflakeSdk();
  await loadSnowflakeSdk();
  server = await startSnowflakeServer({
    ...{ account, user, publicKey: keyPair.publicKey },
    warehouses: ['COMPUTE_WH'],
  });
  await server.load([day(1, '2026-01-09', 18_000), day(1, '2026-01-10', 540), day(2, '2026-01-10', 60)]);
});
afterAll(() => server.close());

type Changes = Partial<InspectWarehouseServices> & { readonly secret?: Partial<SnowflakeSecret> };

function servicesFor({ url }: { url: string }, { secret, names = NAMES, ...changed }: Changes = {}) {
  const value: SnowflakeSecret = { account, user, private_key: keyPair.privateKey, access_url: url, ...secret };
  const queryTag = 'check-test';
  return {
    readSecret: async () => ({ value, createdAtMs: NOW - 3 * 86_400_000 }),
    openInspector: (read) => createSnowflakeInspector({ secret: read, names, queryTag }),
    openWarehouse: (read) =>
      createSnowflakeWarehouse({ secrets: stubSecrets(read), names, queryTag, log: recordingLog() }),
    names,
    now: () => NOW,
    elapsed: () => performance.now(),
    ...changed,
  } satisfies InspectWarehouseServices;
}

/** `secret=yes login=no role=- …` */
function verdicts({ checks }: CheckWarehouseReport): string {
  return checks.map(({ check, verdict }) => `${check}=${verdict === 'not_made' ? '-' : verdict}`).join(' ');
}

const of = (report: CheckWarehouseReport, name: string) => report.checks.find(({ check }) => check === name);

async function inspectMisbehaving(answers: MisbehavingSnowflake['answers'], limits: object = {}) {
  const misbehaving = await keep(startMisbehavingSnowflake());
  misbehaving.answers = answers;
  return inspectWarehouse({ sample: [known('1', 1)] }, servicesFor(misbehaving, limits));
}

test('a correct warehouse passes each check, with one login, one without a warehouse, and no writes', async () => {
  const earlier = { logins: server.loginCount(), queries: server.queries().length };
  const report = await inspectWarehouse({}, servicesFor(server));
  expect(verdicts(report)).toBe(
    'secret=yes login=yes role=yes warehouse=yes table=yes columns=yes row=yes changes=yes',
  );
  expect(of(report, 'secret')?.finding).toBe('a key pair, 3 days old');
  expect(of(report, 'login')?.finding).toMatch(/^\d+ ms(, after \d+ ms for loading the SDK)?$/);
  expect(of(report, 'row')?.finding).toMatch(new RegExp(`^user [12] in ${courseId.replaceAll('+', '\\+')} of `));
  expect(of(report, 'changes')?.finding).toMatch(/^last change at about \d{4}-\d\d-\d\dT\d\d:\d\dZ, read without/);
  expect(server.loginCount()).toBe(earlier.logins + 2);
  const queries = server.queries().slice(earlier.queries);
  expect(queries.map(({ sqlText }) => sqlText.split(' ')[0])).toEqual(Array(5).fill('SELECT'));
  // A statement runs no longer than its step, 20 s.
  expect(queries[0]?.parameters).toMatchObject({ STATEMENT_TIMEOUT_IN_SECONDS: 20 });
});

test('a sample is compared', async () => {
  const report = await inspectWarehouse({ sample: [known('1', 18_540), known('02', 60)] }, servicesFor(server));
  expect(of(report, 'sample')).toMatchObject({ verdict: 'yes', finding: expect.stringMatching(/^2 of 2 agree/) });
});

const REST = 'warehouse=- table=- columns=- row=- changes=-';

describe('each fault is reported at its check, and no later check passes', () => {
  test('a secret that is unusable', async () => {
    const readSecret = async () => {
      throw new SecretUnusable('secret /dev/snowflake does not exist, or has no value yet');
    };
    const logins = server.loginCount();
    const report = await inspectWarehouse({}, servicesFor(server, { readSecret }));
    expect(verdicts(report)).toBe(`secret=no login=- role=- ${REST}`);
    expect(of(report, 'secret')).toMatchObject({ finding: expect.stringContaining('no value yet') });
    expect(of(report, 'row')?.finding).toBe('not made, because of secret');
    expect(server.loginCount()).toBe(logins);
  });

  test('a refused login, after one attempt', async () => {
    const logins = server.loginCount();
    const other = { private_key: createKeyPair().privateKey };
    const report = await inspectWarehouse({ sample: [known('1', 1)] }, servicesFor(server, { secret: other }));
    expect(verdicts(report)).toBe(`secret=yes login=no role=- ${REST} sample=-`);
    expect(of(report, 'login')).toMatchObject({
      finding: 'the login failed (code 390144)',
      remedy: expect.stringContaining('fingerprints'),
    });
    expect(server.loginCount()).toBe(logins + 1);
  });

  test('a session in another role', async () => {
    const report = await inspectMisbehaving({ query: answerOf([['PUBLIC', 'COMPUTE_WH']]) });
    expect(of(report, 'role')).toMatchObject({ verdict: 'no', finding: 'PUBLIC instead of ANALYST' });
    expect(of(report, 'warehouse')).toMatchObject({ verdict: 'yes' });
  });

  test('a warehouse without a grant', async () => {
    const names = { ...NAMES, warehouse: 'OTHER_WH' };
    const report = await inspectWarehouse({}, servicesFor(server, { names }));
    expect(verdicts(report)).toBe('secret=yes login=yes role=yes warehouse=no table=no columns=- row=- changes=-');
    expect(of(report, 'warehouse')).toMatchObject({
      finding: 'none instead of OTHER_WH',
      remedy: expect.stringContaining('GRANT USAGE ON WAREHOUSE OTHER_WH TO ROLE ANALYST'),
    });
  });

  test('a table that does not exist, or is not granted', async () => {
    const names = { ...NAMES, table: 'PROD.BUSINESS_INTELLIGENCE.LEARNING' };
    const report = await inspectWarehouse({}, servicesFor(server, { names }));
    expect(verdicts(report)).toBe('secret=yes login=yes role=yes warehouse=yes table=no columns=- row=- changes=-');
    expect(of(report, 'table')).toMatchObject({
      finding: expect.stringContaining('code 002003'),
      remedy: expect.stringContaining('GRANT SELECT ON TABLE PROD.BUSINESS_INTELLIGENCE.LEARNING TO ROLE ANALYST'),
    });
  });

  test('an empty table; the sample is still compared', async () => {
    const table = 'PROD.BUSINESS_INTELLIGENCE.EMPTY';
    await server.execute(`CREATE TABLE ${table} AS SELECT * FROM ${NAMES.table} LIMIT 0`);
    const services = servicesFor(server, { names: { ...NAMES, table } });
    const report = await inspectWarehouse({ sample: [known('1', 1)] }, services);
    expect(of(report, 'row')).toMatchObject({ verdict: 'no', finding: `${table} shows no row` });
    expect(of(report, 'sample')).toMatchObject({ verdict: 'no', differences: [expect.stringMatching(/no rows$/)] });
  });

  test.each([null, '0'])('a table without a change token, which is %p; the sample is still compared', async (token) => {
    const untracked = await keep(startSnowflakeServer({ account, user, publicKey: keyPair.publicKey }));
    await untracked.load([day(1, '2026-01-10', 540)]);
    untracked.setChangeToken(token);
    const report = await inspectWarehouse({ sample: [known('1', 540)] }, servicesFor(untracked));
    expect(of(report, 'changes')).toMatchObject({
      verdict: 'no',
      finding: `${NAMES.table} has no change token`,
      remedy: expect.stringContaining('until then WarmCache stays off'),
    });
    expect(of(report, 'sample')).toMatchObject({ verdict: 'yes' });
  });

  test.each([[{ sample: [] }], [{ sample: [{ user_id: 'ada' }] }], [{ other: 1 }], [null]])(
    'an invalid request, %j; the other checks are made',
    async (input) => {
      const report = await inspectWarehouse(input, servicesFor(server));
      expect(of(report, 'row')).toMatchObject({ verdict: 'yes' });
      expect(of(report, 'sample')).toMatchObject({ verdict: 'no' });
      expect(JSON.stringify(report)).not.toContain('ada');
    },
  );
});

describe('a Snowflake that does not respond', () => {
  const nothing: Answer = () => {};
  /** Of 45 s for the whole check, 20 ms are left once something has happened. */
  const nearlyOverAfter = (hasHappened: () => boolean) => ({ elapsed: () => (hasHappened() ? 44_980 : 0) });

  test('to a login ends the check', async () => {
    const report = await inspectMisbehaving({ login: nothing }, { stepMs: 20 });
    expect(verdicts(report)).toBe(`secret=yes login=no role=- ${REST} sample=-`);
    expect(of(report, 'login')?.finding).toBe('no response within 20 ms, at the login');
    expect(of(report, 'sample')?.finding).toBe('not made, because of login');
  });

  test('to a statement ends the check within the deadline of the whole check; the sample is not compared', async () => {
    const column = (name: string, type: string) => ({ name, type, nullable: true, scale: 0, precision: 38 });
    const { user: userColumn, course, enterprise, date, seconds } = NAMES.columns;
    const rowtype = [
      column(userColumn, 'fixed'),
      column(course, 'text'),
      column(enterprise, 'text'),
      column(date, 'date'),
      column(seconds, 'fixed'),
    ];
    const answers = [answerOf([['ANALYST', 'COMPUTE_WH']]), answerOf([], { rowtype })];
    const query: Answer = (response, request) => answers.shift()?.(response, request);
    const limits = nearlyOverAfter(() => answers.length === 0);
    const report = await inspectMisbehaving({ query }, limits);
    expect(verdicts(report)).toBe(
      'secret=yes login=yes role=yes warehouse=yes table=yes columns=yes row=no changes=- sample=-',
    );
    expect(of(report, 'row')?.finding).toBe('no response within 20 ms, at the query');
  });
});

test('no report contains the user, the account or the key', async () => {
  const spoiled = { private_key: 'hunter2' };
  const reports = [
    await inspectWarehouse({}, servicesFor(server)),
    await inspectWarehouse({}, servicesFor(server, { secret: { private_key: createKeyPair().privateKey } })),
    await inspectWarehouse({}, servicesFor(server, { secret: spoiled })),
    await inspectWarehouse({}, servicesFor(server, { secret: { access_url: 'http://127.0.0.1:1' } })),
  ];
  expect(reports.map((report) => of(report, 'login')?.verdict)).toEqual(['yes', 'no', 'no', 'no']);
  const text = JSON.stringify(reports);
  for (const secret of [account, user, keyPair.privateKey.slice(40, 80), 'hunter2', server.url])
    expect(text).not.toContain(secret);
});
