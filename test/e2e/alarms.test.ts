import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { runProgram } from '../../commands/program.ts';
import { openStage, type Stage } from '../../commands/shared/stage.ts';
import { writeState } from '../../local/console/state-file.ts';
import { completion } from '../../local/demo/sample-events.ts';
import { awaitQuiet } from '../../local/soak/await-quiet.ts';
import { publishTo, runningWorld } from './running-world.ts';

const directory = mkdtempSync(join(tmpdir(), 'alarms-'));
const stateFile = join(directory, 'platform.json');
afterAll(() => rmSync(directory, { recursive: true }));

/** Longest period of these alarms, in milliseconds. */
const HOUR_MS = 60 * 60_000;
const QUARTER_MS = 15 * 60_000;

const world = runningWorld({
  flag: 'on',
  partners: { skillsoft: { answers: 200 }, 'partner-refusing': { answers: 400 } },
});

/** For a partner that refuses it: it is dead-lettered after one attempt. */
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

/** `./ltw alarms` against the running platform: what rings. */
async function ringing(): Promise<readonly string[]> {
  const { outputs, endpoints, controlPlane } = world().platform;
  writeState(stateFile, { pid: process.pid, control: controlPlane.endpoint, clock_offset_ms: 0, endpoints, outputs });
  const printed: string[] = [];
  const ask = async () => undefined;
  let stage: Stage | undefined;
  const status = await runProgram(['alarms'], {
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

test('a hot lead that is refused pages by itself', async () => {
  await world().publish([hotLead('hot')]);
  await awaitQuiet(world());
  expect(await ringing()).toEqual(['page-critical', 'credential-age', 'critical-dead', 'dead-deliveries']);
});

test('partners refuse: the page of partners, its alarm, and the notices around it', async () => {
  await world().skip(HOUR_MS);
  expect(await ringing()).toEqual(['credential-age', 'dead-deliveries']);
  await publishTo(
    world(),
    'partner-refusing',
    Array.from({ length: 12 }, (_, index) => `refused-${index}`),
  );
  await awaitQuiet(world());
  expect(await ringing()).toEqual([
    'page-partners',
    'credential-age',
    'dead-deliveries',
    'errors-of-an-hour',
    'failed-tries',
    'failed-tries-warning',
    'recovering',
  ]);
});

test('Snowflake refuses: the page of the warehouse, and no other', async () => {
  await world().skip(HOUR_MS);
  world().warehouse.setMode('refuse');
  const events = Array.from({ length: 20 }, (_, index) =>
    JSON.stringify(completion(`sick-${index}`, 'skillsoft', 40_000 + index)),
  );
  await world().publish(events);
  await awaitQuiet(world());
  expect(await ringing()).toEqual([
    'page-warehouse',
    'credential-age',
    'dead-deliveries',
    'fallbacks',
    'warehouse-failing',
  ]);
});

test('once Snowflake answers again, no page rings when a quarter of an hour has passed', async () => {
  world().warehouse.setMode('up');
  await world().skip(QUARTER_MS);
  expect(await ringing()).toEqual(['credential-age', 'dead-deliveries']);
});
