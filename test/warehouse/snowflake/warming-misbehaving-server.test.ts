import { inspect } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { loadSnowflakeSdk } from '../../../lambdas/warehouse/snowflake/sdk.ts';
import { createSnowflakeWarming } from '../../../lambdas/warehouse/snowflake/warming.ts';
import { closedAfterEach } from '../../support/closed-after-each.ts';
import { learner, NAMES } from '../../support/learning-time-table.ts';
import { type Answer, json, startMisbehavingSnowflake, succeeded } from '../../support/misbehaving-snowflake.ts';
import { recordingLog } from '../../support/recording-log.ts';
import { account, quietSnowflakeSdk, stubSecrets, user } from '../../support/snowflake.ts';

/** Longest wait for rows: enough for a response on a busy machine. */
const IDLE_MS = 1_500;
jest.setTimeout(20_000);
const QUERY_ID = '01b2c3d4-0000-1111-0000-000000000001';
const keep = closedAfterEach();

const rowOf = (id: string) => [id, learner(id).courseId, learner(id).enterpriseId, '60', '1768003200'];
const rowtype = ['U', 'C', 'E', 'S', 'D'].map((name) => ({
  name,
  type: 'text',
  scale: null,
  precision: null,
  nullable: true,
}));
const result = (rowset: unknown, changed: object = {}) =>
  succeeded({ rowtype, rowset, total: 2, returned: 2, queryId: QUERY_ID, parameters: [], version: 1, ...changed });

/** The second row is in a chunk with this body. */
const inChunk =
  (chunk: Answer): Answer =>
  (response, request) => {
    if (request.url === '/chunk') return chunk(response, request);
    const chunks = [
      { url: `http://${request.headers.host}/chunk`, rowCount: 1, uncompressedSize: 9, compressedSize: 9 },
    ];
    return result([rowOf('1')], { chunks })(response, request);
  };
const zipped =
  (text: string): Answer =>
  (response) =>
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(text));

const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown) => unhandled.push(reason);
beforeAll(async () => {
  quietSnowflakeSdk();
  await loadSnowflakeSdk();
  process.on('unhandledRejection', onUnhandled);
});
afterAll(() => {
  process.off('unhandledRejection', onUnhandled);
  expect(unhandled).toEqual([]);
});

/** Number of rows read, or the failure. */
async function read(other: Answer): Promise<unknown> {
  const server = await keep(await startMisbehavingSnowflake());
  server.answers = { other };
  const secrets = stubSecrets({ account, user, password: 'some password', access_url: server.url });
  const options = { secrets, names: NAMES, queryTag: 'test', log: recordingLog() };
  const warming = await keep(createSnowflakeWarming(options));
  let rows = 0;
  try {
    for await (const batch of warming.rows(QUERY_ID, 0, IDLE_MS)) rows += batch.length;
    return rows;
  } catch (thrown) {
    return thrown;
  }
}

test('rows in the response and in a chunk are read', async () => {
  expect(await read(inChunk(zipped(JSON.stringify(rowOf('2')))))).toBe(2);
});

test('a row that has another shape is an unreadable row', async () => {
  expect(await read(result([rowOf('1'), ['2']]))).toBe(2);
});

test('a chunk that is larger than the function can hold ends its request', async () => {
  const endless: Answer = (response) => {
    response.writeHead(200);
    const more = () => {
      while (response.write('x'.repeat(1 << 20)));
    };
    response.on('drain', more);
    more();
  };
  expect(await read(inChunk(endless))).toMatchObject({
    name: 'WarehouseUnavailable',
    message: 'Snowflake: a response has more than 8 MiB',
  });
});

test.each<[string, Answer]>([
  ['fewer rows than announced', result([rowOf('1')])],
  ['a row that is null', result([rowOf('1'), null])],
  ['rows that are no list', result('rows')],
  ['a result that is never there', () => {}],
  ['a result without rows and columns', succeeded({})],
  ['a result with 503', json({}, 503)],
  ['a chunk with fewer rows than announced', inChunk(zipped(''))],
  ['a chunk that is no JSON', inChunk(zipped('["2", '))],
  ['a chunk with 404', inChunk((response) => response.writeHead(404).end())],
  ['a chunk without an end', inChunk((response) => response.writeHead(200).write('['))],
])('%s is a failure within the longest wait, without a row', async (_what, answer) => {
  const failure = await read(answer);
  expect(failure).toMatchObject({ name: 'WarehouseUnavailable' });
  expect(inspect(failure, { depth: Infinity })).not.toContain(learner('1').courseId);
});
