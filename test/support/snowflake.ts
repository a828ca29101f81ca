import { generateKeyPairSync } from 'node:crypto';
import type { SecretSource } from '../../lambdas/shared/secret-source.ts';
import type { Warehouse } from '../../lambdas/warehouse/learning-time.ts';
import { createSnowflakeWarehouse } from '../../lambdas/warehouse/snowflake/warehouse.ts';
import { createSnowflakeWarming } from '../../lambdas/warehouse/snowflake/warming.ts';
import { snowflakeSecretSchema } from '../../lambdas/warehouse/snowflake-secret.ts';
import type { SnowflakeSecret } from '../../lambdas/warehouse/snowflake-secret-schema.ts';
import type { WarmingWarehouse } from '../../lambdas/warehouse/warming.ts';
import {
  type SnowflakeServer,
  type SnowflakeServerOptions,
  startSnowflakeServer,
} from '../../local/snowflake/snowflake-server.ts';
import { NAMES } from './learning-time-table.ts';
import { recordingLog } from './recording-log.ts';

export const account = 'acme-lms';
export const user = 'ENTERPRISE_SERVICE_USER';

/** Variables that the stack sets on the functions; the SDK reads them when it is loaded. */
export const QUIET_SDK = {
  SNOWFLAKE_DISABLE_PLATFORM_DETECTION: 'true',
  SNOWFLAKE_DISABLE_MINICORE: 'true',
  SF_TELEMETRY_DISABLE_CONNECTION_SHAPE: '1',
};

export function quietSnowflakeSdk(): void {
  Object.assign(process.env, QUIET_SDK);
}

export interface KeyPair {
  readonly publicKey: string;
  readonly privateKey: string;
}

export function createKeyPair(passphrase?: string): KeyPair {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const cipher = passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase };
  return {
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem', ...cipher }).toString(),
  };
}

/** Secrets that a test sets: the cached one, and the result of a refetch. Both kinds of calls are counted. */
export interface SecretStub extends SecretSource<SnowflakeSecret> {
  cached: () => Promise<SnowflakeSecret>;
  stored: () => Promise<SnowflakeSecret>;
  readonly calls: { read: number; refetch: number };
}

export function stubSecrets(secret: SnowflakeSecret): SecretStub {
  const calls = { read: 0, refetch: 0 };
  const stub: SecretStub = {
    calls,
    cached: async () => secret,
    stored: async () => secret,
    read() {
      calls.read += 1;
      return stub.cached();
    },
    refetch() {
      calls.refetch += 1;
      stub.cached = stub.stored;
      return stub.stored();
    },
  };
  return stub;
}

export interface SnowflakeFixture {
  readonly server: SnowflakeServer;
  readonly secrets: SecretStub;
  readonly warehouse: Warehouse;
  readonly warming: WarmingWarehouse;
  readonly log: ReturnType<typeof recordingLog>;
}

/** A warehouse over a real socket, with the secret changed by `secret` and names by `names`. */
export async function startSnowflake({
  keyPair,
  login = {},
  secret = {},
  names = NAMES,
  now,
}: {
  keyPair: KeyPair;
  login?: Partial<SnowflakeServerOptions>;
  /** In place of the usual fields, as an operator stores them. */
  secret?: Readonly<Record<string, unknown>>;
  names?: typeof NAMES;
  /** The clock of the warm runs. */
  now?: () => number;
}): Promise<SnowflakeFixture> {
  const server = await startSnowflakeServer({ account, user, publicKey: keyPair.publicKey, ...login });
  const whole = { account, user, private_key: keyPair.privateKey, access_url: server.url, ...secret };
  const secrets = stubSecrets(snowflakeSecretSchema.parse(whole));
  const log = recordingLog();
  const common = { secrets, names, queryTag: 'learning-time-test', log };
  const warming = createSnowflakeWarming({ ...common, ...(now !== undefined && { now }) });
  return { server, secrets, warehouse: createSnowflakeWarehouse(common), warming, log };
}
