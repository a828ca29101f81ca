import { beforeEach, describe, expect, test } from '@jest/globals';
import { FLAG_KEY, type Flag } from '../../../lambdas/contract/flag.ts';
import { bucket } from '../../../lambdas/domain/flag.ts';
import { FLAG_SEED } from '../../../lib/flag-seed.ts';
import { eachTest } from '../../support/each-test.ts';
import { documentWith, FIRST, SECOND, startFlagWorld, THIRD } from './flag-world.ts';

const operator = eachTest(startFlagWorld);

beforeEach(() => {
  operator.deployPartners(THIRD, FIRST, SECOND, FIRST.toUpperCase());
});

const run = (...words: readonly string[]) => operator.run(...words);
const printed = () => operator.world.printed();

test('places in the rollout, for what follows', () => {
  expect([FIRST, SECOND, THIRD].map((id) => Math.floor(bucket(id)))).toEqual([13, 42, 74]);
});

describe('each command changes its own attribute, and nothing else of the document', () => {
  const all = { enabled: true, rollout_percentage: 20, pilot_enterprises: ['ent-a'], cache_ttl_seconds: 600 };

  test.each([
    ['enable', ['enable'], { ...all, enabled: false }, all],
    ['percent', ['percent', '35'], all, { ...all, rollout_percentage: 35 }],
    ['percent to none', ['percent', '0'], all, { ...all, rollout_percentage: 0 }],
    ['ttl', ['ttl', '7200'], all, { ...all, cache_ttl_seconds: 7200 }],
    ['pilot add', ['pilot', 'add', 'ent-b', 'ent-c'], all, { ...all, pilot_enterprises: ['ent-a', 'ent-b', 'ent-c'] }],
    [
      'pilot add, one of them twice',
      ['pilot', 'add', 'ENT-A', 'x', 'X'],
      all,
      { ...all, pilot_enterprises: ['ent-a', 'x'] },
    ],
    [
      'pilot add, where the console holds one pilot twice',
      ['pilot', 'add', 'x'],
      { ...all, pilot_enterprises: ['ENT-A', 'ent-a'] },
      { ...all, pilot_enterprises: ['ent-a', 'x'] },
    ],
    [
      'pilot remove',
      ['pilot', 'remove', 'aA'],
      { ...all, pilot_enterprises: ['Aa', 'b'] },
      { ...all, pilot_enterprises: ['b'] },
    ],
  ])('%s', async (_, words, before, after) => {
    const hosted = { ...documentWith(before), flags: { ...FLAG_SEED.flags, other_flag: { name: 'Other' } } };
    operator.deployDocument({ ...hosted, values: { ...hosted.values, other_flag: { enabled: true } } });
    expect(await run(...words)).toBe(0);
    const { [FLAG_KEY]: entry, ...others } = operator.written().values;
    expect(entry).toEqual(after);
    expect({ ...operator.written(), values: others }).toEqual({ ...hosted, values: { other_flag: { enabled: true } } });
    expect(operator.history().at(-1)).toBe('3: version 3 COMPLETE watched');
  });

  test('the last pilot leaves no empty list, which AppConfig would refuse', async () => {
    operator.deployFlag({ pilot_enterprises: ['a'] });
    expect(await run('pilot', 'remove', 'a')).toBe(0);
    expect(operator.written()).toEqual(documentWith({}));
  });

  test.each([
    ['enable', ['enable'], 'the flag is on already'],
    ['percent', ['percent', '20'], 'the percentage is 20 already'],
    ['ttl', ['ttl', '600'], 'the cache time is 600 s already'],
    ['pilot add', ['pilot', 'add', 'ENT-A'], 'pilots already: ent-a. Pilots are ent-a'],
    ['pilot remove', ['pilot', 'remove', 'x'], 'no pilots: x. Pilots are ent-a'],
  ])('%s twice: nothing to do', async (_, words, why) => {
    operator.deployFlag(all);
    expect(await run(...words)).toBe(0);
    expect(printed()).toBe(`nothing to do: ${why}`);
    expect(operator.versions()).toBe(2);
  });
});

