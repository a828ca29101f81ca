import { beforeEach, expect, test } from '@jest/globals';
import { eachTest } from '../../support/each-test.ts';
import { FIRST, SECOND, startFlagWorld, THIRD } from './flag-world.ts';

const operator = eachTest(startFlagWorld);

beforeEach(() => {
  operator.deployPartners(FIRST, SECOND, THIRD);
});

const run = () => operator.run('status');
const printed = () => operator.printed();

test('the flag, which enterprises have learning time, and why', async () => {
  operator.deployFlag({ enabled: true, rollout_percentage: 20, pilot_enterprises: ['ENT-S', 'ent-x'] });
  expect(await run()).toBe(0);
  expect(printed()).toBe(`enable_webhook_learning_time_enrichment, stage local
newest deployment 2, of version 2: COMPLETE
functions have version 2, of deployment 2, config_version content-72115c44be51:
enabled     yes
percentage  20 %
pilots      ent-s, ent-x
cache time  3600 s
No integration has these pilots, check their ids: ent-x

enterprise  learning time  why
ent-e       off            beyond percentage: its position is 74.2 of 100
ent-r       on             within percentage: its position is 13.7 of 100
ent-s       on             pilot`);
});

test('off: for all, pilots too', async () => {
  operator.deployFlag({ rollout_percentage: 20, pilot_enterprises: ['ent-s'] });
  await run();
  expect(printed()).toMatch(/ent-e +off +the flag is off\nent-r +off +the flag is off\nent-s +off +the flag is off$/);
});

test('a newest deployment that bakes, and one that functions do not have', async () => {
  await operator.bake('percent', '50');
  operator.world.nowMs += 5 * 60_000;
  await run();
  const newest = '\nnewest deployment 2, of version 2 (percent 50)';
  expect(printed()).toContain(`${newest}: BAKING, 5 minutes left\nfunctions have version 2,`);
  await operator.run('revert');
  await run();
  expect(printed()).toMatch(/\nnewest deployment 2, .*: ROLLED_BACK\nfunctions have version 1, of deployment 1, /);
});

test('an environment without monitors, as a disable that was killed leaves it', async () => {
  await run();
  expect(printed()).not.toContain('No alarm');
  operator.store.watchAlarms('app', 'flags-env', []);
  await run();
  expect(printed()).toContain('\nNo alarm monitors the flag, so AppConfig rolls nothing back by itself');
});

test('integrations that have no enterprise, or cannot be read', async () => {
  operator.deployPartners();
  await run();
  expect(printed()).toMatch(/\nNo integration has an enterprise\.$/);
  operator.world.deploy([]);
  expect(await run()).toBe(0);
  expect(printed()).toMatch(/\nThe enterprises are not known: the integrations document is not a JSON object$/);
});

test('--json: the same as one document', async () => {
  operator.deployFlag({ enabled: true, rollout_percentage: 20, pilot_enterprises: ['ent-s'] });
  await operator.run('status', '--json');
  expect(JSON.parse(printed())).toMatchObject({
    stage: 'local',
    version: 2,
    deployment: 2,
    flag: { enabled: true, rollout_percentage: 20, pilot_enterprises: ['ent-s'] },
    newest_deployment: { number: 2, version: '2', state: 'COMPLETE' },
    is_watched: true,
    enterprises: [
      { id: 'ent-e', is_on: false, reason: 'beyond_percentage' },
      { id: 'ent-r', is_on: true, reason: 'within_percentage' },
      { id: 'ent-s', is_on: true, reason: 'pilot' },
    ],
  });
});
