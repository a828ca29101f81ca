import { beforeEach, expect, test } from '@jest/globals';
import { eachTest } from '../../support/each-test.ts';
import { FIRST, SECOND, startFlagWorld, THIRD } from './flag-world.ts';

const operator = eachTest(startFlagWorld);

beforeEach(() => {
  operator.deployPartners(FIRST, SECOND, THIRD);
});

const run = () => operator.run('status');
const printed = () => operator.world.printed();

test('the flag, who has it, and why', async () => {
  operator.deployFlag({ enabled: true, rollout_percentage: 20, pilot_enterprises: ['ENT-S', 'ent-x'] });
  expect(await run()).toBe(0);
  expect(printed()).toBe(`enable_webhook_learning_time_enrichment, stage local
newest deployment 2, of version 2: COMPLETE
functions have version 2, of deployment 2, config_version content-72115c44be51:
enabled     yes
percentage  20 %
pilots      ent-s, ent-x
cache time  3600 s
No integration names these pilots, are they right? ent-x

enterprise  learning time  why
ent-e       off            beyond percentage: its place is 74.2 of 100
ent-r       on             within percentage: its place is 13.8 of 100
ent-s       on             pilot`);
});

test('off: for everybody, pilots too', async () => {
  operator.deployFlag({ rollout_percentage: 20, pilot_enterprises: ['ent-s'] });
  await run();
  expect(printed()).toContain('\nIt reaches nobody: the flag is off.\n');
  expect(printed()).toMatch(/ent-e +off +the flag is off\nent-r +off +the flag is off\nent-s +off +the flag is off$/);
});

test('how long the newest deployment bakes', async () => {
  operator.letBake();
  operator.world.onSleep = () => void process.emit('SIGINT');
  await operator.run('percent', '50');
  operator.world.nowMs += 5 * 60_000;
  await run();
  expect(printed()).toContain(
    '\nnewest deployment 2, of version 2 (percent 50): BAKING, 5 minutes left\nfunctions have version 2,',
  );
});

test('one that was taken back is not what functions have', async () => {
  await operator.run('percent', '50');
  await operator.run('revert', '--yes');
  await run();
  expect(printed()).toContain(
    '\nnewest deployment 2, of version 2 (percent 50): REVERTED\nfunctions have version 1, of deployment 1, config_version content-cf4e162f58b5:\n',
  );
});

test('a flag that no alarm watches over, as a disable that was cut off leaves it', async () => {
  await run();
  expect(printed()).not.toContain('No alarm');
  operator.world.plane.appConfig.store.watchAlarms('app', 'flags-env', []);
  await run();
  expect(printed()).toContain('\nNo alarm watches over the flag, so that nothing is taken back by itself');
});

test('integrations that cannot be read, or name nobody', async () => {
  operator.deployPartners();
  await run();
  expect(printed()).toMatch(/\nNo integration names an enterprise\.$/);
  operator.world.deploy([]);
  expect(await run()).toBe(0);
  expect(printed()).toMatch(
    /\nWhich enterprises there are is not known: the integrations document is not a JSON object$/,
  );
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
