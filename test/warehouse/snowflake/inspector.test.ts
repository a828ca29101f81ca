import { beforeAll, describe, expect, jest, test } from '@jest/globals';
import { EnvironmentInvalid } from '../../../lambdas/shared/errors.ts';
import type { WarehouseInspector } from '../../../lambdas/warehouse/check.ts';
import { createSnowflakeInspector } from '../../../lambdas/warehouse/snowflake/inspector.ts';
import { loadSnowflakeSdk } from '../../../lambdas/warehouse/snowflake/sdk.ts';
import {
  type SnowflakeServer,
  type SnowflakeServerOptions,
  startSnowflakeServer,
} from '../../../local/snowflake/snowflake-server.ts';
import { closedAfterEach } from '../../support/closed-after-each.ts';
import { startMisbehavingSnowflake } from '../../support/misbehaving-snowflake.ts';
import {
  account,
  courseId,
  createKeyPair,
  day,
  enterpriseId,
  learner,
  NAMES,
  quietSnowflakeSdk,
  user,
} from '../../support/snowflake.ts';

/** Enough for a login and a query on a busy machine. */
const AMPLE_MS = 10_000;
jest.setTimeout(3 * AMPLE_MS);
const keyPair = createKeyPair();
const keep = closedAfterEach();

function inspect(url: string, changed: { secret?: object; names?: object } = {}): WarehouseInspector {
  const secret = { account, user, private_key: keyPair.privateKey, access_url: url, ...changed.secret };
  const names = { ...NAMES, ...changed.names };
  const inspector = createSnowflakeInspector({ secret, names, queryTag: 'check' });
  void keep(inspector);
  return inspector;
}

async function startServer(options: Partial<SnowflakeServerOptions> = {}): Promise<SnowflakeServer> {
  return keep(startSnowflakeServer({ account, user, publicKey: keyPair.publicKey, ...options }));
}

const startMisbehaving = () => keep(startMisbehavingSnowflake());

const failed = (kind: string, code: string) => ({ ok: false, failure: expect.objectContaining({ kind, code }) });

beforeAll(async () => {
  quietSnowflakeSdk();
  // Loaded here, so that no test's limit has to cover it.
  await loadSnowflakeSdk();
});

describe('a Snowflake that is well', () => {
  test('answers each step, over one login', async () => {
    const server = await startServer();
    await server.load([day(7, '2026-01-09', 18_000), day(7, '2026-01-10', 540)]);
    const inspector = inspect(server.url);

    const login = await inspector.logIn(AMPLE_MS);
    expect(login).toEqual({ ok: true, value: { sdkMs: expect.any(Number) }, ms: expect.any(Number) });
    if (login.ok) expect(login.value.sdkMs).toBeLessThan(login.ms);
    expect(await inspector.context(AMPLE_MS)).toMatchObject({ value: { role: 'ANALYST', warehouse: 'COMPUTE_WH' } });
    expect(await inspector.columns(AMPLE_MS)).toMatchObject({
      value: [
        { name: 'USER_ID', type: 'fixed', scale: 0 },
        { name: 'COURSE_KEY', type: 'text', scale: null },
        { name: 'ENTERPRISE_CUSTOMER_UUID', type: 'text', scale: null },
        { name: 'DATE', type: 'date', scale: null },
        { name: 'LEARNING_TIME_SECONDS', type: 'fixed', scale: 0 },
      ],
    });
    expect(await inspector.anyKey(AMPLE_MS)).toMatchObject({ value: ['7', courseId, enterpriseId, null, null] });
    expect(await inspector.rowsOf(learner('7'), AMPLE_MS)).toMatchObject({
      value: [['7', courseId, enterpriseId, '18540', new Date('2026-01-10')]],
    });
    expect(server.loginCount()).toBe(1);
    expect(server.queries()[0]?.parameters).toMatchObject({ STATEMENT_TIMEOUT_IN_SECONDS: AMPLE_MS / 1000 });
  });

  test('shows no key where the table is empty', async () => {
    const server = await startServer();
    const inspector = inspect(server.url);
    await inspector.logIn(AMPLE_MS);
    expect(await inspector.anyKey(AMPLE_MS)).toMatchObject({ ok: true, value: undefined });
  });

  test('describes what it has, whatever types', async () => {
    const server = await startServer();
    await server.execute(
      'CREATE TABLE PROD.BUSINESS_INTELLIGENCE.ODD (A VARCHAR, D TIMESTAMP, S DECIMAL(10, 2), F DOUBLE)',
    );
    const inspector = inspect(server.url, { names: { table: 'PROD.BUSINESS_INTELLIGENCE.ODD' } });
    await inspector.logIn(AMPLE_MS);
    expect(await inspector.columns(AMPLE_MS)).toMatchObject({
      value: [{ type: 'text' }, { type: 'timestamp_ntz' }, { type: 'fixed', scale: 2 }, { type: 'real' }],
    });
  });
});

