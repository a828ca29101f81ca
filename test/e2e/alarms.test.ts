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

/** An outage lasts, and is published into, until it rings: on a slow machine its first tries are older than the window. */
const RINGS_WITHIN_MS = 150_000;

/** A quarter of an hour of the alarms is 15 s. */
const world = runningWorld({
  flag: 'on',
  timeScale: 60,
  partners: { skillsoft: { answers: 200 }, 'partner-refusing': { answers: 400 } },
});

/** For a partner that refuses it: a try is enough to lose it. */
function hotLead(eventId: string): string {
  const now = new Date().toISOString();
  return JSON.stringify({
    schema_version: 1,
    event_type: 'lead',
    event_id: eventId,
    integration_id: 'partner-refusing',
    occurred_at: now,
    payload: { user_id: 4711, lead_type: 'hot', priority: 'high', timestamp: now },
  });
}

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

test('a hot lead that is refused wakes somebody up by itself', async () => {
  let round = 0;
  const names = await until(async () => {
    round += 1;
    await world().publish([hotLead(`hot-${round}`)]);
    const now = await ringing();
    return now.includes('page-critical') && now;
  }, RINGS_WITHIN_MS);
  expect(names).toContain('critical-dead');
  expect(names).not.toContain('page-pipeline');
}, 170_000);

test('partners refuse: the page of partners, its alarm, and the notices around it', async () => {
  let round = 0;
  const names = await until(async () => {
    round += 1;
    const ids = Array.from({ length: 12 }, (_, index) => `refused-${round}-${index}`);
    await publishTo(world(), 'partner-refusing', ids);
    const now = await ringing();
    // Each is evaluated in its own time.
    const around = ['failed-tries', 'failed-tries-warning', 'errors-of-an-hour', 'recovering'];
    return ['page-partners', 'dead-deliveries', ...around].every((name) => now.includes(name)) && now;
  }, RINGS_WITHIN_MS);
  expect(names).not.toContain('page-warehouse');
  expect(names).not.toContain('page-pipeline');
}, 170_000);

test('Snowflake refuses: the page of the warehouse, and no other', async () => {
  world().warehouse.setMode('refuse');
  let round = 0;
  const names = await until(async () => {
    round += 1;
    const events = Array.from({ length: 20 }, (_, index) =>
      JSON.stringify(completion(`sick-${round}-${index}`, 'skillsoft', 40_000 + 100 * round + index)),
    );
    await world().publish(events);
    const now = await ringing();
    return now.includes('page-warehouse') && now;
  }, RINGS_WITHIN_MS);
  expect(names.some((name) => ['warehouse-failing', 'fallbacks'].includes(name))).toBe(true);
  expect(names).not.toContain('page-pipeline');
}, 170_000);

test('once Snowflake answers again, no page rings when a quarter of an hour has passed', async () => {
  world().warehouse.setMode('up');
  await until(async () => (await ringing()).every((name) => !name.startsWith('page-')), RINGS_WITHIN_MS);
}, 170_000);
