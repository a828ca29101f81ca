import { inspect } from 'node:util';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { SecretSource } from '../../lambdas/shared/secret-source.ts';
import {
  createSecretSource,
  createUncachedSecretSource,
  readDatedSecret,
} from '../../lambdas/shared/secrets-manager.ts';
import { snowflakeSecretSchema } from '../../lambdas/warehouse/snowflake-secret.ts';
import type { SnowflakeSecret } from '../../lambdas/warehouse/snowflake-secret-schema.ts';
import { type ControlPlane, startControlPlane } from '../../local/control-plane/server.ts';
import { clientOptions } from '../support/client-options.ts';
import { type FrontServer, startFrontServer } from '../support/front-server.ts';
import { recordingLog } from '../support/recording-log.ts';

const ID = '/test/snowflake';
const MINUTE_MS = 60_000;
/** Longer than a test. The deadline of production is tested in `production-deadlines.test.ts`. */
const AMPLE = { timeoutMs: 30_000 };

let nowMs: number;
let plane: ControlPlane;
let front: FrontServer;
let client: SecretsManagerClient;
let log: ReturnType<typeof recordingLog>;
let source: SecretSource<SnowflakeSecret>;

const put = (password: string) =>
  plane.secretsManager.put(ID, JSON.stringify({ account: 'acme', user: 'learning', password }));
const messages = () => log.lines.map(({ level, message }) => `${level} ${message}`);

beforeEach(async () => {
  nowMs = Date.UTC(2026, 0, 1);
  plane = await startControlPlane({ now: () => nowMs });
  front = await startFrontServer(plane.endpoint);
  client = new SecretsManagerClient(clientOptions(front.endpoint));
  log = recordingLog();
  put('one');
  source = createSecretSource({ client, secretId: ID, parse: snowflakeSecretSchema, log, now: () => nowMs, ...AMPLE });
});

afterEach(async () => {
  client.destroy();
  await front.close();
  await plane.close();
});

/** The source after some time. */
function sourceAfter(ms: number): typeof source {
  nowMs += ms;
  return source;
}

test('a source without a cache reads the secret for every call', async () => {
  const uncached = createUncachedSecretSource({ client, secretId: ID, parse: snowflakeSecretSchema, ...AMPLE });
  expect([await uncached.read(), await uncached.refetch()]).toMatchObject([{ password: 'one' }, { password: 'one' }]);
  put('two');
  expect([await uncached.refetch(), await uncached.read()]).toMatchObject([{ password: 'two' }, { password: 'two' }]);
});

describe('read', () => {
  test('keeps the secret for 15 minutes', async () => {
    expect(await source.read()).toEqual({ account: 'acme', user: 'learning', password: 'one' });
    put('two');
    expect((await sourceAfter(15 * MINUTE_MS - 1).read()).password).toBe('one');
    expect(front.requests).toHaveLength(1);
    expect((await sourceAfter(1).read()).password).toBe('two');
    expect(front.requests).toHaveLength(2);
  });

  test('a clock that was set back fetches', async () => {
    await source.read();
    nowMs -= 60 * MINUTE_MS;
    await source.read();
    expect(front.requests).toHaveLength(2);
  });

  test('serves an old secret while Secrets Manager is down: one warning, a call every 30 s, one info when back', async () => {
    await source.read();
    plane.secretsManager.setDown(true);
    nowMs += 24 * 60 * MINUTE_MS;
    const all = await Promise.all(Array.from({ length: 5 }, () => source.read()));
    expect(all.map(({ password }) => password)).toEqual(Array(5).fill('one'));
    await sourceAfter(29_999).read();
    expect(front.requests).toHaveLength(2);
    await sourceAfter(1).read();
    expect(front.requests).toHaveLength(3);
    expect(messages()).toEqual(['warn secret.unavailable']);
    plane.secretsManager.setDown(false);
    put('two');
    expect((await sourceAfter(30_000).read()).password).toBe('two');
    expect(messages()).toEqual(['warn secret.unavailable', 'info secret.back']);
    plane.secretsManager.setDown(true);
    await sourceAfter(15 * MINUTE_MS).read();
    expect(messages()).toEqual(['warn secret.unavailable', 'info secret.back', 'warn secret.unavailable']);
  });

  test('serves an old secret in place of an unusable one', async () => {
    await source.read();
    plane.secretsManager.put(ID, '{"account":"acme"}');
    expect((await sourceAfter(15 * MINUTE_MS).read()).password).toBe('one');
    expect(log.lines).toMatchObject([
      {
        level: 'warn',
        message: 'secret.unavailable',
        fields: { secretId: ID, reason: expect.stringContaining('user') },
      },
    ]);
  });

  test('without a cached secret it throws, and the next read fetches again', async () => {
    plane.secretsManager.setDown(true);
    await expect(source.read()).rejects.toMatchObject({
      name: 'SecretUnavailable',
      message: `secret ${ID} cannot be read: ServiceUnavailable`,
    });
    plane.secretsManager.setDown(false);
    expect((await source.read()).password).toBe('one');
    expect(log.lines).toEqual([]);
  });
});

