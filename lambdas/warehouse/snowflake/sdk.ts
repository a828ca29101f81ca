import type { ConnectionOptions } from 'snowflake-sdk';
import type { SnowflakeSecret } from '../snowflake-secret-schema.ts';

/** The part of `snowflake-sdk` that is used. */
export type SnowflakeSdk = Pick<typeof import('snowflake-sdk'), 'configure' | 'createConnection'>;

/**
 * Timeout of a single HTTP request, in milliseconds: a batch's whole deadline. In a workflow task (30 s) it leaves time for
 * the SDK to repeat a query, with the same request id, if its socket died while the environment was frozen.
 */
const HTTP_TIMEOUT_MS = 10_000;

/**
 * Loads the SDK (1.9 MB) on first use, since a function whose lookups hit the cache does not need it. Its logging is off: by
 * default it logs to the console and to a file in the working directory.
 *
 * It requires three environment variables, which the stack sets on the function, and other callers before the first query:
 * `SNOWFLAKE_DISABLE_PLATFORM_DETECTION=true` (else it calls the metadata service and STS),
 * `SNOWFLAKE_DISABLE_MINICORE=true` (else it loads a native library) and `SF_TELEMETRY_DISABLE_CONNECTION_SHAPE=1`.
 */
export async function loadSnowflakeSdk(): Promise<SnowflakeSdk> {
  // CommonJS: Node and esbuild both provide the module as `default`.
  const { default: sdk } = await import('snowflake-sdk');
  sdk.configure({ logLevel: 'OFF', additionalLogToConsole: false });
  return sdk;
}

export interface ConnectionNames {
  /** Absent: a session without a warehouse. */
  readonly warehouse?: string | undefined;
  readonly role: string;
  readonly queryTag: string;
}

/** Uses the key pair if the secret has one, else the password. */
export function connectionOptions(
  secret: SnowflakeSecret,
  { warehouse, role, queryTag }: ConnectionNames,
): ConnectionOptions {
  return {
    account: secret.account,
    username: secret.user,
    ...credentials(secret),
    ...(secret.access_url === undefined ? {} : { accessUrl: secret.access_url }),
    ...(warehouse === undefined ? {} : { warehouse }),
    role,
    queryTag,
    timeout: HTTP_TIMEOUT_MS,
    sfRetryMaxLoginRetries: 0,
    // Otherwise a NULL that is fetched as text becomes the text "NULL".
    representNullAsStringNull: false,
  };
}

/**
 * Timeout of a single HTTP request of a long query, in milliseconds: Snowflake responds after 45 s that a query is still in
 * progress.
 */
const LONG_HTTP_TIMEOUT_MS = 60_000;

/** Rows that the SDK holds for the reader. By default they are 10, so that the reader would wait after every ten rows. */
const HELD_ROWS = 1_000;

/** For long queries and large results: one chunk is downloaded in advance, which is the least. */
export function streamingOptions(secret: SnowflakeSecret, names: ConnectionNames): ConnectionOptions {
  const streaming = { timeout: LONG_HTTP_TIMEOUT_MS, resultPrefetch: 1, rowStreamHighWaterMark: HELD_ROWS };
  return { ...connectionOptions(secret, names), ...streaming };
}

function credentials({ private_key: privateKey, password }: SnowflakeSecret): Partial<ConnectionOptions> {
  if (privateKey !== undefined) return { authenticator: 'SNOWFLAKE_JWT', privateKey };
  return password === undefined ? {} : { password };
}
