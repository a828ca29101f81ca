import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createStageOpener } from '../../../commands/console/stage-opener.ts';
import { CommandFailed } from '../../../commands/shared/failures.ts';
import { readState, writeState } from '../../../local/control/state-file.ts';
import { eachTest } from '../../support/each-test.ts';
import { startOperatorWorld } from '../operator-world.ts';

const world = eachTest(startOperatorWorld);

beforeEach(() => {
  process.env.LOCAL_PLATFORM_FILE = world.stateFile;
});
afterEach(() => void delete process.env.LOCAL_PLATFORM_FILE);

/** Opens stages of the world, and counts them. */
function counting() {
  const opened: string[] = [];
  const openStage = async (name: string) => {
    opened.push(name);
    return world.context.openStage('local');
  };
  return { opened, openStage };
}

test('a stage is opened once, also by calls at the same time', async () => {
  const { opened, openStage } = counting();
  const open = createStageOpener('local', { openStage });
  const [one, other] = await Promise.all([open(), open()]);
  expect((await open()).sqs).toBe(one.sqs);
  expect(other.sqs).toBe(one.sqs);
  expect(opened).toEqual(['local']);
});

test('a deployed stage is opened once, whatever runs on this machine', async () => {
  const { opened, openStage } = counting();
  const open = createStageOpener('prod', { openStage });
  const { sqs } = await open();
  writeState(world.stateFile, { ...readState(world.stateFile), clock_offset_ms: 5 });
  expect(await open()).toMatchObject({ sqs, clockOffsetMs: 0 });
  expect(opened).toEqual(['prod']);
});

test('the clock of a platform that skips time is read in each call', async () => {
  const { opened, openStage } = counting();
  const open = createStageOpener('local', { openStage });
  expect((await open()).clockOffsetMs).toBe(0);
  writeState(world.stateFile, { ...readState(world.stateFile), clock_offset_ms: 7_200_000 });
  expect((await open()).clockOffsetMs).toBe(7_200_000);
  expect(opened).toHaveLength(1);
});

test('a platform that was started again elsewhere is opened again, and the clients of the one before are closed', async () => {
  const { opened, openStage } = counting();
  const open = createStageOpener('local', { openStage });
  const before = await open();
  let closed = 0;
  const destroy = before.sqs.destroy.bind(before.sqs);
  before.sqs.destroy = () => {
    closed += 1;
    destroy();
  };
  const state = readState(world.stateFile);
  const endpoints = { ...state.endpoints, AWS_ENDPOINT_URL_SQS: 'http://127.0.0.1:1' };
  writeState(world.stateFile, { ...state, endpoints });
  const after = await open();
  expect(String((await after.sqs.config.endpoint?.())?.port)).toBe('1');
  expect([opened.length, closed]).toEqual([2, 1]);
});

test('what could not be opened is opened again by the next call', async () => {
  let isRunning = false;
  const open = createStageOpener('local', {
    async openStage(name) {
      if (isRunning) return world.context.openStage(name);
      throw new CommandFailed('no platform is running');
    },
  });
  await expect(open()).rejects.toThrow('no platform is running');
  isRunning = true;
  expect((await open()).name).toBe('local');
});

test('a platform that has ended is an error of the next call', async () => {
  const open = createStageOpener('local', world.context);
  await open();
  world.stopPlatform();
  await expect(open()).rejects.toThrow('no platform is running: "npm start" starts one');
});
