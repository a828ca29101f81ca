import { beforeEach, expect, test } from '@jest/globals';
import { runProgram } from '../../../commands/main.ts';
import { eachTest } from '../../support/each-test.ts';
import { startOperatorWorld } from '../operator-world.ts';

const ACME = { id: 'acme', url: 'https://acme.example' };
const OTHER = { id: 'other', url: 'https://other.example' };

const world = eachTest(startOperatorWorld);

beforeEach(() => {
  world.deploy({ integrations: [ACME, OTHER] });
});

const pause = (word: string) => runProgram(['integration', 'pause', word], world.context);

test.each([
  ['acme', { integrations: [{ ...ACME, paused: true }, OTHER] }],
  ['--all', { integrations: [ACME, OTHER], paused: true }],
])('pause %s: at once, and only once', async (word, document) => {
  expect(await pause(word)).toBe(0);
  expect(world.deployed()).toEqual(document);
  expect(world.lastStrategy()).toBe('at-once');
  expect(world.printed()).toContain('Functions notice within 15 s');
  const versions = world.versions();
  expect(await pause(word)).toBe(0);
  expect(world.versions()).toBe(versions);
  expect(world.printed()).toContain('nothing to do');
});

test('while an alarm is in ALARM it pauses all the same, and the alarm monitors again', async () => {
  const ALARM = 'arn:aws:cloudwatch:us-east-1:000000000000:alarm:failed-attempts';
  const { store } = world.plane.appConfig;
  store.watchAlarms('app', 'env', [ALARM]);
  store.setAlarm(ALARM, true);
  expect(await pause('acme')).toBe(0);
  expect(world.deployed()).toMatchObject({ integrations: [{ ...ACME, paused: true }, OTHER] });
  expect(world.printed()).toMatch(/deployment \d+ was rolled back \(ROLLED_BACK\): .*alarm:failed-attempts/);
  expect(store.alarmsOf('app', 'env')).toEqual([ALARM]);
});
