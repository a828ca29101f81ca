import { isDeepStrictEqual } from 'node:util';
import type { ConnectionOptions } from 'snowflake-sdk';
import type { SecretSource } from '../../shared/secret-source.ts';
import type { SnowflakeSecret } from '../snowflake-secret-schema.ts';
import { openSnowflakeConnection, type SnowflakeConnection } from './connection.ts';
import { SnowflakeFailure } from './failure.ts';
import type { SnowflakeSdk } from './sdk.ts';

/** A login under way or done, shared by every ask that needs it. */
export interface Login {
  /** @throws SnowflakeFailure, or what reading the secret throws */
  readonly opened: Promise<SnowflakeConnection>;
  /** The secret it was tried with, once that was read. */
  readonly triedSecret: () => SnowflakeSecret | undefined;
  readonly isUsable: () => boolean;
  readonly discard: () => void;
}

interface LoginSteps {
  readonly loadSdk: () => Promise<SnowflakeSdk>;
  readonly readSecret: () => Promise<SnowflakeSecret>;
  readonly optionsFor: (secret: SnowflakeSecret) => ConnectionOptions;
}

export interface RefusedLogin {
  readonly failure: SnowflakeFailure;
  readonly secret: SnowflakeSecret | undefined;
}

/**
 * The secret, fetched again after a refusal.
 *
 * @throws SnowflakeFailure the refusal itself where the secret is still the same: Snowflake locks a user after a few
 *   wrong passwords, and a second attempt with the same key fails too
 */
export async function newerSecret(
  secrets: SecretSource<SnowflakeSecret>,
  refused: RefusedLogin,
): Promise<SnowflakeSecret> {
  const secret = await secrets.refetch();
  if (isDeepStrictEqual(secret, refused.secret)) throw refused.failure;
  return secret;
}

/** Starts a login in the background; a failure is thrown to the callers that await `opened`. */
export function startLogin({ loadSdk, readSecret, optionsFor }: LoginSteps): Login {
  let connection: SnowflakeConnection | undefined;
  let triedSecret: SnowflakeSecret | undefined;
  let isPending = true;
  let isDiscarded = false;

  async function open(): Promise<SnowflakeConnection> {
    const [sdk, secret] = await Promise.all([loadSdk(), readSecret()]);
    triedSecret = secret;
    if (isDiscarded) throw new SnowflakeFailure('gone', 'discarded', 'the login was discarded');
    connection = openSnowflakeConnection(sdk, optionsFor(secret));
    await connection.ready;
    return connection;
  }
  const opened = open().finally(() => {
    isPending = false;
  });
  // An ask whose deadline has passed no longer listens.
  opened.catch(() => undefined);
  return {
    opened,
    triedSecret: () => triedSecret,
    isUsable: () => !isDiscarded && (isPending || connection?.isUp() === true),
    discard() {
      isDiscarded = true;
      connection?.discard();
    },
  };
}
