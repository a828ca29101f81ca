import { errorName, PipelineError, WarehouseUnavailable } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import type { SecretSource } from '../../shared/secret-source.ts';
import type { LearnerKey, Warehouse } from '../learning-time.ts';
import { prepareLearningTimeQuery, type WarehouseNames } from '../query.ts';
import { readLearningTimes } from '../rows.ts';
import type { SnowflakeSecret } from '../snowflake-secret-schema.ts';
import { type FailureKind, SnowflakeFailure } from './failure.ts';
import { type Login, newerSecret, type RefusedLogin, startLogin } from './login.ts';
import { connectionOptions, loadSnowflakeSdk, type SnowflakeSdk } from './sdk.ts';

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
 * requests are discarded. A refused login is retried once, with the secret fetched again; a session that is gone is replaced
 * once.
 *
 * @throws EnvironmentInvalid if a table or column name is not an identifier
 */
export function createSnowflakeWarehouse(options: SnowflakeWarehouseOptions): Warehouse {
  const { secrets, names, queryTag, log, loadSdk = loadSnowflakeSdk } = options;
  const queryFor = prepareLearningTimeQuery(names);
  let current: Login | undefined;

  function usableLogin(refused: RefusedLogin | undefined): Login {
    if (current?.isUsable()) return current;
    current?.discard();
    current = startLogin({
      loadSdk,
      readSecret: () => (refused === undefined ? secrets.read() : newerSecret(secrets, refused)),
      optionsFor: (secret) => connectionOptions(secret, { ...names, queryTag }),
    });
    return current;
  }

  async function rowsFor(keys: readonly LearnerKey[], call: Call): Promise<unknown[]> {
    const mayRepeat = new Set<FailureKind>(['refused', 'gone']);
    let refused: RefusedLogin | undefined;
    for (;;) {
      const login = usableLogin(refused);
      call.login = login;
      call.phase = 'login';
      try {
        const connection = await login.opened;
        call.phase = 'query';
        return await connection.query(queryFor(keys), Math.max(1, Math.ceil(call.remainingMs() / 1000)));
      } catch (thrown) {
        const failure = thrown instanceof SnowflakeFailure ? thrown : undefined;
        if (failure?.kind !== 'statement') login.discard();
        if (failure === undefined || call.isOver() || !mayRepeat.delete(failure.kind)) throw thrown;
        log.warn('warehouse.reconnecting', { kind: failure.kind, code: failure.code });
        refused = failure.kind === 'refused' ? { failure, secret: login.usedSecret() } : undefined;
      }
    }
  }

  return {
    async query(keys, deadlineMs) {
      if (keys.length === 0) return new Map();
      const rows = await withinDeadline(deadlineMs, (call) => rowsFor(keys, call));
      const { results, unexpectedRows } = readLearningTimes(keys, rows);
      if (unexpectedRows > 0) log.warn('warehouse.unexpected_rows', { rows: unexpectedRows });
      return results;
    },
  };
}

/** The state of one call, for its deadline. */
interface Call {
  login: Login | undefined;
  phase: 'login' | 'query';
  readonly remainingMs: () => number;
  readonly isOver: () => boolean;
}

/**
 * Runs `work` until the deadline; then its login is discarded and its result is ignored.
 *
 * @throws WarehouseUnavailable for every failure, with a cause that holds no secret and no bind value
 */
async function withinDeadline<T>(deadlineMs: number, work: (call: Call) => Promise<T>): Promise<T> {
  const endsAt = performance.now() + deadlineMs;
  const over = Promise.withResolvers<never>();
  let isOver = false;
  const call: Call = {
    login: undefined,
    phase: 'login',
    remainingMs: () => endsAt - performance.now(),
    isOver: () => isOver,
  };
  const timer = setTimeout(() => {
    isOver = true;
    over.reject(
      new SnowflakeFailure('unreachable', 'deadline', `no response within ${deadlineMs} ms, at the ${call.phase}`),
    );
    call.login?.discard();
  }, deadlineMs);
  try {
    return await Promise.race([over.promise, work(call)]);
  } catch (thrown) {
    const isOurs = thrown instanceof SnowflakeFailure || thrown instanceof PipelineError;
    const reason = isOurs ? thrown.message : `the query failed (${errorName(thrown)})`;
    throw new WarehouseUnavailable(`Snowflake: ${reason}`, { cause: thrown });
  } finally {
    clearTimeout(timer);
  }
}