describe('a Snowflake that says no', () => {
  test('with another user’s key: one request', async () => {
    const server = await startServer();
    const inspector = inspect(server.url, { secret: { private_key: createKeyPair().privateKey } });
    expect(await inspector.logIn(AMPLE_MS)).toEqual(failed('refused', '390144'));
    expect(server.loginCount()).toBe(1);
    expect(await inspector.context(AMPLE_MS)).toEqual(failed('gone', 'discarded'));
  });

  test('to a role that the user has not', async () => {
    const server = await startServer({ roles: ['PUBLIC'] });
    expect(await inspect(server.url).logIn(AMPLE_MS)).toEqual(failed('refused', '390189'));
  });

  test('to a warehouse: the login stands, and has none', async () => {
    const server = await startServer({ warehouses: [] });
    const inspector = inspect(server.url);
    expect(await inspector.logIn(AMPLE_MS)).toMatchObject({ ok: true });
    expect(await inspector.context(AMPLE_MS)).toMatchObject({ value: { role: 'ANALYST', warehouse: null } });
    expect(await inspector.columns(AMPLE_MS)).toEqual(failed('statement', '000606'));
  });

  test('to a table: the session goes on', async () => {
    const server = await startServer();
    const inspector = inspect(server.url, { names: { table: 'PROD.BUSINESS_INTELLIGENCE.NOWHERE' } });
    await inspector.logIn(AMPLE_MS);
    expect(await inspector.columns(AMPLE_MS)).toEqual(failed('statement', '002003'));
    expect(await inspector.context(AMPLE_MS)).toMatchObject({ ok: true });
  });

  test('to a key that is none, before it is asked', async () => {
    const server = await startServer();
    const login = await inspect(server.url, { secret: { private_key: 'hunter2' } }).logIn(AMPLE_MS);
    expect(login).toMatchObject({ ok: false, failure: { kind: 'refused' } });
    expect(JSON.stringify(login)).not.toContain('hunter2');
    expect(server.loginCount()).toBe(0);
  });
});

describe('a Snowflake that does not answer', () => {
  test.each(['login', 'query'] as const)('at the %s: the step ends at its limit', async (at) => {
    const server = await startMisbehaving();
    server.answers[at] = () => {};
    const inspector = inspect(server.url);
    const login = await inspector.logIn(at === 'login' ? 300 : AMPLE_MS);
    const hung = at === 'login' ? login : await inspector.context(300);
    expect(hung).toEqual({
      ok: false,
      failure: { kind: 'unreachable', code: 'deadline', reason: `no response within 300 ms, at the ${at}` },
    });
    expect(await inspector.columns(AMPLE_MS)).toEqual(failed('gone', 'discarded'));
  });

  test('an SDK that loads after the limit opens no connection', async () => {
    const server = await startMisbehaving();
    const loading = Promise.withResolvers<void>();
    const secret = { account, user, private_key: keyPair.privateKey, access_url: server.url };
    const loadSdk = async () => {
      await loading.promise;
      return loadSnowflakeSdk();
    };
    const inspector = createSnowflakeInspector({ secret, names: NAMES, queryTag: 'check', loadSdk });
    expect(await inspector.logIn(50)).toEqual(failed('unreachable', 'deadline'));
    loading.resolve();
    expect(await inspector.logIn(AMPLE_MS)).toEqual(failed('gone', 'discarded'));
    expect(server.requests()).toBe(0);
  });
});

test.each([{ table: 'A; DROP' }, { columns: { ...NAMES.columns, user: 'A B' } }])('%j is no name', (names) => {
  expect(() => inspect('http://127.0.0.1:1', { names })).toThrow(EnvironmentInvalid);
});
