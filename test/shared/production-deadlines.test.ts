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

/** The deadlines that were set, in milliseconds, and how to end the last one. */
let deadlinesMs: number[];
let expire: () => void;

beforeEach(() => {
  deadlinesMs = [];
  jest.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => {
    const controller = new AbortController();
    deadlinesMs.push(ms);
    expire = () => controller.abort(new DOMException('too late', 'TimeoutError'));
    return controller.signal;
  });
});
afterEach(() => {
  jest.restoreAllMocks();
});

type Respond = (command: object) => object | undefined;

/** A client that never responds by default, and that an abort signal ends as it ends a call of the SDK. */
function silentClient(respond: Respond = () => undefined) {
  const signals: AbortSignal[] = [];
  const send = async (command: object, { abortSignal }: { abortSignal: AbortSignal }) => {
    signals.push(abortSignal);
    const response = respond(command);
    if (Error.isError(response)) throw response;
    if (response !== undefined) return response;
    return new Promise((_, reject) => {
      abortSignal.addEventListener('abort', () => reject(abortSignal.reason));
    });
  };
  return { signals, send, config: {} };
}

const secret = { secretId: 'secret', parse: z.object({}), log: fakeLog() };

test('a first fetch of a secret is given up after 3 s', async () => {
  const client = silentClient() as unknown as SecretsManagerClient;
  const read = createSecretSource({ ...secret, client }).read();
  expire();
  await expect(read).rejects.toThrow('no response within 3000 ms');
  const dated = readDatedSecret({ ...secret, client });
  expire();
  await expect(dated).rejects.toThrow('no response within 3000 ms');
  expect(deadlinesMs).toEqual([3_000, 3_000]);
});

test('metrics are given up after 5 s', async () => {
  const client = silentClient();
  // The SDK's paginator takes clients of its class alone.
  const ofClass = Object.assign(new CloudWatchClient({ region: 'us-east-1' }), { send: client.send });
  const one = { key: 'k', namespace: 'n', name: 'm', dimensions: {}, periodSeconds: 300 };
  const reader = createMetricReader({ client: ofClass as CloudWatchClient, log: fakeLog() });
  const read = reader.read([{ ...one, statistic: 'Sum', take: 'sum' }], { fromMs: 0, untilMs: 1 });
  expire();
  expect(await read).toEqual(new Map());
  expect(deadlinesMs).toEqual([5_000]);
});

test('a search for failures is given up after 3 s, all its calls together', async () => {
  const client = silentClient();
  const search = createFailureSearch({ client: client as unknown as DynamoDBClient, tableName: 'ledger' });
  const found = search('acme', NOW);
  expire();
  await expect(found).rejects.toMatchObject({ name: 'LedgerUnavailable' });
  expect(deadlinesMs).toEqual([3_000]);
  expect(new Set(client.signals).size).toBe(1);
});

test('a poll of AppConfig is given up after 3 s with nothing to serve and 500 ms otherwise, all its calls together', async () => {
  let respond: Respond = () => undefined;
  const client = silentClient((command) => respond(command));
  let nowMs = NOW;
  const source = createConfigurationSource({
    client: client as unknown as AppConfigDataClient,
    ...{ applicationId: 'app', environmentId: 'env', profileId: 'profile' },
    parse: (text) => text,
    log: fakeLog(),
    now: () => nowMs,
  });
  const first = source.read();
  expire();
  expect(await first).toBeUndefined();
  respond = () => ({
    InitialConfigurationToken: 'token',
    NextPollConfigurationToken: 'token',
    Configuration: new TextEncoder().encode('good'),
  });
  expect(await source.read()).toBe('good');
  client.signals.length = 0;
  nowMs += 15_000;
  const refused = Object.assign(new Error('expired'), { name: 'BadRequestException' });
  const responses = [refused, { InitialConfigurationToken: 'token' }];
  respond = () => responses.shift();
  const later = source.read();
  while (client.signals.length < 3) await new Promise(setImmediate);
  expire();
  expect(await later).toBe('good');
  expect(deadlinesMs).toEqual([3_000, 3_000, 500]);
  expect(new Set(client.signals).size).toBe(1);
});
