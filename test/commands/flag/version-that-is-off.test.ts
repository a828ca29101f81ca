import {
  CreateHostedConfigurationVersionCommand,
  GetHostedConfigurationVersionCommand,
} from '@aws-sdk/client-appconfig';
import { beforeEach, expect, test } from '@jest/globals';
import { FLAG_KEY } from '../../../lambdas/flag/flag-document.ts';
import { FLAG_SEED } from '../../../lib/flag-seed.ts';
import { eachTest } from '../../support/each-test.ts';
import { intercept } from '../operator-world.ts';
import { documentWith, startFlagWorld } from './flag-world.ts';

const operator = eachTest(startFlagWorld);

beforeEach(() => {
  operator.deployFlag({ enabled: true, rollout_percentage: 20 });
});

const run = () => operator.run('disable');
const printed = () => operator.world.printed();

const nonsense = {
  ...documentWith({ enabled: true, rollout_percentage: 250, cache_ttl_seconds: 60 }),
  flags: { [FLAG_KEY]: { attributes: { rollout_percentage: {}, cache_ttl_seconds: {} } } },
};

test('the seed of the stack is deployed, and that is said', async () => {
  operator.deployDocument(nonsense);
  expect(await run()).toBe(0);
  expect(operator.history().at(-1)).toBe('4: version 1 COMPLETE at-once');
  expect(printed()).toMatch(
    /^the document of the flag does not fit \(rollout_percentage: .*\): so a document with .* no pilots is deployed\n/,
  );
  expect(printed()).toContain('For whom that changes what cannot be told: version 3 does not say who had it');
});

test('and where AppConfig takes no new version', async () => {
  operator.deployDocument({
    version: '1',
    flags: { [FLAG_KEY]: { attributes: {} } },
    values: { [FLAG_KEY]: { enabled: true } },
  });
  refuse(CreateHostedConfigurationVersionCommand, 'ServiceQuotaExceededException');
  expect(await run()).toBe(0);
  expect(operator.history().at(-1)).toBe('4: version 1 COMPLETE at-once');
  expect(printed()).toContain('AWS refuses (ServiceQuotaExceededException): too many');
});

test('no version can be read: a document is made that is off, and in which everything can be set again', async () => {
  operator.deployDocument(nonsense);
  const allow = refuse(GetHostedConfigurationVersionCommand, 'ResourceNotFoundException');
  expect(await run()).toBe(0);
  expect(operator.history().at(-1)).toBe('4: version 4 COMPLETE at-once');
  expect(operator.written().values).toEqual(FLAG_SEED.values);
  expect(printed()).toContain('version 1 cannot be used: AWS refuses (ResourceNotFoundException): too many');
  allow();
  expect(await operator.run('pilot', 'add', 'ent-x')).toBe(0);
  expect(await operator.run('percent', '5')).toBe(0);
  expect(await operator.run('ttl', '60')).toBe(0);
  expect(await operator.run('enable')).toBe(0);
  expect(operator.served()).toEqual({
    enabled: true,
    rollout_percentage: 5,
    pilot_enterprises: ['ent-x'],
    cache_ttl_seconds: 60,
  });
});

test('nothing is served: the seed is deployed', async () => {
  const { store } = operator.world.plane.appConfig;
  store.defineEnvironment('app', 'other-env');
  const { context } = operator.world;
  const original = context.openStage;
  context.openStage = async (name) => {
    const stage = await original(name);
    return { ...stage, output: (key) => (key === 'FlagsEnvironmentId' ? 'other-env' : stage.output(key)) };
  };
  expect(await run()).toBe(0);
  expect(store.deployments('app', 'other-env')).toMatchObject([{ version: { number: 1 } }]);
});

/** AppConfig refuses an operation from now on. @returns ends that */
function refuse(refused: new (input: never) => object, error: string): () => void {
  const { context } = operator.world;
  const original = context.openStage;
  let isRefusing = true;
  context.openStage = async (name) => {
    const stage = await original(name);
    intercept(stage.appConfig, (command, send) => {
      const { input } = command as { input: { ConfigurationProfileId?: string } };
      if (isRefusing && command instanceof refused && input.ConfigurationProfileId === 'flags') {
        throw Object.assign(new Error('too many'), { name: error, $fault: 'client' });
      }
      return send();
    });
    return stage;
  };
  return () => {
    isRefusing = false;
  };
}
