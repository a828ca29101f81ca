import { beforeAll, expect, jest, test } from '@jest/globals';
import type { Receipt } from '../../local/demo/partner.ts';
import { COURSE, completion, ENTERPRISE } from '../../local/demo/sample-events.ts';
import { ask } from '../../local/valkey/ask.ts';
import {
  deployFlag,
  learningTimeOf,
  logged,
  receiptsOf,
  runCommand,
  runningSession,
  until,
} from './running-session.ts';

jest.setTimeout(120_000);

const MINUTE_MS = 60_000;
/** Until the table has been unchanged for 30 minutes, and the schedule has come once more. */
const WARMED_MS = 47 * MINUTE_MS;
/** Until the schedule has come once more. */
const NEXT_RUN_MS = 17 * MINUTE_MS;
const OTHER_ENTERPRISE = '7d2c1b3a-0000-4000-8000-000000000002';
/** Ten learners, so that one of them is less than a fifth. */
const LEARNERS = Array.from({ length: 10 }, (_, index) => 50_001 + index);
const TABLE = 'PROD.BUSINESS_INTELLIGENCE.LEARNING_TIME';

const session = runningSession({ partners: { skillsoft: { behaviour: 200 } } });

const today = () => new Date().toISOString().slice(0, 10);
const row = (userId: number, seconds: number, enterpriseId = ENTERPRISE) => ({
  ...{ userId, courseId: COURSE, enterpriseId, date: today(), seconds },
});

/** What the partner receives for a completion. */
async function delivered(eventId: string, userId: number, enterpriseId = ENTERPRISE): Promise<Receipt> {
  const event = completion(eventId, 'skillsoft', userId);
  event.payload.enterprise.enterprise_customer_uuid = enterpriseId;
  await session().publish([JSON.stringify(event)]);
  return await until(session(), () => receiptsOf(session(), 'skillsoft', eventId)[0]);
}

/** How runs ended, without those that had nothing to do. */
async function results(): Promise<unknown[]> {
  const runs = await logged(session(), 'warming.ran');
  return runs.map(({ result }) => result).filter((result) => result !== 'current');
}

beforeAll(async () => {
  const { platform, warehouse } = session();
  deployFlag(platform, { enabled: true, rollout_percentage: 100, pilot_enterprises: [ENTERPRISE] });
  await warehouse.load([
    ...LEARNERS.map((learner, index) => row(learner, 100 * (index + 1))),
    row(1, 77, OTHER_ENTERPRISE),
  ]);
});

test('a changed table is in the cache 30 minutes later: a completion needs no warehouse', async () => {
  await session().skip(NEXT_RUN_MS);
  // There was no marker, so the first run did not wait.
  expect(await results()).toEqual(['complete']);
  const { warehouse } = session();
  await warehouse.load([row(50_001, 111)]);
  await session().skip(NEXT_RUN_MS);
  expect(await results()).toEqual(['complete', 'waiting']);
  await session().skip(WARMED_MS);
  expect((await results()).at(-1)).toBe('complete');
  warehouse.setMode('down');
  expect(learningTimeOf(await delivered('warmed', 50_001))).toMatchObject({ total_seconds: 111 });
});

test('a row that disappeared is gone after the next complete run', async () => {
  const { warehouse } = session();
  warehouse.setMode('up');
  await warehouse.execute(`DELETE FROM ${TABLE} WHERE USER_ID = 50002`);
  await session().skip(WARMED_MS);
  expect(learningTimeOf(await delivered('vanished', 50_002))).toBeUndefined();
  warehouse.setMode('down');
  expect(learningTimeOf(await delivered('stayed', 50_003))).toMatchObject({ total_seconds: 300 });
});

test('an emptied Valkey is filled by the next run', async () => {
  const { warehouse, platform } = session();
  warehouse.setMode('up');
  await ask(platform.valkey.port, ['FLUSHALL']);
  await session().skip(NEXT_RUN_MS);
  warehouse.setMode('down');
  expect(learningTimeOf(await delivered('filled-again', 50_004))).toMatchObject({ total_seconds: 400 });
});

test('an enterprise that is enabled is in the cache after the next run', async () => {
  const { warehouse, platform } = session();
  warehouse.setMode('up');
  deployFlag(platform, { enabled: true, rollout_percentage: 100, pilot_enterprises: [ENTERPRISE, OTHER_ENTERPRISE] });
  await session().skip(NEXT_RUN_MS);
  warehouse.setMode('down');
  expect(learningTimeOf(await delivered('enabled', 1, OTHER_ENTERPRISE))).toMatchObject({ total_seconds: 77 });
});

test('a table that shrinks changes nothing until an operator accepts it', async () => {
  const { warehouse } = session();
  warehouse.setMode('up');
  await warehouse.execute(`DELETE FROM ${TABLE} WHERE USER_ID > 50005`);
  await session().skip(WARMED_MS);
  expect((await results()).at(-1)).toBe('shrunk');
  const alarms = await runCommand(session(), ['alarms']);
  expect(alarms.lines.join('\n')).toContain('warm-shrunk');
  const refused = await runCommand(session(), ['warm-cache']);
  expect(refused.lines.join('\n')).toContain('the table has lost over 20% of its rows');
  warehouse.setMode('down');
  expect(learningTimeOf(await delivered('kept', 50_010))).toMatchObject({ total_seconds: 1000 });
  warehouse.setMode('up');
  const accepted = await runCommand(session(), ['warm-cache', '--accept-shrunk']);
  expect([refused.status, accepted.status]).toEqual([1, 0]);
  expect(learningTimeOf(await delivered('accepted', 50_010))).toBeUndefined();
});
