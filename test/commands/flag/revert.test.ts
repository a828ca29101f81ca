import { beforeEach, describe, expect, test } from '@jest/globals';
import { eachTest } from '../../support/each-test.ts';
import { BROKEN, FIRST, SECOND, startFlagWorld } from './flag-world.ts';

const ON = { enabled: true, rollout_percentage: 20 };

const operator = eachTest(startFlagWorld);

beforeEach(() => {
  operator.deployPartners(FIRST, SECOND);
  operator.deployFlag(ON);
});

const run = (...words: readonly string[]) => operator.run('revert', ...words);
const printed = () => operator.printed();

test('a deployment that bakes is stopped and undone, without a question', async () => {
  await operator.bake('percent', '50');
  expect(await run()).toBe(0);
  expect(operator.history()[2]).toBe('3: version 3 ROLLED_BACK watched');
  expect(operator.served()).toMatchObject(ON);
  expect(operator.world.questions).toEqual([]);
  expect(printed()).toContain(`deployment 3 (BAKING) is undone: functions get version 2 of deployment 2 again
            before  after
enabled     yes     yes
percentage  50 %    20 %
pilots      none    none
cache time  3600 s  3600 s
1 of 2 known enterprises change: on for 2, then for 1
  off: ent-s`);
  expect(printed()).toMatch(/\ndone: revert \(stage local\)\. Functions notice within 15 s\.$/);
});

test('--if-deployment: not the deployment that another operator started meanwhile', async () => {
  await operator.bake('percent', '50');
  const message = 'nothing is undone: the newest deployment is 3 by now, not 2';
  await expect(run('--if-deployment', '2')).rejects.toMatchObject({ message });
  expect(operator.history()[2]).toBe('3: version 3 BAKING watched');
  expect(await run('--if-deployment', '3')).toBe(0);
  expect(operator.history()[2]).toBe('3: version 3 ROLLED_BACK watched');
});

describe('a deployment that is complete', () => {
  beforeEach(() => operator.run('percent', '50'));

  test('is undone, and waited for; a second revert leaves the one before it', async () => {
    operator.world.plane.appConfig.setRollbackSeconds(30);
    const startMs = operator.world.nowMs;
    expect(await run()).toBe(0);
    expect(operator.history()[2]).toBe('3: version 3 REVERTED watched');
    expect(operator.world.nowMs - startMs).toBe(30_000);
    expect(await run()).toBe(0);
    expect(printed()).toMatch(/\nnothing to do: deployment 3, the newest, is rolled back already \(REVERTED\)$/);
    expect(operator.served()).toMatchObject(ON);
  });

  test('is undone once by two operators, or by one whose first response is lost', async () => {
    expect(await Promise.all([run(), run()])).toEqual([0, 0]);
    expect(operator.history()).toHaveLength(3);
    expect(operator.served()).toMatchObject(ON);
    expect(printed().match(/^done: revert/gm)).toHaveLength(2);
  });

  test('and is being rolled back: waits for that', async () => {
    operator.store.stopDeployment('app', 'flags-env', '3', { allowRevert: true, rollbackMs: 20_000 });
    expect(await run()).toBe(0);
    expect(operator.history()[2]).toBe('3: version 3 REVERTED watched');
  });
});

test('asks where that switches the flag on, as after the emergency switch; --yes confirms it', async () => {
  await operator.run('disable');
  operator.world.answers.push('n');
  expect(await run()).toBe(1);
  expect(operator.served()).toEqual({ enabled: false });
  expect(await run('--yes')).toBe(0);
  expect(operator.world.questions).toEqual(['That switches the flag of stage local on. Go on? [y/N] ']);
  expect(operator.served()).toMatchObject(ON);
});

describe('a broken document', () => {
  test('that is deployed can be undone; its effect is not known, so it asks', async () => {
    operator.deployDocument(BROKEN);
    operator.world.answers.push('y');
    expect(await run()).toBe(0);
    expect(printed()).toContain(
      'Which enterprises that affects is not known: in version 3, the document of the flag does not fit',
    );
    expect(operator.served()).toMatchObject(ON);
  });

  test('is not deployed again', async () => {
    operator.deployDocument(BROKEN);
    operator.deployFlag(ON);
    await expect(run()).rejects.toMatchObject({
      name: 'CommandFailed',
      message: expect.stringMatching(/does not fit.*disable/),
    });
    expect(operator.history()[3]).toBe('4: version 4 COMPLETE AppConfig.AllAtOnce');
  });
});

test('cannot undo after 72 hours, nor the first deployment', async () => {
  operator.world.nowMs += 72 * 3_600_000 + 1;
  await expect(run()).rejects.toMatchObject({
    name: 'CommandFailed',
    message: expect.stringMatching(/^AppConfig does not roll deployment 2 back \(.*\): it does so within 72 hours/),
  });
  const fresh = await startFlagWorld();
  const message = 'nothing was deployed before deployment 1, so it cannot be undone';
  await expect(fresh.run('revert')).rejects.toMatchObject({ name: 'CommandFailed', message });
  await fresh.close();
});
