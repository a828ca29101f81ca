import { beforeEach, describe, expect, test } from '@jest/globals';
import { FLAG_KEY } from '../../../lambdas/flag/flag-document.ts';
import { FLAG_SEED } from '../../../lib/flag-seed.ts';
import { eachTest } from '../../support/each-test.ts';
import { ALARM, BROKEN, documentWith, FIRST, SECOND, startFlagWorld, THIRD } from './flag-world.ts';

const operator = eachTest(startFlagWorld);

beforeEach(() => {
  operator.deployPartners(THIRD, FIRST, SECOND, FIRST.toUpperCase());
});

const run = (line: string) => operator.run(...line.split(' '));
const printed = () => operator.printed();

const ALL = { enabled: true, rollout_percentage: 20, pilot_enterprises: ['ent-a'], cache_ttl_seconds: 600 };

test.each([
  ['enable', { ...ALL, enabled: false }, ALL],
  ['percent 0', ALL, { ...ALL, rollout_percentage: 0 }],
  ['ttl 7200', ALL, { ...ALL, cache_ttl_seconds: 7200 }],
  ['pilot add ENT-A x X', ALL, { ...ALL, pilot_enterprises: ['ent-a', 'x'] }],
  ['pilot add x', { ...ALL, pilot_enterprises: ['ENT-A', 'ent-a'] }, { ...ALL, pilot_enterprises: ['ent-a', 'x'] }],
  ['pilot remove aA', { ...ALL, pilot_enterprises: ['Aa', 'b'] }, { ...ALL, pilot_enterprises: ['b'] }],
])('%s changes its own attribute and nothing else of the document', async (line, before, after) => {
  const hosted = { ...documentWith(before), flags: { ...FLAG_SEED.flags, other_flag: { name: 'Other' } } };
  operator.deployDocument({ ...hosted, values: { ...hosted.values, other_flag: { enabled: true } } });
  expect(await run(line)).toBe(0);
  const values = { [FLAG_KEY]: after, other_flag: { enabled: true } };
  expect(operator.written()).toEqual({ ...hosted, values });
  expect(operator.history().at(-1)).toBe('3: version 3 COMPLETE watched');
});

test.each([
  ['enable', 'the flag is on already'],
  ['percent 20', 'the percentage is 20 already'],
  ['ttl 600', 'the cache time is 600 s already'],
  ['pilot add ENT-A', 'pilots already: ent-a. Pilots are ent-a'],
  ['pilot remove x', 'no pilots: x. Pilots are ent-a'],
])('%s: nothing to do', async (line, why) => {
  operator.deployFlag(ALL);
  expect(await run(line)).toBe(0);
  expect(printed()).toBe(`nothing to do: ${why}`);
  expect(operator.versions()).toBe(2);
});

test('--if-version: nothing on top of what another operator deployed meanwhile', async () => {
  operator.deployFlag(ALL);
  const message = 'nothing is changed: version 2 of the flag is deployed by now, not 1';
  await expect(run('percent 50 --if-version 1')).rejects.toMatchObject({ message });
  expect(operator.versions()).toBe(2);
  expect(await run('percent 50 --if-version 2')).toBe(0);
  expect(operator.served()).toMatchObject({ rollout_percentage: 50 });
});

describe('prints', () => {
  test('before, after, and the enterprises that gain or lose learning time', async () => {
    operator.deployFlag({ enabled: true, rollout_percentage: 20 });
    await run('percent 50');
    expect(printed()).toContain(`            before  after
enabled     yes     yes
percentage  20 %    50 %
pilots      none    none
cache time  3600 s  3600 s
1 of 3 known enterprises change: on for 1, then for 2
  on:  ent-s
version 3 of the flag is created`);
    await run('percent 10');
    expect(printed()).toContain('2 of 3 known enterprises change: on for 2, then for 0\n  off: ent-r, ent-s\n');
  });

  test('that with --dry-run, and changes nothing', async () => {
    operator.deployFlag({ enabled: true });
    expect(await run('percent 50 --dry-run')).toBe(0);
    expect(printed()).toMatch(/2 of 3 known enterprises change: .*\n.*\nnothing is changed: --dry-run$/);
    expect(operator.versions()).toBe(2);
  });

  test.each([
    ['enable', 'No enterprise has learning time: the percentage is 0, and there are no pilots.'],
    ['percent 50', 'No enterprise has learning time: the flag is off.'],
    ['pilot add ENT-E ent-x', 'No integration has these pilots, check their ids: ent-x\n'],
  ])('a warning after %s', async (line, warning) => {
    await run(line);
    expect(printed()).toContain('0 of 3 known enterprises change');
    expect(printed()).toContain(warning);
  });

  test('why the enterprises are not known, and deploys all the same', async () => {
    operator.world.deploy('no document');
    expect(await run('percent 50')).toBe(0);
    expect(printed()).toContain(
      'How many enterprises that affects is not known: the integrations document is not a JSON object',
    );
    expect(operator.written()).toEqual(documentWith({ rollout_percentage: 50 }));
  });
});

test('a broken document is not changed', async () => {
  operator.deployDocument(BROKEN);
  await expect(run('percent 20')).rejects.toMatchObject({
    name: 'CommandFailed',
    message: expect.stringMatching(
      /^the document of the flag does not fit \(rollout_percentage: .*\): fix it .*disable/,
    ),
  });
  expect(operator.versions()).toBe(2);
});

describe('a deployment that bakes is followed', () => {
  test('to its end, minute by minute', async () => {
    operator.letBake();
    expect(await run('percent 50')).toBe(0);
    const [, progress] = printed().split('version 2 of the flag is created\n');
    expect(progress?.split('\n')).toEqual([
      'deployment 2 of it is started',
      'functions notice within 15 s. It bakes for 10 minutes: AppConfig rolls it back if an alarm of its environment fires.',
      'Ctrl-C ends this command, but not the deployment.',
      ...[10, 9, 8, 7, 6, 5, 4, 3, 2].map((minutes) => `deployment 2: BAKING, ${minutes} minutes left`),
      'deployment 2: BAKING, 1 minute left',
      'done: percent 50 (stage local)',
    ]);
  });

  test('until Ctrl-C, which does not stop it: 1, and the commands that show and undo it', async () => {
    expect(await operator.bake('percent', '50')).toBe(1);
    expect(printed()).toMatch(
      /deployment 2 continues without this command:\n.*flag status --stage local .*\n.*flag revert --stage local /,
    );
    expect(operator.history().at(-1)).toBe('2: version 2 BAKING watched');
    expect(process.listenerCount('SIGINT')).toBe(0);
    await expect(run('enable')).rejects.toThrow(
      /^deployment 2 is BAKING for 10 minutes: [\s\S]* To stop and undo it now: \.\/ltw flag revert --stage local$/,
    );
    expect(operator.versions()).toBe(2);
  });

  test('until an alarm fires: functions have the previous flag again', async () => {
    operator.letBake();
    operator.deployFlag({ enabled: true, rollout_percentage: 10 });
    operator.world.nowMs += 600_000;
    operator.world.onSleep = () => operator.store.setAlarm(ALARM, true);
    await expect(run('percent 50')).rejects.toMatchObject({
      name: 'CommandFailed',
      message: expect.stringMatching(/^deployment 3 was rolled back \(ROLLED_BACK\): .*:alarm:harm is in ALARM$/),
    });
    expect(operator.served()).toMatchObject({ rollout_percentage: 10 });
  });
});
