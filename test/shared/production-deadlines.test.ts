import type { AppConfigDataClient } from '@aws-sdk/client-appconfigdata';
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import * as z from 'zod';
import { createFailureSearch } from '../../lambdas/ledger/table/latest-failures.ts';
import { createConfigurationSource } from '../../lambdas/shared/appconfig-source.ts';
import { createMetricReader } from '../../lambdas/shared/cloudwatch.ts';
import { createSecretSource, readDatedSecret } from '../../lambdas/shared/secrets-manager.ts';
import { fakeLog, NOW } from '../support/factories.ts';

/** The timeouts that were set, in milliseconds, and a function that ends the last one. */
let timeoutsMs: number[];
let expire: () => void;

beforeEach(() => {
  timeoutsMs = [];
  jest.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => {
    const controller = new AbortController();
    timeoutsMs.push(ms);
    expire = () => controller.abort(new DOMException('too late', 'TimeoutError'));
    return controller.signal;
  });
});
afterEach(() => void jest.restoreAllMocks());

/** A client of any service. Without a response its calls end by their signals only, as those of the SDK do. */
function silentClient<C>(respond: () => object | undefined = () => undefined) {
  const signals: AbortSignal[] = [];
  const send = async (_command: object, { abortSignal }: { abortSignal: AbortSignal }) => {
    signals.push(abortSignal);
    const response = respond();
    if (Error.isError(response)) throw response;
    return response ?? new Promise((_, reject) => (abortSignal.onabort = () => reject(abortSignal.reason)));
  };
  return { signals, client: { send, config: {} } as C };
}

test('a secret is fetched within 3 s', async () => {
  const secret = {
    ...{ secretId: 'secret', parse: z.object({}), log: fakeLog() },
    client: silentClient<SecretsManagerClient>().client,
  };
  for (const read of [() => createSecretSource(secret).read(), () => readDatedSecret(secret)]) {
    const reading = read();
    expire();
    await expect(reading).rejects.toThrow('no response within 3000 ms');
  }
  expect(timeoutsMs).toEqual([3_000, 3_000]);
});

test('metrics are read within 5 s', async () => {
  // The SDK's paginator accepts clients of its class only.
  const client = Object.assign(new CloudWatchClient({ region: 'us-east-1' }), silentClient<CloudWatchClient>().client);
  const query = {
    key: 'k',
    namespace: 'n',
    name: 'm',
    dimensions: {},
    periodSeconds: 300,
    statistic: 'Sum',
    take: 'sum',
  };
  const reader = createMetricReader({ client, log: fakeLog() });
  const read = reader.read([query as never], { fromMs: 0, untilMs: 1 });
  expire();
  expect(await read).toEqual(new Map());
  expect(timeoutsMs).toEqual([5_000]);
});

test('failures are searched within 3 s, over all calls', async () => {
  const { client, signals } = silentClient<DynamoDBClient>();
  const found = createFailureSearch({ client, tableName: 'ledger' })('acme', NOW);
  expire();
  await expect(found).rejects.toMatchObject({ name: 'LedgerUnavailable' });
  expect(timeoutsMs).toEqual([3_000]);
  expect(new Set(signals).size).toBe(1);
});

test('AppConfig is polled within 3 s if there is nothing to serve and 500 ms otherwise, over all calls', async () => {
  const token = { InitialConfigurationToken: 'token', NextPollConfigurationToken: 'token' };
  let respond: () => object | undefined = () => undefined;
  const { client, signals } = silentClient<AppConfigDataClient>(() => respond());
  let nowMs = NOW;
  const profile = { applicationId: 'app', environmentId: 'env', profileId: 'profile' };
  const source = createConfigurationSource({
    ...{ ...profile, client, parse: (text: string) => text, log: fakeLog() },
    now: () => nowMs,
  });
  const first = source.read();
  expire();
  expect(await first).toBeUndefined();
  respond = () => ({ ...token, Configuration: new TextEncoder().encode('good') });
  expect(await source.read()).toBe('good');
  signals.length = 0;
  nowMs += 15_000;
  const responses = [Object.assign(new Error('expired'), { name: 'BadRequestException' }), token];
  respond = () => responses.shift();
  const later = source.read();
  while (signals.length < 3) await new Promise(setImmediate);
  expire();
  expect(await later).toBe('good');
  expect(timeoutsMs).toEqual([3_000, 3_000, 500]);
  expect(new Set(signals).size).toBe(1);
});
