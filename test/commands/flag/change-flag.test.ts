import { StartDeploymentCommand } from '@aws-sdk/client-appconfig';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { FLAG_KEY } from '../../../lambdas/flag/flag-document.ts';
import { FLAG_SEED } from '../../../lib/flag-seed.ts';
import { eachTest } from '../../support/each-test.ts';
import { intercept } from '../operator-world.ts';
import { documentWith, FIRST, SECOND, startFlagWorld, THIRD } from './flag-world.ts';

const operator = eachTest(startFlagWorld);

beforeEach(() => {
  operator.deployPartners(THIRD, FIRST, SECOND, FIRST.toUpperCase());
});

const run = (...words: readonly string[]) => operator.run(...words);
const printed = () => operator.world.printed();

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

  test.each([
    [['enable'], 'It reaches nobody: the percentage is 0, and there are no pilots.'],
    [['percent', '50'], 'It reaches nobody: the flag is off.'],
    [['pilot', 'add', 'ENT-E', 'ent-x'], 'No integration names these pilots, are they right? ent-x\n'],
  ])('%j that reaches nobody, or names a pilot that no integration names', async (words, warning) => {
    await run(...words);
    expect(printed()).toContain('0 of 3 known enterprises change');
    expect(printed()).toContain(warning);
  });

  test('integrations that cannot be read are no reason to wait', async () => {
    operator.world.deploy('no document');
    expect(await run('percent', '50')).toBe(0);
    expect(printed()).toContain(
      'How many enterprises that changes is not known: the integrations document is not a JSON object',
    );
    expect(operator.written()).toEqual(documentWith({ rollout_percentage: 50 }));
  });
});

test('a percentage that is set while another operator disables the flag does not switch it on', async () => {
  operator.deployFlag({ enabled: true });
  const { context } = operator.world;
  const openStage = context.openStage;
  let isFirst = true;
  context.openStage = async (name) => {
    const stage = await openStage(name);
    intercept(stage.appConfig, (command, send) => {
      if (command instanceof StartDeploymentCommand && isFirst) {
        isFirst = false;
        operator.deployFlag({ enabled: false });
      }
      return send();
    });
    return stage;
  };
  expect(await run('percent', '50')).toBe(0);
  expect(operator.written()).toEqual(documentWith({ enabled: false, rollout_percentage: 50 }));
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
      /^the document of the flag does not fit \(rollout_percentage: .*\): fix it .*disable/,
    ),
  });
  expect(operator.versions()).toBe(2);
});
