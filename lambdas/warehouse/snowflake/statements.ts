import type { Connection, RowStatement } from 'snowflake-sdk';
import type { WarehouseColumn } from '../check.ts';
import { type LearningTimeQuery, RESULT_COLUMNS } from '../query.ts';
import { queryFailure, SnowflakeFailure } from './failure.ts';

/**
 * Uncompressed size of a result's chunk, at most: the least that Snowflake accepts for `CLIENT_RESULT_CHUNK_SIZE`, in
 * megabytes. The default is 160, and the SDK parses a chunk at once. Accounts without the bundle 2026_04 take a tenth of it
 * for the compressed size, and were measured with up to 12.6 MiB uncompressed
 * (https://github.com/snowflakedb/snowflake-connector-nodejs/issues/790).
 */
const CHUNK_MEGABYTES = 16;

export interface CompletedQuery {
  readonly queryId: string;
  readonly rows: number;
}

/** Executes a query and reads its rows. */
export function execute(
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

/** Executes a query that may return many rows, and reads none. */
export function executeOnly(
  connection: Connection | undefined,
  { sqlText, binds }: LearningTimeQuery,
  timeoutSeconds: number,
  resolve: (query: CompletedQuery) => void,
  reject: (failure: SnowflakeFailure) => void,
): void {
  connection?.execute({
    sqlText,
    binds: [...binds],
    streamResult: true,
    parameters: {
      STATEMENT_TIMEOUT_IN_SECONDS: timeoutSeconds,
      ROWS_PER_RESULTSET: 0,
      CLIENT_RESULT_CHUNK_SIZE: CHUNK_MEGABYTES,
    },
    complete(error, statement) {
      if (error) reject(queryFailure(error));
      else resolve({ queryId: statement.getQueryId(), rows: statement.getNumRows() });
    },
  });
}

/** Requests the result of a query that has been executed, and reads no rows. */
export function fetchResult(
  connection: Connection | undefined,
  queryId: string,
  resolve: (statement: RowStatement) => void,
  reject: (failure: SnowflakeFailure) => void,
): void {
  connection?.fetchResult({
    queryId,
    rowMode: 'array',
    streamResult: true,
    complete: (error, statement) => (error ? reject(queryFailure(error)) : resolve(statement)),
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
export function incompleteFailure(): SnowflakeFailure {
  return new SnowflakeFailure('unreachable', 'incomplete', 'the number of rows differs from the count in the result');
}

export function columnsOf(statement: RowStatement): WarehouseColumn[] {
  const columns = statement.getColumns() ?? [];
  return columns.map((column) => ({
    name: column.getName(),
    type: column.getType().toLowerCase(),
    scale: column.getScale() ?? null,
  }));
}
