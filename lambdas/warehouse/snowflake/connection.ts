import type { Connection, ConnectionOptions, RowStatement } from 'snowflake-sdk';
import type { WarehouseColumn } from '../check.ts';
import { type LearningTimeQuery, RESULT_COLUMNS } from '../query.ts';
import { loginFailure, queryFailure, SnowflakeFailure } from './failure.ts';
import { createRequestScope, type RequestScope } from './request-scope.ts';
import type { SnowflakeSdk } from './sdk.ts';
import { captureUncaught } from './uncaught.ts';

/** Time limit of the logout of a discarded connection, in milliseconds; no caller waits for it. */
const LOGOUT_MS = 1000;

/** One login and its session. */
export interface SnowflakeConnection {
  /** Resolves when logged in. @throws SnowflakeFailure */
  readonly ready: Promise<void>;
  /** Whether the session is still usable, as far as the SDK knows. */
  isUp(): boolean;
  /**
   * Rows as arrays: numbers as text, dates as `Date`, NULL as null.
   *
   * @param timeoutSeconds after which Snowflake cancels the statement
   * @throws SnowflakeFailure
   */
  query(query: LearningTimeQuery, timeoutSeconds: number): Promise<unknown[]>;
  /** The columns of a result. @throws SnowflakeFailure */
  columnsOf(query: LearningTimeQuery, timeoutSeconds: number): Promise<WarehouseColumn[]>;
  /** Ends everything in flight, logs out without waiting, and leaves the connection unusable. Never throws. */
  discard(): void;
}

/** Starts a login. It uses `connect` with a callback: `connectAsync` resolves even if the login failed. */
export function openSnowflakeConnection(sdk: SnowflakeSdk, options: ConnectionOptions): SnowflakeConnection {
  const waiting = new Set<(failure: SnowflakeFailure) => void>();
  // The SDK would repeat requests for minutes. The event should wait in its workflow instead.
  const scope = createRequestScope((code, reason) => {
    const failure = new SnowflakeFailure('unreachable', code, reason);
    for (const reject of waiting) reject(failure);
  });
  let connection: Connection | undefined;
  let discarded = false;

  /** Settles with the SDK's callback, or when the connection is discarded: the SDK may never call back. */
  function settled<T>(start: (resolve: (value: T) => void, reject: (failure: SnowflakeFailure) => void) => void) {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    if (discarded) return Promise.reject(discardedFailure());
    // The SDK reads rows in later ticks, and throws there if a response has an unexpected structure.
    const capture = captureUncaught((thrown) => reject(queryFailure(thrown)));
    waiting.add(reject);
    scope.run(() => capture.run(() => start(resolve, reject)));
    return promise.finally(() => {
      waiting.delete(reject);
      capture.stop();
    });
  }

  function resultOf<T>(
    query: LearningTimeQuery,
    timeoutSeconds: number,
    read: (statement: RowStatement, rows: unknown[]) => T,
  ): Promise<T> {
    return settled((resolve, reject) => {
      try {
        execute(connection, query, timeoutSeconds, (statement, rows) => resolve(read(statement, rows)), reject);
      } catch (thrown) {
        reject(queryFailure(thrown));
      }
    });
  }

  const ready = settled<void>((resolve, reject) => {
    try {
      connection = sdk.createConnection(options);
      connection.connect((error) => (error ? reject(loginFailure(error)) : resolve()));
    } catch (thrown) {
      reject(loginFailure(thrown));
    }
  });

  return {
    ready,
    isUp: () => !discarded && connection?.isUp() === true,
    query: (query, timeoutSeconds) => resultOf(query, timeoutSeconds, (_statement, rows) => rows),
    columnsOf: (query, timeoutSeconds) => resultOf(query, timeoutSeconds, columnsOf),
    discard() {
      if (discarded) return;
      discarded = true;
      for (const reject of waiting) reject(discardedFailure());
      scope.end();
      if (connection?.isUp()) logOut(connection);
    },
  };
}

function execute(
  connection: Connection | undefined,
  { sqlText, binds, isCounted }: LearningTimeQuery,
  timeoutSeconds: number,
  resolve: (statement: RowStatement, rows: unknown[]) => void,
  reject: (failure: SnowflakeFailure) => void,
): void {
  connection?.execute({
    sqlText,
    binds: [...binds],
    rowMode: 'array',
    fetchAsString: ['Number'],
    // An account or a user may have set ROWS_PER_RESULTSET, which truncates results silently; 0 means no limit.
    parameters: { STATEMENT_TIMEOUT_IN_SECONDS: timeoutSeconds, ROWS_PER_RESULTSET: 0 },
    complete(error, statement, rows = []) {
      if (error) reject(queryFailure(error));
      else if (rows.length !== statement.getNumRows()) reject(incompleteFailure());
      else if (!isCounted) resolve(statement, rows);
      else if (rows.some((row) => isCutFrom(row, rows.length))) reject(incompleteFailure());
      else resolve(statement, rows.map(withoutCount));
    },
  });
}

/** Whether a row's count differs from the number of received rows. */
function isCutFrom(row: unknown, rows: number): boolean {
  return hasCount(row) && row.at(-1) !== String(rows);
}

/** @returns undefined for a row of another shape */
function withoutCount(row: unknown): unknown {
  return hasCount(row) ? row.slice(0, -1) : undefined;
}

function hasCount(row: unknown): row is readonly unknown[] {
  return Array.isArray(row) && row.length === RESULT_COLUMNS + 1;
}

/** Without this failure a learner whose row is missing would seem to have no learning time. */
function incompleteFailure(): SnowflakeFailure {
  return new SnowflakeFailure('unreachable', 'incomplete', 'the number of rows differs from the count in the result');
}

function columnsOf(statement: RowStatement): WarehouseColumn[] {
  const columns = statement.getColumns() ?? [];
  return columns.map((column) => ({
    name: column.getName(),
    type: column.getType().toLowerCase(),
    scale: column.getScale() ?? null,
  }));
}

/** Uses a scope that ends after `LOGOUT_MS`, so that a hanging network does not keep a socket open. */
function logOut(connection: Connection): void {
  const scope: RequestScope = createRequestScope();
  const timer = setTimeout(() => scope.end(), LOGOUT_MS);
  timer.unref();
  try {
    scope.run(() => connection.destroy(() => clearTimeout(timer)));
  } catch {
    // The session then expires at the server.
    clearTimeout(timer);
  }
}

function discardedFailure(): SnowflakeFailure {
  return new SnowflakeFailure('gone', 'discarded', 'the connection was discarded');
}
