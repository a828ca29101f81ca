import { afterEach, expect, test } from '@jest/globals';
import { controlLocalPlatform } from '../../../commands/console/operations/local-control.ts';
import type { Stage } from '../../../commands/shared/stage.ts';
import { CommandRefused, startControlServer } from '../../../local/control/control-server.ts';
import { readState, writeState } from '../../../local/control/state-file.ts';
import { closedAfterEach } from '../../support/closed-after-each.ts';
import { eachTest } from '../../support/each-test.ts';
import { startOperatorWorld } from '../operator-world.ts';

const keep = closedAfterEach();
const world = eachTest(startOperatorWorld);
const { LOCAL_PLATFORM_FILE } = process.env;
afterEach(() => {
  if (LOCAL_PLATFORM_FILE === undefined) delete process.env.LOCAL_PLATFORM_FILE;
  else process.env.LOCAL_PLATFORM_FILE = LOCAL_PLATFORM_FILE;
});

/** The platform's side of commands. */
async function platform(execute: (words: readonly string[]) => Promise<string>) {
  const control = await keep(startControlServer(execute));
  process.env.LOCAL_PLATFORM_FILE = world.stateFile;
  writeState(world.stateFile, { ...readState(world.stateFile), control: control.url });
}

function run(
  words: string[],
  { stageName = 'local', signal = new AbortController().signal, report = (_time: string) => {} } = {},
) {
  return controlLocalPlatform.run(
    { words },
    {
      ...{ stage: { name: stageName } as Stage, context: world.context, runProgram: async () => 0, signal },
      ...{ now: () => 0, report: async ({ time }) => report(time) },
    },
  );
}

test('runs the words of npm run local, and returns what the platform says', async () => {
  await platform(async (words) => `did ${words.join(' ')}`);
  expect(await run(['partner', 'skillsoft', '503'])).toEqual({ text: 'did partner skillsoft 503' });
});

test('passes on why the platform refuses', async () => {
  await platform(async () => {
    throw new CommandRefused('no partner x');
  });
  await expect(run(['partner', 'x', 'up'])).rejects.toThrow('no partner x');
});

test('refuses for a stage that is deployed, without asking a platform', async () => {
  const asked: unknown[] = [];
  await platform(async (words) => String(asked.push(words)));
  await expect(run(['warehouse', 'down'], { stageName: 'prod' })).rejects.toThrow('stage prod is no local platform');
  expect(asked).toEqual([]);
});

test('reports the platform’s time while a skip runs', async () => {
  const moved = Promise.withResolvers<string>();
  await platform(() => moved.promise);
  const times: string[] = [];
  const twoHoursLater = Date.now() + 7_200_000;
  const { text } = await run(['skip', '2h'], {
    report(time) {
      times.push(time);
      writeState(world.stateFile, { ...readState(world.stateFile), clock_offset_ms: 7_200_000 });
      if (times.length === 2) moved.resolve('skipped');
    },
  });
  expect(text).toBe('skipped');
  expect(Date.parse(String(times[0]))).toBeLessThan(twoHoursLater);
  expect(Date.parse(String(times[1]))).toBeGreaterThanOrEqual(twoHoursLater);
});

test('no longer waits once it is stopped', async () => {
  await platform(() => new Promise(() => {}));
  const stop = new AbortController();
  const running = run(['skip', '90d'], { signal: stop.signal, report: () => stop.abort() });
  await expect(running).rejects.toThrow('the platform continues it');
});

test('says that no platform runs', async () => {
  process.env.LOCAL_PLATFORM_FILE = world.stateFile;
  world.stopPlatform();
  await expect(run(['status'])).rejects.toThrow('no platform is running');
});

test.each([[[]], [['a', 'b', 'c', 'd']], [['skip', 'x'.repeat(201)]]])('takes no input such as %j', (words) => {
  expect(controlLocalPlatform.input.safeParse({ words }).success).toBe(false);
});
