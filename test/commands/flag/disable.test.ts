import { beforeEach, describe, expect, test } from '@jest/globals';
import { eachTest } from '../../support/each-test.ts';
import { documentWith, FIRST, SECOND, startFlagWorld } from './flag-world.ts';

const ON = { enabled: true, rollout_percentage: 20, pilot_enterprises: ['ent-x'], cache_ttl_seconds: 600 };
const OFF = { ...ON, enabled: false };

const operator = eachTest(startFlagWorld);

beforeEach(() => {
  operator.deployPartners(FIRST, SECOND);
  operator.deployFlag(ON);
});

const run = () => operator.run('disable');
const printed = () => operator.world.printed();

/** The newest deployment bakes, with these values, as `./ltw flag` leaves it. */
async function bake(...words: readonly string[]) {
  operator.letBake();
  operator.world.onSleep = () => void process.emit('SIGINT');
  expect(await operator.run(...words)).toBe(1);
  operator.world.onSleep = () => {};
}

test('off at once, without a bake time, and nothing else is changed', async () => {
  operator.letBake();
  expect(await run()).toBe(0);
  expect(operator.served()).toEqual({ enabled: false });
  expect(operator.written()).toEqual(documentWith(OFF));
  expect(operator.history().at(-1)).toBe('3: version 3 COMPLETE at-once');
  expect(printed()).toContain('done: the flag is off (stage local). Functions notice within 15 s.');
});

test('says for whom, once it is done', async () => {
  await run();
  expect(printed()).toMatch(
    /done: the flag is off[\s\S]*\nenabled +yes +no\n[\s\S]*1 of 2 known enterprises change: on for 1, then for 0\n {2}off: ent-r$/,
  );
});

test('off already: nothing to do', async () => {
  await run();
  expect(await run()).toBe(0);
  expect(printed()).toMatch(/\nnothing to do: the flag is off already, and no deployment is under way$/);
  expect(operator.history()).toHaveLength(3);
});

describe('another deployment is under way', () => {
  test('it is taken back: what it deployed does not come back when the flag is switched on again', async () => {
    await bake('percent', '90');
    expect(await run()).toBe(0);
    expect(operator.history().slice(2)).toEqual(['3: version 3 ROLLED_BACK watched', '4: version 4 COMPLETE at-once']);
    expect(operator.written()).toEqual(documentWith(OFF));
    expect(printed()).toContain('deployment 3 (BAKING) is stopped and taken back');
    expect(printed()).toMatch(/percentage +90 % +20 %/);
  });

  test('taking back takes its time: AppConfig is asked until it takes ours', async () => {
    operator.world.plane.appConfig.setRollbackSeconds(90);
    await bake('percent', '90');
    const startMs = operator.world.nowMs;
    expect(await run()).toBe(0);
    expect(operator.history().slice(2)).toEqual(['3: version 3 ROLLED_BACK watched', '4: version 4 COMPLETE at-once']);
    expect(operator.world.nowMs - startMs).toBe(90_000);
  });

  test('for longer than two minutes: it says that the flag is not off', async () => {
    operator.world.plane.appConfig.setRollbackSeconds(121);
    await bake('percent', '90');
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

  test('one that somebody starts while ours waits is taken back, too', async () => {
    operator.world.plane.appConfig.setRollbackSeconds(10);
    await bake('percent', '90');
    operator.world.onSleep = () => {
      operator.world.onSleep = () => {};
      operator.world.nowMs += 10_000;
      operator.startWatched('3');
    };
    expect(await run()).toBe(0);
    expect(operator.history().slice(3)).toEqual(['4: version 3 ROLLED_BACK watched', '5: version 4 COMPLETE at-once']);
    expect(printed()).toContain('deployment 4 (BAKING) is stopped and taken back');
  });

  test('another operator’s disable is left to end, and takes no time from anybody', async () => {
    const version = operator.draft(documentWith(OFF));
    operator.startAtOnce(String(version), 3_000);
    expect(await run()).toBe(0);
    const [theirs, ours] = operator.history().slice(2);
    expect([theirs, ours]).toEqual([
      `3: version ${version} COMPLETE at-once`,
      `4: version ${version} COMPLETE at-once`,
    ]);
    expect(printed()).not.toContain('taken back');
  });

  test('an enable without a bake time is taken back all the same', async () => {
    operator.startAtOnce(String(operator.draft(documentWith({ ...ON, rollout_percentage: 90 }))), 3_000);
    expect(await run()).toBe(0);
    expect(operator.history()[2]).toBe('3: version 3 ROLLED_BACK at-once');
    expect(operator.served()).toEqual({ enabled: false });
  });

  test('one that would switch off, and bakes, is not relied on: an alarm could take it back', async () => {
    operator.startWatched(String(operator.draft(documentWith(OFF))));
    expect(await run()).toBe(0);
    expect(operator.history().slice(2)).toEqual(['3: version 3 ROLLED_BACK watched', '4: version 4 COMPLETE at-once']);
  });

  test('what was before is off: that very version is deployed, and none is made', async () => {
    await run();
    await bake('enable');
    const versions = operator.versions();
    expect(await run()).toBe(0);
    expect(operator.versions()).toBe(versions);
    expect(operator.history().at(-1)).toBe('5: version 3 COMPLETE at-once');
  });
});

describe('an alarm rings', () => {
  test('the flag is switched off all the same, and the alarms watch again', async () => {
    operator.ring(true);
    expect(await run()).toBe(0);
    expect(operator.served()).toEqual({ enabled: false });
    expect(operator.history().slice(2)).toEqual(['3: version 3 ROLLED_BACK at-once', '4: version 3 COMPLETE at-once']);
    expect(printed()).toMatch(/deployment 3 was taken back \(ROLLED_BACK\): .*alarm:harm/);
    expect(printed()).toContain('the alarms that watch over the flag are not heeded meanwhile');
    expect(operator.watched()).toEqual(['arn:aws:cloudwatch:us-east-1:000000000000:alarm:harm']);
  });
});
