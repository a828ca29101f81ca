import { afterAll, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { decodeLearningTime } from '../../lambdas/warehouse/cached-learning-time.ts';
import { learnerKeyText } from '../../lambdas/warehouse/learning-time.ts';
import { loadSnowflakeSdk } from '../../lambdas/warehouse/snowflake/sdk.ts';
import { createWarmStore } from '../../lambdas/warehouse/warm-store.ts';
import { warmInputSchema } from '../../lambdas/warming/warm-report.ts';
import { type WarmServices, warmCache } from '../../lambdas/warming/warm-run.ts';
import { ask } from '../../local/valkey/ask.ts';
import { type RunningValkey, startValkey } from '../../local/valkey/start-valkey.ts';
import { fakeCounter, fakeLog, flag, integration, registry } from '../support/factories.ts';
import { courseId, enterpriseId, learner, NAMES } from '../support/learning-time-table.ts';
import { createKeyPair, quietSnowflakeSdk, type SnowflakeFixture, startSnowflake } from '../support/snowflake.ts';

// The rules with the real adapters: snowflake-sdk over a socket, and Valkey.

jest.setTimeout(120_000);

/** The first 12,288 come with the response, the others in chunks. */
const ROWS = 14_000;
/** For what chunks do not concern. */
const FEW_ROWS = 3_000;
/** After the changes of the tests, on the day of the rows. */
const NOW = Date.parse('2026-01-24T10:00:00Z');
const AMPLE = { commandMs: 30_000, firstConnectionMs: 30_000, reconnectionMs: 30_000, connectMs: 30_000 };

let snowflake: SnowflakeFixture;
let valkey: RunningValkey;
let services: WarmServices;
/** Calls for the remaining time until none is left. */
let stepsLeft = Number.POSITIVE_INFINITY;

beforeAll(async () => {
  quietSnowflakeSdk();
  await loadSnowflakeSdk();
  [snowflake, valkey] = await Promise.all([
    startSnowflake({ keyPair: createKeyPair(), now: () => NOW }),
    startValkey(),
  ]);
  const log = fakeLog();
  const address = { host: '127.0.0.1', port: valkey.port, tls: false };
  services = {
    flag: { read: async () => flag() },
    integrations: { read: async () => registry(integration({ enterprise_customer_uuid: enterpriseId })) },
    warehouse: snowflake.warming,
    store: createWarmStore({ ...address, log, maxEcpuPerSecond: 15_000_000, deadlines: AMPLE }),
    settings: { activeDays: 14, maxRows: 1_000_000, source: NAMES },
    ...{ log, counter: fakeCounter(), now: () => NOW },
  };
});
beforeEach(() => ask(valkey.port, ['FLUSHALL']));
afterAll(() => Promise.all([services.store.close(), snowflake.server.close(), valkey.stop()]));

const run = () =>
  warmCache(warmInputSchema.parse({}), services, () => {
    stepsLeft -= 1;
    return stepsLeft > 0 ? 840_000 : 0;
  });

/** Replaces the table: each learner has `seconds` more than their number. */
async function fill(rows: number, seconds: number, changedAtMs: number) {
  await snowflake.server.execute(`DELETE FROM ${NAMES.table}`);
  await snowflake.server.execute(`INSERT INTO ${NAMES.table}
    SELECT i, '${courseId}', '${enterpriseId}', DATE '2026-01-20', i + ${seconds} FROM range(1, ${rows + 1}) AS numbers(i)`);
  snowflake.server.setChangeToken(`${BigInt(changedAtMs) * 1_000_000n}`);
}

/** Runs until one is complete, each for a seeded random number of steps. @returns the results */
async function runInParts(seed: number): Promise<string[]> {
  let state = seed;
  const results: string[] = [];
  while (results.at(-1) !== 'complete' && results.length < 50) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    stepsLeft = 4 + (state % 8);
    results.push((await run()).result);
  }
  stepsLeft = Number.POSITIVE_INFINITY;
  return results;
}

async function entryOf(userId: string) {
  const [, text = ''] = /^\$\d+\r\n(.*)$/s.exec(await ask(valkey.port, ['GET', learnerKeyText(learner(userId))])) ?? [];
  return decodeLearningTime(text);
}

const sumQueries = () => snowflake.server.queries().filter(({ sqlText }) => sqlText.includes('SUM(')).length;

/** Every entry, and the marker. */
async function expectAll(rows: number, seconds: number) {
  expect(await ask(valkey.port, ['DBSIZE'])).toBe(`:${rows + 1}`);
  const { token } = (await services.store.readMarker()) ?? {};
  for (const userId of [1, 1000, 1001, 12_288, 12_289, rows].filter((id) => id <= rows).map(String)) {
    const totalSeconds = Number(userId) + seconds;
    expect(await entryOf(userId)).toEqual({
      learningTime: { found: true, totalSeconds, lastDate: '2026-01-20' },
      token,
    });
  }
}

test('a run that is cut at random steps loads every row once, with one query', async () => {
  await fill(ROWS, 0, NOW - 7_200_000);
  const before = sumQueries();
  const results = await runInParts(1);
  expect(results.length).toBeGreaterThan(2);
  expect(new Set(results)).toEqual(new Set(['out_of_time', 'complete']));
  await expectAll(ROWS, 0);
  expect(sumQueries()).toBe(before + 1);
});

test('a result that has expired between two parts is queried again', async () => {
  await fill(FEW_ROWS, 7, NOW - 3_600_000);
  const before = sumQueries();
  stepsLeft = 4;
  expect(await run()).toMatchObject({ result: 'out_of_time' });
  snowflake.server.expireResults();
  await runInParts(2);
  await expectAll(FEW_ROWS, 7);
  expect(sumQueries()).toBe(before + 2);
});

test('a Valkey that is emptied between two parts is loaded from the first row', async () => {
  await fill(FEW_ROWS, 9, NOW - 1_800_000);
  stepsLeft = 4;
  expect(await run()).toMatchObject({ result: 'out_of_time' });
  await ask(valkey.port, ['FLUSHALL']);
  await runInParts(3);
  await expectAll(FEW_ROWS, 9);
});
