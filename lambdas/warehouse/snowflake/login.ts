import { isDeepStrictEqual } from 'node:util';
import type { ConnectionOptions } from 'snowflake-sdk';
import type { SecretSource } from '../../shared/secret-source.ts';
import type { SnowflakeSecret } from '../snowflake-secret-schema.ts';
import { openSnowflakeConnection, type SnowflakeConnection } from './connection.ts';
import { SnowflakeFailure } from './failure.ts';
import type { SnowflakeSdk } from './sdk.ts';

/** A pending or completed login, shared by concurrent queries. */
export interface Login {
  /** @throws SnowflakeFailure, or what reading the secret throws */
  readonly opened: Promise<SnowflakeConnection>;
  /** The secret that the login used; undefined until it was read. */
  readonly usedSecret: () => SnowflakeSecret | undefined;
  readonly isUsable: () => boolean;
  /** As `SnowflakeConnection.discard`. */
  readonly discard: () => Promise<void>;
}

interface LoginSteps {
  readonly loadSdk: () => Promise<SnowflakeSdk>;
  readonly readSecret: () => Promise<SnowflakeSecret>;
  readonly optionsFor: (secret: SnowflakeSecret) => ConnectionOptions;
  readonly mostResponseBytes?: number | undefined;
}

export interface RefusedLogin {
  readonly failure: SnowflakeFailure;
  readonly secret: SnowflakeSecret | undefined;
}

/**
 * Fetches the secret again after a refusal.
 *
 * @throws SnowflakeFailure the refusal, if the secret is unchanged: Snowflake locks a user after a few wrong passwords, and
 *   a second attempt with the same key would fail too
 */
export async function newerSecret(
  secrets: SecretSource<SnowflakeSecret>,
  refused: RefusedLogin,
): Promise<SnowflakeSecret> {
  const secret = await secrets.refetch();
  if (isDeepStrictEqual(secret, refused.secret)) throw refused.failure;
  return secret;
}

/** Starts a login in the background. A failure rejects `opened`. */
export function startLogin({ loadSdk, readSecret, optionsFor, mostResponseBytes }: LoginSteps): Login {
  let connection: SnowflakeConnection | undefined;
  let usedSecret: SnowflakeSecret | undefined;
  let isPending = true;
  let isDiscarded = false;

  async function open(): Promise<SnowflakeConnection> {
    const [sdk, secret] = await Promise.all([loadSdk(), readSecret()]);
    usedSecret = secret;
    if (isDiscarded) throw new SnowflakeFailure('gone', 'discarded', 'the login was discarded');
    connection = openSnowflakeConnection(sdk, optionsFor(secret), mostResponseBytes);
    await connection.ready;
    return connection;
  }
  const opened = open().finally(() => {
    isPending = false;
  });
  // No unhandled rejection if the deadlines of all queries have passed.
  opened.catch(() => undefined);
  return {
    opened,
    usedSecret: () => usedSecret,
    isUsable: () => !isDiscarded && (isPending || connection?.isUp() === true),
    async discard() {
      isDiscarded = true;
      await connection?.discard();
    },
  };
}
