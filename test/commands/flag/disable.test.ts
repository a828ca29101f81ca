import {
  CreateHostedConfigurationVersionCommand,
  GetHostedConfigurationVersionCommand,
} from '@aws-sdk/client-appconfig';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { FLAG_SEED } from '../../../lib/flag-seed.ts';
import { eachTest } from '../../support/each-test.ts';
import { intercept } from '../operator-world.ts';
import { ALARM, BROKEN, documentWith, FIRST, SECOND, startFlagWorld } from './flag-world.ts';

const ON = { enabled: true, rollout_percentage: 20, pilot_enterprises: ['ent-x'], cache_ttl_seconds: 600 };
const OFF = { ...ON, enabled: false };

const operator = eachTest(startFlagWorld);

beforeEach(() => {
  operator.deployPartners(FIRST, SECOND);
  operator.deployFlag(ON);
});

const run = () => operator.run('disable');
const printed = () => operator.printed();

test('off at once, without a bake time, and nothing else is changed; the effect is printed last', async () => {
  operator.letBake();
  expect(await run()).toBe(0);
  expect(operator.served()).toEqual({ enabled: false });
  expect(operator.written()).toEqual(documentWith(OFF));
  expect(operator.history().at(-1)).toBe('3: version 3 COMPLETE at-once');
  expect(printed()).toMatch(
    /done: the flag is off \(stage local\)\. Functions notice within 15 s\.[\s\S]*\nenabled +yes +no\n[\s\S]*1 of 2 known enterprises change: on for 1, then for 0\n {2}off: ent-r$/,
  );
});

test('off already: nothing to do', async () => {
  await run();
  expect(await run()).toBe(0);
  expect(printed()).toMatch(/\nnothing to do: the flag is off already, and no deployment is in progress$/);
  expect(operator.history()).toHaveLength(3);
});

test('while an alarm is in ALARM: off all the same, and the alarm monitors again', async () => {
  operator.store.setAlarm(ALARM, true);
  expect(await run()).toBe(0);
  expect(operator.served()).toEqual({ enabled: false });
  expect(operator.history().slice(2)).toEqual(['3: version 3 ROLLED_BACK at-once', '4: version 3 COMPLETE at-once']);
  expect(printed()).toMatch(/deployment 3 was rolled back \(ROLLED_BACK\): .*alarm:harm/);
  expect(printed()).toContain('the alarms of the flag environment are ignored meanwhile');
  expect(operator.watched()).toEqual([ALARM]);
});

describe('another deployment is in progress', () => {
  test('it is stopped, however long that takes: what it deployed does not return when the flag is enabled', async () => {
    operator.world.plane.appConfig.setRollbackSeconds(90);
    await operator.bake('percent', '90');
    const startMs = operator.world.nowMs;
    expect(await run()).toBe(0);
    expect(operator.history().slice(2)).toEqual(['3: version 3 ROLLED_BACK watched', '4: version 4 COMPLETE at-once']);
    expect(operator.written()).toEqual(documentWith(OFF));
    expect(operator.world.nowMs - startMs).toBe(90_000);
    expect(printed()).toContain('deployment 3 (BAKING) is stopped and rolled back');
    expect(printed()).toMatch(/percentage +90 % +20 %/);
  });

  test('after two minutes it fails, and says that the flag is not off', async () => {
    operator.world.plane.appConfig.setRollbackSeconds(121);
    await operator.bake('percent', '90');
    await expect(run()).rejects.toMatchObject({
      name: 'CommandFailed',
      message: expect.stringMatching(
        /^the flag is not off: deployment 3 is still ROLLING_BACK after 2 minutes, .* again$/,
      ),
    });
    operator.world.nowMs += 1_000;
    expect(await run()).toBe(0);
    expect(operator.served()).toEqual({ enabled: false });
  });

  test('one that another operator starts meanwhile is stopped too', async () => {
    operator.world.plane.appConfig.setRollbackSeconds(10);
    await operator.bake('percent', '90');
    operator.world.onSleep = () => {
      operator.world.onSleep = () => {};
      operator.world.nowMs += 10_000;
      operator.start(3, 'watched');
    };
    expect(await run()).toBe(0);
    expect(operator.history().slice(3)).toEqual(['4: version 3 ROLLED_BACK watched', '5: version 4 COMPLETE at-once']);
  });

  test('another operator’s disable is left to end', async () => {
    operator.start(operator.draft(OFF), 'at-once');
    expect(await run()).toBe(0);
    expect(operator.history().slice(2)).toEqual(['3: version 3 COMPLETE at-once', '4: version 3 COMPLETE at-once']);
  });

  test.each([
    ['an enable without a bake time', { ...ON, rollout_percentage: 90 }, 'at-once'],
    ['one that switches off, but bakes, so that an alarm could roll it back', OFF, 'watched'],
  ] as const)('%s is stopped', async (_, values, strategy) => {
    operator.start(operator.draft(values), strategy);
    expect(await run()).toBe(0);
    expect(operator.history()[2]).toBe(`3: version 3 ROLLED_BACK ${strategy}`);
    expect(operator.served()).toEqual({ enabled: false });
  });

  test('if the version before it is off, that version is deployed, and none is created', async () => {
    await run();
    await operator.bake('enable');
    const versions = operator.versions();
    expect(await run()).toBe(0);
    expect(operator.versions()).toBe(versions);
    expect(operator.history().at(-1)).toBe('5: version 3 COMPLETE at-once');
  });
});

describe('the served document cannot be used', () => {
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

  test('it is broken: the stack’s seed is deployed', async () => {
    operator.deployDocument(BROKEN);
    expect(await run()).toBe(0);
    expect(operator.history().at(-1)).toBe('4: version 1 COMPLETE at-once');
    expect(printed()).toMatch(
      /^the document of the flag does not fit \(rollout_percentage: .*\): instead a document with .* no pilots is deployed\n/,
    );
    expect(printed()).toContain('Which enterprises that affects is not known: version 3 cannot be read');
  });

  test('AppConfig creates no version: the seed', async () => {
    refuse(CreateHostedConfigurationVersionCommand, 'ServiceQuotaExceededException');
    expect(await run()).toBe(0);
    expect(operator.history().at(-1)).toBe('3: version 1 COMPLETE at-once');
  });

  test('nothing is served: the seed', async () => {
    const { context } = operator.world;
    operator.store.defineEnvironment('app', 'other-env');
    const original = context.openStage;
    context.openStage = async (name) => {
      const stage = await original(name);
      return { ...stage, output: (key) => (key === 'FlagsEnvironmentId' ? 'other-env' : stage.output(key)) };
    };
    expect(await run()).toBe(0);
    expect(operator.store.deployments('app', 'other-env')).toMatchObject([{ version: { number: 1 } }]);
  });

  test('no version can be read: a new document is off, and every attribute can be changed in it', async () => {
    const allow = refuse(GetHostedConfigurationVersionCommand, 'ResourceNotFoundException');
    expect(await run()).toBe(0);
    expect(operator.history().at(-1)).toBe('3: version 3 COMPLETE at-once');
    expect(operator.written().values).toEqual(FLAG_SEED.values);
    allow();
    for (const words of ['pilot add ent-x', 'percent 5', 'ttl 60', 'enable']) {
      expect(await operator.run(...words.split(' '))).toBe(0);
    }
    const changed = { enabled: true, rollout_percentage: 5, pilot_enterprises: ['ent-x'], cache_ttl_seconds: 60 };
    expect(operator.served()).toEqual(changed);
  });
});
