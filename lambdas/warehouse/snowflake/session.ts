import type { ConnectionOptions } from 'snowflake-sdk';
import { errorName, PipelineError, WarehouseUnavailable } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import type { SecretSource } from '../../shared/secret-source.ts';
import type { SnowflakeSecret } from '../snowflake-secret-schema.ts';
import type { SnowflakeConnection } from './connection.ts';
import { type FailureKind, SnowflakeFailure } from './failure.ts';
import { type Login, newerSecret, type RefusedLogin, startLogin } from './login.ts';
import type { SnowflakeSdk } from './sdk.ts';

export interface SnowflakeSessionOptions {
  readonly secrets: SecretSource<SnowflakeSecret>;
  readonly optionsFor: (secret: SnowflakeSecret) => ConnectionOptions;
  readonly loadSdk: () => Promise<SnowflakeSdk>;
  readonly log: Log;
  /** Largest response, in bytes on the wire; `request-scope.ts` has the default. */
  readonly mostResponseBytes?: number;
}

/** One connection, opened on first use, reused between calls and replaced when it is no longer usable. */
export interface SnowflakeSession {
  /**
   * Runs `work` with the connection until the deadline; then the connection and all its requests are discarded and the
   * result is ignored. A refused login is retried once, with the secret fetched again; a session that is gone is replaced
   * once. So `work` may run more than once.
   *
   * @param deadlineMs for everything: secret, login and `work`
   * @throws WarehouseUnavailable for every failure, with a cause that holds no secret and no bind value
   */
  run<T>(deadlineMs: number, work: SessionWork<T>): Promise<T>;
  /** Discards the connection. The next call opens another one. @returns as `SnowflakeConnection.discard` */
  discard(): Promise<void>;
}

/** @param seconds the rest of the deadline as a statement timeout, at least 1 */
export type SessionWork<T> = (connection: SnowflakeConnection, seconds: number) => Promise<T>;

export function createSnowflakeSession(options: SnowflakeSessionOptions): SnowflakeSession {
  const { secrets, optionsFor, loadSdk, log, mostResponseBytes } = options;
  let current: Login | undefined;

  function usableLogin(refused: RefusedLogin | undefined): Login {
    if (current?.isUsable()) return current;
    current?.discard();
    current = startLogin({
      loadSdk,
      readSecret: () => (refused === undefined ? secrets.read() : newerSecret(secrets, refused)),
      optionsFor,
      mostResponseBytes,
    });
    return current;
  }

  async function attempt<T>(work: SessionWork<T>, call: Call): Promise<T> {
    const mayRepeat = new Set<FailureKind>(['refused', 'gone']);
    let refused: RefusedLogin | undefined;
    for (;;) {
      const login = usableLogin(refused);
      call.login = login;
      call.phase = 'login';
      try {
        const connection = await login.opened;
        call.phase = 'query';
        return await work(connection, Math.max(1, Math.ceil(call.remainingMs() / 1000)));
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
    run: (deadlineMs, work) => withinDeadline(deadlineMs, (call) => attempt(work, call)),
    discard: async () => current?.discard(),
  };
}

/** The failure as the callers of a warehouse expect it. */
export function unavailable(thrown: unknown): WarehouseUnavailable {
  const isOurs = thrown instanceof SnowflakeFailure || thrown instanceof PipelineError;
  const reason = isOurs ? thrown.message : `the query failed (${errorName(thrown)})`;
  return new WarehouseUnavailable(`Snowflake: ${reason}`, { cause: thrown });
}

/** The state of one call, for its deadline. */
interface Call {
  login: Login | undefined;
  phase: 'login' | 'query';
  readonly remainingMs: () => number;
  readonly isOver: () => boolean;
}

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
    throw unavailable(thrown);
  } finally {
    clearTimeout(timer);
  }
}
