import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { alarms } from '../../commands/alarms.ts';
import { openStage, type Stage } from '../../commands/stage.ts';
import { writeState } from '../../local/console/state-file.ts';
import { completion } from '../../local/demo/sample-events.ts';
import { until } from '../support/assembly.ts';
import { publishTo, runningWorld } from './running-world.ts';

const directory = mkdtempSync(join(tmpdir(), 'alarms-'));
const stateFile = join(directory, 'platform.json');
afterAll(() => rmSync(directory, { recursive: true }));

/** A quarter of an hour of the alarms is 15 s. */
const world = runningWorld({
  flag: 'on',
  timeScale: 60,
  partners: { skillsoft: { answers: 200 }, 'partner-refusing': { answers: 400 } },
});

/** `npm run alarms` against the running platform: what rings. */
async function ringing(): Promise<readonly string[]> {
  const { outputs, endpoints, controlPlane } = world().platform;
  writeState(stateFile, { pid: process.pid, control: controlPlane.endpoint, endpoints, outputs });
  const printed: string[] = [];
  const ask = async () => undefined;
  let stage: Stage | undefined;
  const status = await alarms([], {
    terminal: {
      isInteractive: false,
      progress: { isTTY: false, write: () => true },
      print: (text) => void printed.push(...text.split('\n')),
      ask,
      askHidden: ask,
      close: () => {},
    },
    variables: {},
    async openStage(name) {
      stage = await openStage(name, {}, stateFile);
      return stage;
    },
    now: Date.now,
    sleep: async () => {},
  });
  stage?.close();
  const names = printed.flatMap((line) => /^([a-z-]+) +rings /.exec(line)?.[1] ?? []);
  expect(status).toBe(names.length === 0 ? 0 : 1);
  return names;
}

test('a quiet stage rings for nothing but an age that nobody has published yet', async () => {
  expect(await ringing()).toEqual(['credential-age']);
});

test('partners refuse: the page of partners, its alarm, and the notices around it', async () => {
  await publishTo(
    world(),
    'partner-refusing',
    Array.from({ length: 12 }, (_, index) => `refused-${index}`),
  );
  const names = await until(async () => {
    const now = await ringing();
    return ['page-partners', 'dead-deliveries'].every((name) => now.includes(name)) && now;
  }, 60_000);
  expect(names).toEqual(
    expect.arrayContaining(['failed-tries', 'failed-tries-warning', 'errors-of-an-hour', 'recovering']),
  );
  expect(names).not.toContain('page-warehouse');
  expect(names).not.toContain('page-pipeline');
}, 90_000);

test('Snowflake refuses: the page of the warehouse, and no other', async () => {
  world().warehouse.setMode('refuse');
  const events = Array.from({ length: 40 }, (_, index) =>
    JSON.stringify(completion(`sick-${index}`, 'skillsoft', 40_000 + index)),
  );
  await world().publish(events);
  const names = await until(async () => {
    const now = await ringing();
    return now.includes('page-warehouse') && now;
  }, 60_000);
  expect(names.some((name) => ['warehouse-failing', 'fallbacks'].includes(name))).toBe(true);
  expect(names).not.toContain('page-pipeline');
}, 90_000);

test('once Snowflake answers again, no page rings when a quarter of an hour has passed', async () => {
  world().warehouse.setMode('up');
  await until(async () => (await ringing()).every((name) => !name.startsWith('page-')), 60_000);
}, 90_000);
