import { beforeEach, describe, expect, test } from '@jest/globals';
import { FLAG_KEY } from '../../../lambdas/flag/flag-document.ts';
import { eachTest } from '../../support/each-test.ts';
import { documentWith, FIRST, SECOND, startFlagWorld } from './flag-world.ts';

const ON = { enabled: true, rollout_percentage: 20 };

const operator = eachTest(startFlagWorld);

beforeEach(() => {
  operator.deployPartners(FIRST, SECOND);
  operator.deployFlag(ON);
});

const run = (...words: readonly string[]) => operator.run('revert', ...words);
const printed = () => operator.world.printed();

test('one that bakes is stopped, and what it deployed is undone', async () => {
  operator.letBake();
  operator.world.onSleep = () => void process.emit('SIGINT');
  await operator.run('percent', '50');
  expect(await run()).toBe(0);
  expect(operator.history()[2]).toBe('3: version 3 ROLLED_BACK watched');
  expect(operator.served()).toMatchObject({ rollout_percentage: 20 });
  expect(operator.world.questions).toEqual([]);
  expect(printed()).toContain(`deployment 3 (BAKING) is undone: functions get version 2 again, of deployment 2
            before  after
enabled     yes     yes
percentage  50 %    20 %
pilots      none    none
cache time  3600 s  3600 s
1 of 2 known enterprises change: on for 2, then for 1
  off: ent-s`);
  expect(printed()).toMatch(/\ndone: revert \(stage local\)\. Functions notice within 15 s\.$/);
});

test('one that has ended, too; AppConfig may take its time', async () => {
  operator.world.plane.appConfig.setRollbackSeconds(30);
  await operator.run('percent', '50');
  const startMs = operator.world.nowMs;
  expect(await run()).toBe(0);
  expect(operator.history()[2]).toBe('3: version 3 REVERTED watched');
  expect(operator.served()).toMatchObject({ rollout_percentage: 20 });
  expect(operator.world.nowMs - startMs).toBe(30_000);
});

test('twice: the one before it stays', async () => {
  await operator.run('percent', '50');
  await run();
  expect(await run()).toBe(0);
  expect(printed()).toMatch(/\nnothing to do: deployment 3, the newest, is taken back already \(REVERTED\)$/);
  expect(operator.served()).toMatchObject({ rollout_percentage: 20 });
});

test('by two operators at once, or by one whose first response is lost: it is done once, and both say so', async () => {
  await operator.run('percent', '50');
  expect(await Promise.all([run(), run()])).toEqual([0, 0]);
  expect(operator.history()).toHaveLength(3);
  expect(operator.served()).toMatchObject({ rollout_percentage: 20 });
  expect(printed().match(/^done: revert/gm)).toHaveLength(2);
});

test('while it is being taken back, it waits for that', async () => {
  await operator.run('percent', '50');
  operator.world.plane.appConfig.store.stopDeployment('app', 'flags-env', '3', {
    allowRevert: true,
    rollbackMs: 20_000,
  });
  expect(await run()).toBe(0);
  expect(operator.history()[2]).toBe('3: version 3 REVERTED watched');
});

describe('where that switches the flag on, as after the emergency switch', () => {
  beforeEach(() => operator.run('disable'));

  test('it asks, and stays off without a yes', async () => {
    operator.world.answers.push('n', 'y');
    expect(await run()).toBe(1);
    expect(operator.served()).toEqual({ enabled: false });
    expect(await run()).toBe(0);
    expect(operator.world.questions[0]).toBe('That switches the flag of stage local on. Go on? [y/N] ');
    expect(operator.served()).toMatchObject({ enabled: true });
  });

  test('--yes answers beforehand', async () => {
    expect(await run('--yes')).toBe(0);
    expect(operator.world.questions).toEqual([]);
    expect(operator.served()).toMatchObject({ enabled: true });
  });
});

describe('nonsense', () => {
  const nonsense = {
    ...documentWith({ ...ON, rollout_percentage: 250 }),
    flags: { [FLAG_KEY]: { attributes: { rollout_percentage: {}, cache_ttl_seconds: {} } } },
  };

  test('that is deployed can be undone; for whom is not known, so it asks', async () => {
    operator.deployDocument(nonsense);
    operator.world.answers.push('y');
    expect(await run()).toBe(0);
    expect(printed()).toContain(
      'for whom that changes what cannot be told: of version 3, the document of the flag does not fit',
    );
    expect(operator.served()).toMatchObject(ON);
  });

  test('that would come back is told, and stays away', async () => {
    operator.deployDocument(nonsense);
    operator.deployFlag(ON);
    await expect(run()).rejects.toMatchObject({
      name: 'CommandFailed',
      message: expect.stringMatching(/does not fit.*disable/),
    });
    expect(operator.history()[3]).toBe('4: version 4 COMPLETE AppConfig.AllAtOnce');
  });
});

test('after 72 hours AppConfig refuses: in words', async () => {
  operator.world.nowMs += 72 * 3_600_000 + 1;
  await expect(run()).rejects.toMatchObject({
    name: 'CommandFailed',
    message: expect.stringMatching(/^AppConfig does not take deployment 2 back \(.*\): it does so within 72 hours/),
  });
});

test('the first deployment cannot be undone', async () => {
  const fresh = await startFlagWorld();
  const message = 'nothing was deployed before deployment 1, so it cannot be undone';
  await expect(fresh.run('revert')).rejects.toMatchObject({ name: 'CommandFailed', message });
  await fresh.close();
});