describe('says what changes', () => {
  test('before, after, and for which known enterprises; case does not make one two', async () => {
    operator.deployFlag({ enabled: true, rollout_percentage: 20 });
    await run('percent', '50');
    expect(printed()).toContain(`            before  after
enabled     yes     yes
percentage  20 %    50 %
pilots      none    none
cache time  3600 s  3600 s
1 of 3 known enterprises change: on for 1, then for 2
  on:  ent-s
version 3 of the flag is made`);
  });

  test('less: who loses it', async () => {
    operator.deployFlag({ enabled: true, rollout_percentage: 100 });
    await run('percent', '20');
    expect(printed()).toContain('2 of 3 known enterprises change: on for 3, then for 1\n  off: ent-e, ent-s\n');
  });

  test('--dry-run says it and makes nothing', async () => {
    operator.deployFlag({ enabled: true });
    expect(await run('percent', '50', '--dry-run')).toBe(0);
    expect(printed()).toMatch(
      /2 of 3 known enterprises change: on for 0, then for 2\n.*\nnothing is changed: --dry-run$/,
    );
    expect(operator.versions()).toBe(2);
  });

  test('enable that reaches nobody', async () => {
    await run('enable');
    expect(printed()).toContain('0 of 3 known enterprises change');
    expect(printed()).toContain('It reaches nobody: the percentage is 0, and there are no pilots.');
  });

  test('a percentage while the flag is off', async () => {
    await run('percent', '50');
    expect(printed()).toContain('It reaches nobody: the flag is off.');
  });

  test('a pilot that no integration names', async () => {
    await run('pilot', 'add', 'ENT-E', 'ent-x');
    expect(printed()).toContain('No integration names these pilots, are they right? ent-x\n');
  });

  test('integrations that cannot be read are no reason to wait', async () => {
    operator.world.plane.appConfig.defineProfile('app', 'profile', 'AWS.Freeform');
    operator.world.deploy('no document');
    expect(await run('percent', '50')).toBe(0);
    expect(printed()).toContain(
      'How many enterprises that changes is not known: the integrations document is not a JSON object',
    );
    expect(operator.written()).toEqual(documentWith({ rollout_percentage: 50 }));
  });
});

describe('others work on the flag, too', () => {
  test('a draft that nobody deployed is left out, and that is said', async () => {
    operator.draft(documentWith({ rollout_percentage: 99 }));
    await run('enable');
    expect(operator.written()).toEqual(documentWith({ enabled: true }));
    expect(printed()).toContain('version 1 is deployed and changed; version 2, which is not deployed, is left out');
  });

  /** Another command deploys the flag whenever this call of ours is about to be made. */
  async function race(times: number, call = 'CreateHostedConfigurationVersionCommand', theirs: Partial<Flag> = {}) {
    const { context } = operator.world;
    const original = context.openStage;
    let left = times;
    context.openStage = async (name) => {
      const stage = await original(name);
      const send = stage.appConfig.send.bind(stage.appConfig);
      stage.appConfig.send = ((command: { constructor: { name: string } }) => {
        if (command.constructor.name === call && left > 0) {
          left -= 1;
          operator.deployFlag({ rollout_percentage: 7, ...theirs });
        }
        return send(command as never);
      }) as typeof stage.appConfig.send;
      return stage;
    };
  }

  test('a version that somebody deploys at the same moment is not overwritten', async () => {
    await race(1);
    expect(await run('enable')).toBe(0);
    expect(operator.written()).toEqual(documentWith({ enabled: true, rollout_percentage: 7 }));
  });

  test('a percentage that is set while another operator disables the flag does not switch it on', async () => {
    operator.deployFlag({ enabled: true });
    await race(1, 'StartDeploymentCommand', { enabled: false });
    expect(await run('percent', '50')).toBe(0);
    expect(operator.written()).toEqual(documentWith({ enabled: false, rollout_percentage: 50 }));
  });

  test('and if that happens in every round, the command fails', async () => {
    await race(5);
    await expect(run('enable')).rejects.toMatchObject({
      name: 'CommandFailed',
      message: 'other commands keep changing the flag: try again in a minute',
    });
  });
});

test('a document that was edited into nonsense is told, and nothing is made', async () => {
  const nonsense = documentWith({ enabled: true, rollout_percentage: 250 });
  operator.deployDocument({
    ...nonsense,
    flags: { [FLAG_KEY]: { attributes: { rollout_percentage: {}, cache_ttl_seconds: {} } } },
  });
  await expect(run('percent', '20')).rejects.toMatchObject({
    name: 'CommandFailed',
    message: expect.stringMatching(
      /^the document of the flag does not fit \(rollout_percentage: .*\): mend it .*disable/,
    ),
  });
  expect(operator.versions()).toBe(2);
});
