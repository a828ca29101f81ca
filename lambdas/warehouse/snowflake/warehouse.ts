import type { Log } from '../../shared/log.ts';
import type { SecretSource } from '../../shared/secret-source.ts';
import type { Warehouse } from '../learning-time.ts';
import { prepareLearningTimeQuery, type WarehouseNames } from '../query.ts';
import { readLearningTimes } from '../rows.ts';
import type { SnowflakeSecret } from '../snowflake-secret-schema.ts';
import { connectionOptions, loadSnowflakeSdk, type SnowflakeSdk } from './sdk.ts';
import { createSnowflakeSession } from './session.ts';

export interface SnowflakeWarehouseOptions {
  readonly secrets: SecretSource<SnowflakeSecret>;
  readonly names: WarehouseNames;
  /** Shown with each query in Snowflake's query history. At most 2000 characters. */
  readonly queryTag: string;
  readonly log: Log;
  readonly loadSdk?: () => Promise<SnowflakeSdk>;
}

/**
 * Creates the warehouse that uses `snowflake-sdk`: one connection, reused between calls, and one query per call.
 *
 * The SDK repeats failed requests for minutes and cannot be stopped. When our deadline passes, the connection and all its
 * requests are discarded.
 *
 * @throws EnvironmentInvalid if a table or column name is not an identifier
 */
export function createSnowflakeWarehouse(options: SnowflakeWarehouseOptions): Warehouse {
  const { secrets, names, queryTag, log, loadSdk = loadSnowflakeSdk } = options;
  const queryFor = prepareLearningTimeQuery(names);
  const session = createSnowflakeSession({
    secrets,
    optionsFor: (secret) => connectionOptions(secret, { ...names, queryTag }),
    loadSdk,
    log,
  });
  return {
    async query(keys, deadlineMs) {
      if (keys.length === 0) return new Map();
      const rows = await session.run(deadlineMs, (connection, seconds) => connection.query(queryFor(keys), seconds));
      const { results, unexpectedRows } = readLearningTimes(keys, rows);
      if (unexpectedRows > 0) log.warn('warehouse.unexpected_rows', { rows: unexpectedRows });
      return results;
    },
  };
}
