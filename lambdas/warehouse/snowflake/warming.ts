import { WarmResultGone } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import type { SecretSource } from '../../shared/secret-source.ts';
import { checkColumns, collationFault } from '../check-rules.ts';
import { prepareWarmQueries, type WarehouseNames } from '../query.ts';
import { readChangeToken, readWarmRow } from '../rows.ts';
import type { SnowflakeSecret } from '../snowflake-secret-schema.ts';
import type { WarmingWarehouse } from '../warming.ts';
import type { OpenResult, SnowflakeConnection } from './connection.ts';
import { RESULT_GONE_CODES, SnowflakeFailure } from './failure.ts';
import { loadSnowflakeSdk, type SnowflakeSdk, streamingOptions } from './sdk.ts';
import { createSnowflakeSession, unavailable } from './session.ts';

export interface SnowflakeWarmingOptions {
  readonly secrets: SecretSource<SnowflakeSecret>;
  readonly names: WarehouseNames;
  /** Shown with each query in Snowflake's query history. At most 2000 characters. */
  readonly queryTag: string;
  readonly log: Log;
  /** The wall clock, in milliseconds: decides where the days of activity begin. */
  readonly now?: () => number;
  readonly loadSdk?: () => Promise<SnowflakeSdk>;
}

/**
 * Largest response, in bytes on the wire. A chunk of 16 MB (`connection.ts`) has 2 to 5 MB in gzip. An account that ignores
 * the chunk size sends up to 16 MiB, whose rows would not fit the function's memory: the run fails with a reason instead.
 */
const MAX_CHUNK_BYTES = 8 * 1024 * 1024;

/** Snowflake's form of a query id. It becomes part of a request's path. */
const QUERY_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Creates the warehouse of warm runs, with two sessions: one without a warehouse for change tokens and stored results, and
 * one with the stage's warehouse for the query. A suspended warehouse is started by the query only.
 *
 * @throws EnvironmentInvalid if a table or column name is not an identifier
 */
export function createSnowflakeWarming(options: SnowflakeWarmingOptions): WarmingWarehouse {
  const { secrets, names, queryTag, log, now = Date.now, loadSdk = loadSnowflakeSdk } = options;
  const queries = prepareWarmQueries(names);
  const { role } = names;
  const common = { secrets, loadSdk, log, mostResponseBytes: MAX_CHUNK_BYTES };
  const plain = createSnowflakeSession({
    ...common,
    optionsFor: (secret) => streamingOptions(secret, { role, queryTag }),
  });
  const loading = createSnowflakeSession({
    ...common,
    optionsFor: (secret) => streamingOptions(secret, { ...names, queryTag }),
  });

  async function openResult(queryId: string, limitMs: number): Promise<OpenResult> {
    if (!QUERY_ID.test(queryId)) throw new WarmResultGone('Snowflake: the query id has another form');
    return plain
      .run(limitMs, (connection) => connection.openResult(queryId))
      .catch((thrown: unknown) => {
        throw goneOr(thrown, (thrown as Error).cause);
      });
  }

  return {
    changeToken: (deadlineMs) =>
      plain.run(deadlineMs, async (connection, seconds) => {
        const token = readChangeToken(await connection.query(queries.changeToken, seconds));
        if (token !== undefined) return token;
        throw tableFailure('the table has no change token: ./ltw check-warehouse says how to repair it');
      }),

    async start(selection, deadlineMs) {
      const query = queries.learningTimes(selection, now());
      return loading.run(deadlineMs, async (connection, seconds) => {
        await checkTable(connection, seconds);
        return connection.run(query, seconds);
      });
    },

    async *rows(queryId, fromRow, idleMs) {
      const result = await openResult(queryId, idleMs);
      let isComplete = false;
      try {
        for await (const batch of result.batches(fromRow, idleMs)) {
          yield batch.map((row) => readWarmRow(row, names.enterpriseIdForm));
        }
        isComplete = true;
      } catch (thrown) {
        throw goneOr(unavailable(thrown), thrown);
      } finally {
        // Otherwise the SDK would go on with what it downloads.
        if (!isComplete) plain.discard();
      }
    },

    async close() {
      await Promise.all([plain.discard(), loading.discard()]);
    },
  };

  /**
   * Fails with a reason if a column is missing or has another type. A collated column fails too: it compares keys of different
   * letters as equal, so that a row may have the sum of two keys.
   */
  async function checkTable(connection: SnowflakeConnection, seconds: number): Promise<void> {
    const check = checkColumns(await connection.columnsOf(queries.columns, seconds), names);
    if (check.verdict !== 'yes') throw tableFailure(`${check.finding}; ${check.remedy}`);
    const [row] = await connection.query(queries.collations, seconds);
    const fault = Array.isArray(row) ? collationFault(row, names) : undefined;
    if (fault !== undefined) throw tableFailure(`${fault.finding}: ${fault.remedy}`);
  }
}

/** The session is still usable. */
function tableFailure(reason: string): SnowflakeFailure {
  return new SnowflakeFailure('statement', 'table', reason);
}

function goneOr(error: unknown, cause: unknown): unknown {
  const isGone = cause instanceof SnowflakeFailure && RESULT_GONE_CODES.has(cause.code);
  return isGone ? new WarmResultGone(`Snowflake: ${cause.message}`, { cause }) : error;
}
