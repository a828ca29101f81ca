import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { loadSnowflakeSdk } from '../../../lambdas/warehouse/snowflake/sdk.ts';
import type { WarmRow, WarmSelection } from '../../../lambdas/warehouse/warming.ts';
import { closedAfterEach } from '../../support/closed-after-each.ts';
import { courseId, day, enterpriseId, learner, NAMES } from '../../support/learning-time-table.ts';
import { createKeyPair, quietSnowflakeSdk, type SnowflakeFixture, startSnowflake } from '../../support/snowflake.ts';

/** Enough for a login and a query on a busy machine. */
const AMPLE_MS = 10_000;
jest.setTimeout(3 * AMPLE_MS);
const keyPair = createKeyPair();
const keep = closedAfterEach();
const now = () => Date.parse('2026-01-24T10:00:00Z');
const SELECTION: WarmSelection = { enterpriseIds: [enterpriseId], activeDays: 14, maxRows: 1_000_000 };

/** Rows in three chunks of 1, 2 and up to 4 MB, after the first 12,288. */
const MANY = 50_000;

async function start(options: Partial<Parameters<typeof startSnowflake>[0]> = {}): Promise<SnowflakeFixture> {
  const fixture = await startSnowflake({ keyPair, now, ...options });
  await keep(fixture.server);
  await keep(fixture.warming);
  return fixture;
}

/** Learners 1 to `rows`, all on one day, with as many seconds as their number. */
const loadMany = ({ server }: SnowflakeFixture, rows = MANY) =>
  server.execute(`INSERT INTO ${NAMES.table}
    SELECT i, '${courseId}', '${enterpriseId}', DATE '2026-01-20', i FROM range(1, ${rows + 1}) AS numbers(i)`);

async function all(rows: AsyncIterable<readonly WarmRow[]>): Promise<WarmRow[]> {
  const read: WarmRow[] = [];
  for await (const batch of rows) read.push(...batch);
  return read;
}

const found = (userId: string, totalSeconds: number, lastDate = '2026-01-20') => ({
  key: learner(userId),
  learningTime: { found: true, totalSeconds, lastDate },
});

async function warm({ warming }: SnowflakeFixture, selection: Partial<WarmSelection> = {}): Promise<WarmRow[]> {
  const { queryId, rows } = await warming.start({ ...SELECTION, ...selection }, AMPLE_MS);
  const read = await all(warming.rows(queryId, 0, AMPLE_MS));
  expect(read).toHaveLength(rows);
  return read;
}

beforeAll(async () => {
  quietSnowflakeSdk();
  await loadSnowflakeSdk();
});

afterAll(() => expect(existsSync('snowflake.log')).toBe(false));

describe('the change token', () => {
  test('stays until the table changes, and then is greater', async () => {
    const { server, warming } = await start();
    const first = await warming.changeToken(AMPLE_MS);
    expect(first).toMatch(/^\d{19}$/);
    expect(await warming.changeToken(AMPLE_MS)).toBe(first);
    await server.load([day(1, '2026-01-20', 60)]);
    expect(BigInt(await warming.changeToken(AMPLE_MS))).toBeGreaterThan(BigInt(first));
  });
});

describe('a warm run', () => {
  test('loads the sums over all time of the learners with recent activity, the newest first', async () => {
    const fixture = await start();
    await fixture.server.load([
      day(1, '2025-06-01', 18_000),
      day(1, '2026-01-10', 540),
      day(2, '2026-01-23', 60),
      day(3, '2026-01-09', 60),
    ]);
    expect(await warm(fixture)).toEqual([found('2', 60, '2026-01-23'), found('1', 18_540, '2026-01-10')]);
  });

  test('reads many rows in chunks, each once and in order', async () => {
    const fixture = await start();
    await loadMany(fixture);
    const rows = await warm(fixture);
    expect(rows.slice(0, 2)).toEqual([found('1', 1), found('2', 2)]);
    expect(new Set(rows.map((row) => ('key' in row ? row.key.userId : ''))).size).toBe(MANY);
    expect(fixture.server.chunkRequestCount()).toBeGreaterThan(2);
  });
});