describe('refetch', () => {
  test('bypasses the cache, and replaces the cached secret', async () => {
    await source.read();
    put('two');
    expect((await sourceAfter(MINUTE_MS).refetch()).password).toBe('two');
    expect((await source.read()).password).toBe('two');
    expect(front.requests).toHaveLength(2);
  });

  test('concurrent refetches, and those within 5 s, share one fetch', async () => {
    await source.read();
    put('two');
    nowMs += MINUTE_MS;
    const together = await Promise.all(Array.from({ length: 10 }, () => source.refetch()));
    const later = await sourceAfter(4999).refetch();
    expect([...together, later].map(({ password }) => password)).toEqual(Array(11).fill('two'));
    expect(front.requests).toHaveLength(2);
    await sourceAfter(1).refetch();
    expect(front.requests).toHaveLength(3);
  });

  test('fetches right after a first read too: the secret may have been rotated in between', async () => {
    await source.read();
    put('two');
    expect((await source.refetch()).password).toBe('two');
    expect(front.requests).toHaveLength(2);
  });

  test('never returns the secret that was refused: it throws while Secrets Manager is down', async () => {
    await source.read();
    nowMs += MINUTE_MS;
    plane.secretsManager.setDown(true);
    const results = await Promise.allSettled(Array.from({ length: 5 }, () => source.refetch()));
    expect(results.map(({ status }) => status)).toEqual(Array(5).fill('rejected'));
    await expect(sourceAfter(4999).refetch()).rejects.toMatchObject({ name: 'SecretUnavailable' });
    expect(front.requests).toHaveLength(2);
    expect((await source.read()).password).toBe('one');
    plane.secretsManager.setDown(false);
    expect((await sourceAfter(1).refetch()).password).toBe('one');
    expect(messages()).toEqual(['warn secret.unavailable', 'info secret.back']);
  });
});

test('a secret that was stored as bytes is read', async () => {
  const bytes = new TextEncoder().encode('\uFEFF{"account":"acme","user":"learning","password":"two"}');
  client.middlewareStack.add((next) => async (args) => withBytes(await next(args), bytes), { step: 'initialize' });
  expect((await source.read()).password).toBe('two');
});

describe('an unusable secret', () => {
  const refusal = async (secretString: string): Promise<Error> => {
    plane.secretsManager.put(ID, secretString);
    return source.read().then(
      () => Promise.reject(new Error('it was accepted')),
      (thrown: Error) => thrown,
    );
  };

  test('the message names the missing keys and no value', async () => {
    const error = await refusal(JSON.stringify({ account: 'acme-account', access_url: 'http://leak.example' }));
    expect(error.name).toBe('SecretUnusable');
    expect(error.message).toMatch(/^secret \/test\/snowflake has no user \(/);
    expect(error.message).toContain('a value of access_url that is not');
    expect(inspected(error)).not.toMatch(/acme-account|leak/);
  });

  test('not JSON: the text is quoted nowhere', async () => {
    const error = await refusal('{"password": hunter2}');
    expect(error).toMatchObject({
      name: 'SecretUnusable',
      message: `secret ${ID} is not a JSON object such as {"key": "value"}`,
    });
    expect(inspected(error)).not.toContain('hunter2');
  });

  test('no text', async () => {
    client.middlewareStack.add((next) => async (args) => withBytes(await next(args)), { step: 'initialize' });
    await expect(source.read()).rejects.toMatchObject({
      name: 'SecretUnusable',
      message: `secret ${ID} has no text in UTF-8`,
    });
  });

  test('no such secret, or no value yet', async () => {
    plane.secretsManager.remove(ID);
    await expect(source.read()).rejects.toMatchObject({
      name: 'SecretUnusable',
      message: `secret ${ID} does not exist, or has no value yet`,
    });
  });

  test('a refetch throws: the caller was refused with the older one', async () => {
    await source.read();
    nowMs += MINUTE_MS;
    plane.secretsManager.put(ID, '{}');
    await expect(source.refetch()).rejects.toMatchObject({ name: 'SecretUnusable' });
    await expect(source.refetch()).rejects.toMatchObject({ name: 'SecretUnusable' });
    expect(front.requests).toHaveLength(2);
    expect((await source.read()).password).toBe('one');
  });
});

describe('a secret with its age', () => {
  const read = () => readDatedSecret({ client, secretId: ID, parse: snowflakeSecretSchema, ...AMPLE });

  test('is the newest version, and is not cached', async () => {
    nowMs += MINUTE_MS;
    put('two');
    const { value, createdAtMs } = await read();
    expect(value.password).toBe('two');
    expect(createdAtMs).toBe(nowMs);
  });
});

/** A response with bytes in place of its text: the AWS CLI's `--secret-binary` stores them. */
function withBytes<R extends { output: object }>(result: R, SecretBinary?: Uint8Array): R {
  return { ...result, output: { ...result.output, SecretString: undefined, SecretBinary } };
}

/** The message, stack, cause and fields of an error. */
function inspected(error: Error): string {
  return inspect(error, { depth: 10, showHidden: true });
}
