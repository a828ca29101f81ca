import { errorName } from '../../shared/errors.ts';
import type { Inspected, InspectionFailure, WarehouseInspector } from '../check.ts';
import {
  type LearningTimeQuery,
  prepareInspectionQueries,
  prepareLearningTimeQuery,
  prepareWarmQueries,
  type WarehouseNames,
} from '../query.ts';
import { readChangeToken } from '../rows.ts';
import type { SnowflakeSecret } from '../snowflake-secret-schema.ts';
import { openSnowflakeConnection, type SnowflakeConnection } from './connection.ts';
import { SnowflakeFailure } from './failure.ts';
import { connectionOptions, loadSnowflakeSdk, type SnowflakeSdk } from './sdk.ts';

export interface SnowflakeInspectorOptions {
  readonly secret: SnowflakeSecret;
  readonly names: WarehouseNames;
  /** Shown with each query in Snowflake's query history. At most 2000 characters. */
  readonly queryTag: string;
  readonly loadSdk?: () => Promise<SnowflakeSdk>;
}

const CONTEXT: LearningTimeQuery = { sqlText: 'SELECT CURRENT_ROLE(), CURRENT_WAREHOUSE()', binds: [] };

/**
 * Creates an inspector that uses one connection, with the same login and query as `warehouse.ts`, and for the change token
 * one without a warehouse, as `warming.ts`. Nothing is retried: the check reports faults, and Snowflake locks a user after a few wrong passwords.
 *
 * @throws EnvironmentInvalid if a table or column name is not an identifier
 */
export function createSnowflakeInspector(options: SnowflakeInspectorOptions): WarehouseInspector {
  const { secret, names, queryTag, loadSdk = loadSnowflakeSdk } = options;
  const queries = prepareInspectionQueries(names);
  const queryFor = prepareLearningTimeQuery(names);
  const { changeToken } = prepareWarmQueries(names);
  const connections: SnowflakeConnection[] = [];
  let connection: SnowflakeConnection | undefined;
  let isOver = false;

  function open(sdk: SnowflakeSdk, warehouse: string | undefined): SnowflakeConnection {
    if (isOver) throw new SnowflakeFailure('gone', 'discarded', 'the login was discarded');
    const opened = openSnowflakeConnection(sdk, connectionOptions(secret, { role: names.role, warehouse, queryTag }));
    connections.push(opened);
    return opened;
  }

  async function logIn(): Promise<{ sdkMs: number }> {
    const startedAt = performance.now();
    const sdk = await loadSdk();
    const sdkMs = performance.now() - startedAt;
    connection = open(sdk, names.warehouse);
    await connection.ready;
    return { sdkMs };
  }

  async function readToken(limitMs: number) {
    const withoutWarehouse = open(await loadSdk(), undefined);
    await withoutWarehouse.ready;
    return readChangeToken(await withoutWarehouse.query(changeToken, seconds(limitMs)));
  }

  function loggedIn(): SnowflakeConnection {
    if (connection === undefined) throw new SnowflakeFailure('gone', 'discarded', 'there is no login');
    return connection;
  }

  const query = <T>(limitMs: number, text: LearningTimeQuery, read: (rows: unknown[]) => T): Promise<Inspected<T>> =>
    withinLimit(limitMs, 'query', async () => read(await loggedIn().query(text, seconds(limitMs))));

  return {
    logIn: (limitMs) => withinLimit(limitMs, 'login', logIn),
    context: (limitMs) => query(limitMs, CONTEXT, ([row]) => ({ role: text(row, 0), warehouse: text(row, 1) })),
    columns: (limitMs) => withinLimit(limitMs, 'query', () => loggedIn().columnsOf(queries.columns, seconds(limitMs))),
    anyKey: (limitMs) => query(limitMs, queries.anyKey, ([row]) => (Array.isArray(row) ? row : undefined)),
    rowsOf: (key, limitMs) => query(limitMs, queryFor([key]), (rows) => rows),
    changeToken: (limitMs) => withinLimit(limitMs, 'query', () => readToken(limitMs)),
    close() {
      isOver = true;
      for (const each of connections) each.discard();
    },
  };
}

/** The statement timeout in whole seconds, so that no statement runs longer than its caller waits. */
function seconds(limitMs: number): number {
  return Math.max(1, Math.ceil(limitMs / 1000));
}

function text(row: unknown, index: number): string | null {
  const value: unknown = Array.isArray(row) ? row[index] : null;
  return typeof value === 'string' ? value : null;
}

/** What is in flight at the limit ends when the caller closes the inspector. */
async function withinLimit<T>(limitMs: number, what: string, work: () => Promise<T>): Promise<Inspected<T>> {
  const startedAt = performance.now();
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    late.reject(new SnowflakeFailure('unreachable', 'deadline', `no response within ${limitMs} ms, at the ${what}`));
  }, limitMs);
  try {
    const value = await Promise.race([late.promise, work()]);
    return { ok: true, value, ms: performance.now() - startedAt };
  } catch (thrown) {
    return { ok: false, failure: failureOf(thrown) };
  } finally {
    clearTimeout(timer);
  }
}

function failureOf(thrown: unknown): InspectionFailure {
  if (thrown instanceof SnowflakeFailure) return { kind: thrown.kind, code: thrown.code, reason: thrown.message };
  // Without the message: some errors quote an unreadable key.
  return { kind: 'refused', code: 'unknown', reason: `the attempt failed (${errorName(thrown)})` };
}
