import { AppConfigDataClient } from '@aws-sdk/client-appconfigdata';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createFlagSource } from '../../lambdas/flag/appconfig-flag.ts';
import { FLAG_KEY } from '../../lambdas/flag/flag-document.ts';
import { FEATURE_OVERRIDE } from '../../lambdas/shared/environment.ts';
import { FEATURE_NAME, METRICS } from '../../lambdas/shared/metric-definitions.ts';
import { FLAG_SEED } from '../../lib/flag-seed.ts';
import { type ControlPlane, startControlPlane } from '../../local/control-plane/server.ts';
import { clientOptions } from '../support/client-options.ts';
import { fakeCounter, fakeLog } from '../support/factories.ts';

const VARIABLES = { APPCONFIG_APPLICATION_ID: 'app', FLAGS_ENVIRONMENT_ID: 'env', FLAGS_PROFILE_ID: 'flags' };

let nowMs: number;
let plane: ControlPlane;
let client: AppConfigDataClient;
let log: ReturnType<typeof fakeLog>;
let counter: ReturnType<typeof fakeCounter>;

beforeEach(async () => {
  nowMs = Date.UTC(2026, 0, 1);
  plane = await startControlPlane({ now: () => nowMs });
  plane.appConfig.defineProfile('app', 'flags', 'AWS.Freeform');
  client = new AppConfigDataClient(clientOptions(plane.endpoint));
  log = fakeLog();
  counter = fakeCounter();
});
afterEach(async () => {
  client.destroy();
  await plane.close();
});

const deploy = (entry: unknown) =>
  void plane.appConfig.deploy('app', 'env', 'flags', JSON.stringify({ [FLAG_KEY]: entry }));
const source = (override?: boolean) =>
  createFlagSource({
    environment: { ...VARIABLES, [FEATURE_OVERRIDE]: override },
    client,
    log,
    counter,
    now: () => nowMs,
    // Longer than a test.
    ...{ pollTimeoutMs: 30_000, firstPollTimeoutMs: 30_000 },
  });
const faults = () =>
  counter.counted.map(([name, { feature, error }]) => {
    expect([name, feature]).toEqual([METRICS.featureError, FEATURE_NAME]);
    return error;
  });

test('is the deployed version, with its name', async () => {
  deploy({ ...FLAG_SEED.values[FLAG_KEY], enabled: true, rollout_percentage: 25 });
  expect(await source().read()).toEqual({
    ...{ enabled: true, rollout_percentage: 25, pilot_enterprises: [], cache_ttl_seconds: 3600 },
    config_version: expect.stringMatching(/^content-[0-9a-f]{12}$/),
  });
  expect(faults()).toEqual([]);
});

describe('faults are counted', () => {
  test('an unusable version after a usable one: the usable one stays, with a warning', async () => {
    deploy({ enabled: true, rollout_percentage: 25 });
    const flag = source();
    const good = await flag.read();
    for (const nonsense of [{ enabled: 'yes' }, { enabled: true, rollout_percentage: 400 }]) {
      deploy(nonsense);
      nowMs += 15_000;
      expect(await flag.read()).toEqual(good);
    }
    expect(faults()).toEqual(['faulty', 'faulty']);
    expect(log.lines.map(({ message }) => message)).toEqual(['configuration.refused', 'configuration.refused']);
    deploy({ enabled: false, rollout_percentage: 400 });
    nowMs += 15_000;
    expect(await flag.read()).toMatchObject({ enabled: false });
  });

  test('an unusable first version: its safe defaults apply, with a warning', async () => {
    deploy({ enabled: true, rollout_percentage: 400 });
    expect(await source().read()).toMatchObject({ enabled: true, rollout_percentage: 0 });
    expect(faults()).toEqual(['faulty']);
    expect(log.only('flag.faulty')).toEqual({ faults: [expect.stringContaining('rollout_percentage')] });
  });

  test('AppConfig is down before it was ever read', async () => {
    plane.appConfig.setDown(true);
    expect(await source().read()).toBeUndefined();
    expect(faults()).toEqual(['unavailable', 'never_read']);
  });
});

describe('a developer’s override', () => {
  test.each([true, false])('%s: for all enterprises, whatever is deployed', async (isOn) => {
    deploy({ enabled: !isOn, rollout_percentage: 0 });
    expect(await source(isOn).read()).toMatchObject({ enabled: isOn, config_version: 'override' });
  });

  test('needs no AppConfig', async () => {
    plane.appConfig.setDown(true);
    expect(await source(true).read()).toMatchObject({ enabled: true, rollout_percentage: 100 });
  });
});
