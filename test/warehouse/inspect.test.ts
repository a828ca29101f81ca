import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { SecretUnusable } from '../../lambdas/shared/errors.ts';
import type { CheckWarehouseReport } from '../../lambdas/warehouse/check.ts';
import { type InspectWarehouseServices, inspectWarehouse } from '../../lambdas/warehouse/inspect.ts';
import { createSnowflakeInspector } from '../../lambdas/warehouse/snowflake/inspector.ts';
import { loadSnowflakeSdk } from '../../lambdas/warehouse/snowflake/sdk.ts';
import { createSnowflakeWarehouse } from '../../lambdas/warehouse/snowflake/warehouse.ts';
import type { SnowflakeSecret } from '../../lambdas/warehouse/snowflake-secret-schema.ts';
import {
  type SnowflakeServer,
  type SnowflakeServerOptions,
  startSnowflakeServer,
} from '../../local/snowflake/snowflake-server.ts';
import {
  type Answer,
  answerOf,
  json,
  type MisbehavingSnowflake,
  startMisbehavingSnowflake,
} from '../support/misbehaving-snowflake.ts';
import { recordingLog } from '../support/recording-log.ts';
import {
  account,
  courseId,
  createKeyPair,
  day,
  enterpriseId,
  NAMES,
  quietSnowflakeSdk,
  user,
} from '../support/snowflake.ts';

const keyPair = createKeyPair();
const NOW = Date.UTC(2026, 0, 15);
const DAY_MS = 86_400_000;
const servers: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  quietSnowflakeSdk();
  await loadSnowflakeSdk();
});

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function start(options: Partial<SnowflakeServerOptions> = {}): Promise<SnowflakeServer> {
  const server = await startSnowflakeServer({ account, user, publicKey: keyPair.publicKey, ...options });
  servers.push(server);
  await server.load([day(1, '2026-01-09', 18_000), day(1, '2026-01-10', 540), day(2, '2026-01-10', 60)]);
  return server;
}

async function startMisbehaving(answers: MisbehavingSnowflake['answers']): Promise<MisbehavingSnowflake> {
  const server = await startMisbehavingSnowflake();
  servers.push(server);
  server.answers = answers;
  return server;
}

function servicesFor(
  { url }: { url: string },
  {
    secret = {},
    names = NAMES,
    ageDays = 3,
    ...changed
  }: Partial<InspectWarehouseServices> & { secret?: object; ageDays?: number; names?: typeof NAMES } = {},
): InspectWarehouseServices {
  const value: SnowflakeSecret = { account, user, private_key: keyPair.privateKey, access_url: url, ...secret };
  const queryTag = 'check-test';
  return {
    readSecret: async () => ({ value, createdAtMs: NOW - ageDays * DAY_MS }),
    openInspector: (read) => createSnowflakeInspector({ secret: read, names, queryTag }),
    openWarehouse: (read) => {
      const secrets = { read: async () => read, refetch: async () => read };
      return createSnowflakeWarehouse({ secrets, names, queryTag, log: recordingLog() });
    },
    names,
    now: () => NOW,
    elapsed: () => performance.now(),
    ...changed,
  };
}

/** `secret=yes login=no role=- …` */
function verdicts({ checks }: CheckWarehouseReport): string {
  return checks.map(({ check, verdict }) => `${check}=${verdict === 'not_made' ? '-' : verdict}`).join(' ');
}

const of = (report: CheckWarehouseReport, name: string) => report.checks.find(({ check }) => check === name);

const known = (user_id: string, total_seconds: number) => ({
  user_id,
  course_id: courseId,
  enterprise_customer_uuid: enterpriseId,
  total_seconds,
});

