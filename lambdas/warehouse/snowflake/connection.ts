import type { Connection, ConnectionOptions, RowStatement } from 'snowflake-sdk';
import type { WarehouseColumn } from '../check.ts';
import type { LearningTimeQuery } from '../query.ts';
import { loginFailure, queryFailure, SnowflakeFailure } from './failure.ts';
import { createRequestScope, type RequestScope } from './request-scope.ts';
import { rowBatches } from './row-batches.ts';
import type { SnowflakeSdk } from './sdk.ts';
import { type CompletedQuery, columnsOf, execute, executeOnly, fetchResult, incompleteFailure } from './statements.ts';
import { captureUncaught } from './uncaught.ts';

/** Time limit of the logout of a discarded connection, in milliseconds. */
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
  /** Executes a query and leaves its rows to `openResult`. @throws SnowflakeFailure */
  run(query: LearningTimeQuery, timeoutSeconds: number): Promise<CompletedQuery>;
  /**
   * Opens the result of a query by its id, also of a query in another session of the same user.
   *
   * @throws SnowflakeFailure with one of `RESULT_GONE_CODES` if Snowflake does not have it any more
   */
  openResult(queryId: string): Promise<OpenResult>;
  /**
   * Ends everything in flight, logs out, and leaves the connection unusable. Never throws.
   *
   * @returns when the logout has ended, after 1 s at most. Only a function that is about to be frozen has to wait for it
   */
  discard(): Promise<void>;
}

export interface OpenResult {
  /** Of the whole result. */
  readonly rows: number;
  /**
   * Streams the rows from one on, as arrays, for a result whose columns are all text; earlier chunks are not downloaded. In memory are one chunk in
   * rows, the next one as text, and the first rows of the result, which its response contains.
   *
   * @param fromRow number of rows to leave out
   * @param idleMs longest wait for the next rows
   * @throws SnowflakeFailure also in the middle, and at the end if a row is missing
   */
  batches(fromRow: number, idleMs: number): AsyncGenerator<unknown[], void, void>;
}

/** Starts a login. It uses `connect` with a callback: `connectAsync` resolves even if the login failed. */
export function openSnowflakeConnection(
  sdk: SnowflakeSdk,
  options: ConnectionOptions,
  mostResponseBytes?: number,
): SnowflakeConnection {
  const waiting = new Set<(failure: SnowflakeFailure) => void>();
  // The SDK would repeat requests for minutes. The event should wait in its workflow instead.
  const scope = createRequestScope((code, reason) => {
    const failure = new SnowflakeFailure('unreachable', code, reason);
    for (const reject of waiting) reject(failure);
  }, mostResponseBytes);
  let connection: Connection | undefined;
  let discarded = false;
  let loggedOut: Promise<void> | undefined;

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

  async function* batchesOf(statement: RowStatement, fromRow: number, idleMs: number) {
    let fail = (_failure: SnowflakeFailure) => {};
    const reject = (failure: SnowflakeFailure) => fail(failure);
    const capture = captureUncaught((thrown) => reject(queryFailure(thrown)));
    waiting.add(reject);
    let missing = Math.max(0, statement.getNumRows() - fromRow);
    try {
      const batches = rowBatches(() => statement.streamRows({ start: fromRow }), {
        idleMs,
        run: (work) => scope.run(() => capture.run(work)),
        onFailure: (given) => {
          fail = given;
          if (discarded) fail(discardedFailure());
        },
      });
      for await (const batch of batches) {
        missing -= batch.length;
        yield batch;
      }
      if (missing !== 0) throw incompleteFailure();
    } finally {
      waiting.delete(reject);
      capture.stop();
    }
  }

  async function end(): Promise<void> {
    discarded = true;
    for (const reject of waiting) reject(discardedFailure());
    scope.end();
    if (connection?.isUp()) await logOut(connection);
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
    run: (query, timeoutSeconds) =>
      settled((resolve, reject) => {
        try {
          executeOnly(connection, query, timeoutSeconds, resolve, reject);
        } catch (thrown) {
          reject(queryFailure(thrown));
        }
      }),
    async openResult(queryId) {
      const statement = await settled<RowStatement>((resolve, reject) => {
        try {
          fetchResult(connection, queryId, resolve, reject);
        } catch (thrown) {
          reject(queryFailure(thrown));
        }
      });
      return { rows: statement.getNumRows(), batches: (fromRow, idleMs) => batchesOf(statement, fromRow, idleMs) };
    },
    discard() {
      loggedOut ??= end();
      return loggedOut;
    },
  };
}

/** Uses a scope that ends after `LOGOUT_MS`, so that a hanging network does not keep a socket open. */
function logOut(connection: Connection): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const scope: RequestScope = createRequestScope();
  const end = () => {
    clearTimeout(timer);
    resolve();
  };
  const timer = setTimeout(() => {
    scope.end();
    end();
  }, LOGOUT_MS);
  timer.unref();
  try {
    scope.run(() => connection.destroy(end));
  } catch {
    // The session then expires at the server.
    end();
  }
  return promise;
}

function discardedFailure(): SnowflakeFailure {
  return new SnowflakeFailure('gone', 'discarded', 'the connection was discarded');
}
