import { UpdateEnvironmentCommand } from '@aws-sdk/client-appconfig';
import { beforeEach, expect, test } from '@jest/globals';
import { withoutMonitors } from '../../../commands/appconfig/without-monitors.ts';
import { FLAG } from '../../../commands/flag/flag-document.ts';
import type { Stage } from '../../../commands/shared/stage.ts';
import { eachTest } from '../../support/each-test.ts';
import { ALARM, startFlagWorld } from '../flag/flag-world.ts';
import { intercept } from '../operator-world.ts';

const operator = eachTest(startFlagWorld);
let stage: Stage;

beforeEach(async () => {
  stage = await operator.world.context.openStage('local');
});

const without = <T>(step: () => Promise<T>) =>
  withoutMonitors(stage, FLAG, operator.world.context.terminal.print, step);

test('the monitors are removed during a step, and restored although it fails', async () => {
  const failing = without(async () => {
    expect(operator.watched()).toEqual([]);
    throw new RangeError('no');
  });
  await expect(failing).rejects.toThrow(RangeError);
  expect(operator.watched()).toEqual([ALARM]);
});

test('the first Ctrl-C during the step does not end the process before they are restored', async () => {
  const before = process.listenerCount('SIGINT');
  await without(async () => {
    expect(process.listenerCount('SIGINT')).toBe(before + 1);
    process.emit('SIGINT');
    expect(process.listenerCount('SIGINT')).toBe(before);
  });
  expect(operator.watched()).toEqual([ALARM]);
  await without(async () => {});
  expect(process.listenerCount('SIGINT')).toBe(before);
});

test('they are restored where the response to their removal is lost', async () => {
  let isFirst = true;
  intercept(stage.appConfig, async (command, send) => {
    const response = await send();
    if (!(command instanceof UpdateEnvironmentCommand) || !isFirst) return response;
    isFirst = false;
    throw new Error('no response');
  });
  await expect(without(async () => {})).rejects.toThrow('no response');
  expect(operator.watched()).toEqual([ALARM]);
});

test('of two operators, the one that finds none does not restore an empty list', async () => {
  const secondBegan = Promise.withResolvers<void>();
  const firstEnded = Promise.withResolvers<void>();
  let second = Promise.resolve();
  await without(async () => {
    second = without(async () => {
      secondBegan.resolve();
      await firstEnded.promise;
    });
    await secondBegan.promise;
  });
  firstEnded.resolve();
  await second;
  expect(operator.watched()).toEqual([ALARM]);
});
