import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Clock } from '../../local/clock.ts';

const MINUTE_MS = 60_000;

let clock: Clock;
let startedMs: number;
beforeEach(() => {
  clock = new Clock();
  startedMs = Date.now();
});
afterEach(() => clock.stop());

const minutes = (ms: number) => Math.floor((ms - startedMs) / MINUTE_MS);

test('a sample is taken for each interval of a jump, with the value that holds in it', async () => {
  const samples: [minute: number, value: string][] = [];
  let value = 'before';
  clock.sample(MINUTE_MS, (nowMs) => void samples.push([minutes(nowMs), value]));
  void clock.sleep(2.5 * MINUTE_MS).then(() => {
    value = 'after';
  });
  await clock.skip(4 * MINUTE_MS);
  expect(samples).toEqual([
    [1, 'before'],
    [2, 'before'],
    [3, 'after'],
    [4, 'after'],
  ]);
});

test('samples make nothing due: the clock jumps over all of them at once', async () => {
  clock.sample(MINUTE_MS, () => {});
  let probes = 0;
  const slept = clock.sleep(100 * MINUTE_MS).then(() => true);
  await clock.until('the end of a sleep', async () => {
    probes += 1;
    return Date.now() >= startedMs + 100 * MINUTE_MS && slept;
  });
  expect(probes).toBeLessThanOrEqual(2);
});
