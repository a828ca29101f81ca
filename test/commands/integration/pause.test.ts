import { beforeEach, describe, expect, test } from '@jest/globals';
import { runProgram } from '../../../commands/program.ts';
import { eachTest } from '../../support/each-test.ts';
import { startOperatorWorld } from '../operator-world.ts';

const ACME = { id: 'acme', url: 'https://acme.example' };
const OTHER = { id: 'other', url: 'https://other.example' };

const world = eachTest(startOperatorWorld);

beforeEach(() => {
  world.deploy({ integrations: [ACME, OTHER] });
});

const run = (...words: readonly string[]) => runProgram(['integration', ...words], world.context);

test('pause ID: at once, that one alone', async () => {
  expect(await run('pause', 'acme')).toBe(0);
  expect(world.deployed()).toEqual({ integrations: [{ ...ACME, paused: true }, OTHER] });
  expect(world.lastStrategy()).toBe('at-once');
  expect(world.printed()).toContain('Functions notice within 15 s');
});

test('pause --all: the entries stay as they are', async () => {
  await run('pause', 'other');
  await run('pause', '--all');
  expect(world.deployed()).toEqual({ integrations: [ACME, { ...OTHER, paused: true }], paused: true });
});

test.each([
  ['pause', ['pause', 'acme'], ['pause', 'acme']],
  ['pause --all', ['pause', '--all'], ['pause', '--all']],
])('%s twice deploys once', async (_, first, second) => {
  await run(...first);
  const versions = world.versions();
  expect(await run(...second)).toBe(0);
  expect(world.versions()).toBe(versions);
  expect(world.printed()).toContain('nothing to do');
});

describe('while an alarm rings that watches over the integrations', () => {
  const ALARM = 'arn:aws:cloudwatch:us-east-1:000000000000:alarm:failed-attempts';
  beforeEach(() => {
    const { store } = world.plane.appConfig;
    store.watchAlarms('app', 'env', [ALARM]);
    store.setAlarm(ALARM, true);
  });

  test.each([
    ['pause ID', ['pause', 'acme'], [{ ...ACME, paused: true }, OTHER]],
    ['pause --all', ['pause', '--all'], [ACME, OTHER]],
  ])('%s pauses all the same, and the alarm watches again', async (_, words, integrations) => {
    expect(await run(...words)).toBe(0);
    expect(world.deployed()).toMatchObject({ integrations });
    expect(world.printed()).toMatch(/deployment \d+ was rolled back \(ROLLED_BACK\): .*alarm:failed-attempts/);
    expect(world.printed()).toContain('the alarms of the integrations environment are ignored meanwhile');
    expect(world.plane.appConfig.store.alarmsOf('app', 'env')).toEqual([ALARM]);
  });
});