describe('a warehouse that is as it must be', () => {
  test('is a yes throughout', async () => {
    const server = await start();
    const report = await inspectWarehouse({}, servicesFor(server));
    expect(verdicts(report)).toBe('secret=yes login=yes role=yes warehouse=yes table=yes columns=yes row=yes');
    expect(of(report, 'secret')?.finding).toBe('a key pair, 3 days old');
    expect(of(report, 'login')?.finding).toMatch(/^\d+ ms(, after \d+ ms for loading the SDK)?$/);
    expect(of(report, 'row')?.finding).toMatch(new RegExp(`^user [12] in ${courseId.replaceAll('+', '\\+')} of `));
    expect(server.loginCount()).toBe(1);
    // Nothing of a session is left behind.
    expect(server.queries().map(({ sqlText }) => sqlText.split(' ')[0])).toEqual(Array(4).fill('SELECT'));
  });

  test('agrees with a sample', async () => {
    const sample = [known('1', 18_540), known('02', 60)];
    const report = await inspectWarehouse({ sample }, servicesFor(await start()));
    expect(of(report, 'sample')).toMatchObject({ verdict: 'yes', finding: expect.stringMatching(/^2 of 2 agree/) });
  });
});

const REST = 'warehouse=- table=- columns=- row=-';

describe('each fault is reported at its check, and no later check passes', () => {
  test('a secret that cannot be used', async () => {
    const server = await start();
    const readSecret = async () => {
      throw new SecretUnusable('secret /dev/snowflake does not exist, or has no value yet');
    };
    const report = await inspectWarehouse({}, servicesFor(server, { readSecret }));
    expect(verdicts(report)).toBe(`secret=no login=- role=- ${REST}`);
    expect(of(report, 'secret')).toMatchObject({ finding: expect.stringContaining('no value yet') });
    expect(of(report, 'row')?.finding).toBe('not made, because of secret');
    expect(server.loginCount()).toBe(0);
  });

  test('a refused login, tried once', async () => {
    const server = await start();
    server.setMode('refuse');
    const report = await inspectWarehouse({ sample: [known('1', 1)] }, servicesFor(server));
    expect(verdicts(report)).toBe(`secret=yes login=no role=- ${REST} sample=-`);
    expect(of(report, 'login')).toMatchObject({
      finding: 'the login failed (code 390144)',
      remedy: expect.stringContaining('fingerprints'),
    });
    expect(server.loginCount()).toBe(1);
  });

  test('a session in another role', async () => {
    const context = answerOf([['PUBLIC', 'COMPUTE_WH']]);
    const report = await inspectMisbehaving({ query: context });
    expect(of(report, 'role')).toMatchObject({ verdict: 'no', finding: 'PUBLIC instead of ANALYST' });
    expect(of(report, 'warehouse')).toMatchObject({ verdict: 'yes' });
  });

  test('a warehouse that may not be used', async () => {
    const report = await inspectWarehouse({}, servicesFor(await start({ warehouses: ['OTHER_WH'] })));
    expect(verdicts(report)).toBe('secret=yes login=yes role=yes warehouse=no table=no columns=- row=-');
    expect(of(report, 'warehouse')).toMatchObject({
      finding: 'none instead of COMPUTE_WH',
      remedy: expect.stringContaining('GRANT USAGE ON WAREHOUSE COMPUTE_WH TO ROLE ANALYST'),
    });
  });

  test('a table that is not there, or not granted', async () => {
    const names = { ...NAMES, table: 'PROD.BUSINESS_INTELLIGENCE.LEARNING' };
    const report = await inspectWarehouse({}, servicesFor(await start(), { names }));
    expect(verdicts(report)).toBe('secret=yes login=yes role=yes warehouse=yes table=no columns=- row=-');
    expect(of(report, 'table')).toMatchObject({
      finding: expect.stringContaining('code 002003'),
      remedy: expect.stringContaining('GRANT SELECT ON TABLE PROD.BUSINESS_INTELLIGENCE.LEARNING TO ROLE ANALYST'),
    });
  });

  test('an empty table: the sample is compared all the same', async () => {
    const server = await start();
    await server.execute('DELETE FROM PROD.BUSINESS_INTELLIGENCE.LEARNING_TIME');
    const report = await inspectWarehouse({ sample: [known('1', 1)] }, servicesFor(server));
    expect(of(report, 'row')).toMatchObject({ verdict: 'no', finding: `${NAMES.table} shows no row` });
    expect(of(report, 'sample')).toMatchObject({ verdict: 'no', differences: [expect.stringMatching(/no rows$/)] });
  });

  test.each([[{ sample: [] }], [{ sample: [{ user_id: 'ada' }] }], [{ other: 1 }], [null]])(
    'a request that does not fit, %j: the rest is checked',
    async (input) => {
      const report = await inspectWarehouse(input, servicesFor(await start()));
      expect(of(report, 'row')).toMatchObject({ verdict: 'yes' });
      expect(of(report, 'sample')).toMatchObject({ verdict: 'no' });
      expect(JSON.stringify(report)).not.toContain('ada');
    },
  );
});

