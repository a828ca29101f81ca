import { beforeEach, expect, test } from '@jest/globals';
import { eachTest } from '../../support/each-test.ts';
import { startFlagWorld } from './flag-world.ts';

const operator = eachTest(startFlagWorld);

beforeEach(() => {
  operator.letBake();
});

const run = (...words: readonly string[]) => operator.run(...words);
const printed = () => operator.world.printed();

test('to its end, minute by minute', async () => {
  expect(await run('percent', '50')).toBe(0);
  const [, progress] = printed().split('version 2 of the flag is made\n');
  expect(progress?.split('\n')).toEqual([
    'deployment 2 of it is started',
    'functions notice within 15 s. It bakes for 10 minutes: AppConfig takes it back where an alarm of its environment goes off.',
    'Ctrl-C ends this command, and not the deployment.',
    ...[10, 9, 8, 7, 6, 5, 4, 3, 2].map((minutes) => `deployment 2: BAKING, ${minutes} minutes left`),
    'deployment 2: BAKING, 1 minute left',
    'done: percent 50 (stage local)',
  ]);
});

test('Ctrl-C ends the command and not the deployment: how to go on, status 1', async () => {
  operator.world.onSleep = () => void process.emit('SIGINT');
  expect(await run('percent', '50')).toBe(1);
  expect(printed()).toMatch(
    /deployment 2 goes on without this command:\n.*flag status --stage local .*\n.*flag revert --stage local /,
  );
  expect(operator.history().at(-1)).toBe('2: version 2 BAKING watched');
  expect(process.listenerCount('SIGINT')).toBe(0);
});

test('an alarm that goes off takes it back: which, status 1, and functions have the flag of before', async () => {
  operator.deployFlag({ enabled: true, rollout_percentage: 10 });
  operator.world.onSleep = () => operator.ring(true);
  await expect(run('percent', '50')).rejects.toMatchObject({
    name: 'CommandFailed',
    message: expect.stringMatching(/^deployment 3 was taken back \(ROLLED_BACK\): .*:alarm:harm is in ALARM$/),
  });
  expect(operator.served()).toMatchObject({ rollout_percentage: 10 });
});

test('another one that bakes has to end first: how it is ended', async () => {
  operator.world.onSleep = () => void process.emit('SIGINT');
  await run('percent', '50');
  await expect(run('enable')).rejects.toThrow(
    /^deployment 2 is BAKING, as it does for 10 minutes: [\s\S]* To end it now, and undo what it deployed: \.\/ltw flag revert --stage local$/,
  );
  expect(operator.versions()).toBe(2);
});