async function inspectMisbehaving(answers: MisbehavingSnowflake['answers'], limits: object = {}) {
  const server = await startMisbehaving(answers);
  return inspectWarehouse({ sample: [known('1', 1)] }, servicesFor(server, limits));
}

describe('a Snowflake that does not answer', () => {
  const nothing: Answer = () => {};
  /** Of 45 s for the whole check, 20 ms are left once something has happened. */
  const nearlyOverAfter = (hasHappened: () => boolean) => ({ elapsed: () => (hasHappened() ? 44_980 : 0) });

  // The SDK repeats what has 503 as its response.
  const UNAVAILABLE: [string, Answer][] = [
    ['hangs', nothing],
    ['is unavailable', json({}, 503)],
  ];

  test.each(UNAVAILABLE)('%s at the login: the check ends, and says where', async (_what, login) => {
    const report = await inspectMisbehaving({ login }, { stepMs: 20 });
    expect(verdicts(report)).toBe(`secret=yes login=no role=- ${REST} sample=-`);
    expect(of(report, 'sample')?.finding).toBe('not made, because of login');
  });

  test.each(UNAVAILABLE)('%s at statements: they have what is left for the whole check', async (_what, query) => {
    let isLoggedIn = false;
    const server = await startMisbehaving({ query });
    const services = servicesFor(
      server,
      nearlyOverAfter(() => isLoggedIn),
    );
    const openInspector: typeof services.openInspector = (secret) => {
      const inspector = services.openInspector(secret);
      return {
        ...inspector,
        async logIn(limitMs) {
          expect(limitMs).toBe(20_000);
          const step = await inspector.logIn(limitMs);
          isLoggedIn = true;
          return step;
        },
      };
    };
    const report = await inspectWarehouse({ sample: [known('1', 1)] }, { ...services, openInspector });
    expect(verdicts(report)).toBe(`secret=yes login=yes role=no ${REST} sample=-`);
    expect(of(report, 'role')?.finding).toBe('no response within 20 ms, at the query');
    expect(of(report, 'sample')?.finding).toBe('not made, because of role');
  });

  test('hangs once a row is read: the sample is not compared, whatever another login might give', async () => {
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
    const report = await inspectMisbehaving(
      { query },
      nearlyOverAfter(() => answers.length === 0),
    );
    expect(verdicts(report)).toBe('secret=yes login=yes role=yes warehouse=yes table=yes columns=yes row=no sample=-');
    expect(of(report, 'row')?.finding).toBe('no response within 20 ms, at the query');
  });
});

test('neither user nor account nor key is in any report', async () => {
  const server = await start();
  const reports = [await inspectWarehouse({}, servicesFor(server))];
  server.setMode('refuse');
  reports.push(await inspectWarehouse({}, servicesFor(server)));
  server.setMode('down');
  reports.push(await inspectWarehouse({}, servicesFor(server)));
  expect(reports.map((report) => of(report, 'login')?.verdict)).toEqual(['yes', 'no', 'no']);
  const text = JSON.stringify(reports);
  for (const secret of [account, user, keyPair.privateKey.slice(40, 80), server.url])
    expect(text).not.toContain(secret);
});
