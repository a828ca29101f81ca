import { existsSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { learnerKeyText, type Warehouse } from '../../../lambdas/warehouse/learning-time.ts';
import { loadSnowflakeSdk } from '../../../lambdas/warehouse/snowflake/sdk.ts';
import { createSnowflakeWarehouse } from '../../../lambdas/warehouse/snowflake/warehouse.ts';
import {
  type Answer,
  answerOf,
  json,
  type MisbehavingSnowflake,
  startMisbehavingSnowflake,
  succeeded,
} from '../../support/misbehaving-snowflake.ts';
import { recordingLog } from '../../support/recording-log.ts';
import { account, learner, NAMES, quietSnowflakeSdk, stubSecrets, user } from '../../support/snowflake.ts';

const DEADLINE_MS = 1_000;
/** The SDK's first pauses are 1 to 3 s: what survived the deadline would send another request in this time. */
const QUIET_MS = 3_000;

/** What was on its way when an ask ended, a logout above all, has arrived by then. */
const IN_FLIGHT_MS = 500;

const headers = { 'content-type': 'application/json' };
const unavailable = json({}, 503);
const nothing: Answer = () => {};
const html: Answer = (response) =>
  response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Maintenance</html>');
const cut: Answer = (response) => {
  response.writeHead(200, { ...headers, 'content-length': '1000' }).write('{"success": tr');
  setImmediate(() => response.socket?.resetAndDestroy());
};
const trickle: Answer = (response) => {
  response.writeHead(200, headers).write('{');
  const timer = setInterval(() => response.write(' '), 50);
  response.once('close', () => clearInterval(timer));
};
const redirect: Answer = (response, request) => response.writeHead(307, { location: request.url ?? '/' }).end();
/** As for a statement that runs longer than 45 s: ask again, at that address. */
const inProgress = json({
  success: true,
  code: '333334',
  message: null,
  data: {
    getResultUrl: '/queries/01b2c3d4-0000-1111-0000-000000000001/result',
    queryId: '01b2c3d4-0000-1111-0000-000000000001',
  },
});
const expired = json({ success: false, code: '390112', message: 'Session token expired', data: null });
const renewed = succeeded({
  sessionToken: 'next',
  masterToken: 'master',
  validityInSecondsST: 60,
  validityInSecondsMT: 60,
});
const garbage: Answer = (response) => response.socket?.end('\u0000\u0001 no HTTP\r\n\r\n');

const endless: Answer = (response) => {
  response.writeHead(200, headers).write('{"success":true,"data":{"rowset":["');
  const more = () => {
    while (response.write('x'.repeat(1 << 20)));
  };
  response.on('drain', more);
  more();
};
const processing = (response: ServerResponse) => {
  const timer = setInterval(() => response.socket?.write('HTTP/1.1 102 Processing\r\n\r\n'), 20);
  response.once('close', () => clearInterval(timer));
};
const rowOf = (id: string) => [id, learner(id).courseId, learner(id).enterpriseId, '60', '20463'];
/** The second row is elsewhere, as with answers of many megabytes. */
const inChunks = (url: string) =>
  answerOf([rowOf('2')], {
    total: 2,
    returned: 2,
    chunks: [{ url, rowCount: 1, uncompressedSize: 99, compressedSize: 99 }],
  });

const CASES: Readonly<Record<string, MisbehavingSnowflake['answers']>> = {
  'a login that is never answered': { login: nothing },
  'a login answered 503 for minutes': { login: unavailable },
  'a login answered 429': { login: json({}, 429) },
  'a login answered with a page': { login: html },
  'a login answered with JSON that is no answer': { login: json('no') },
  'a login cut in the middle': { login: cut },
  'a login that trickles': { login: trickle },
  'a login redirected in a circle': { login: redirect },
  'a login answered with what is no HTTP': { login: garbage },
  'a query that is never answered': { query: nothing },
  'a query answered 503 for minutes': { query: unavailable },
  'a query answered 429': { query: json({}, 429) },
  'a query answered 403': { query: json({}, 403) },
  'a query answered with a page': { query: html },
  'a query answered with null': { query: json(null) },
  'a query answered without rows and columns': { query: succeeded({}) },
  'a query cut in the middle': { query: cut },
  'a query that trickles': { query: trickle },
  'a query redirected in a circle': { query: redirect },
  'a query answered with what is no HTTP': { query: garbage },
  'a query that is in progress for ever': { query: inProgress, other: inProgress },
  'a query answered without end': { query: endless },
  'a login answered without end': { login: endless },
  'a query that is being processed for ever': { query: processing },
  'a query answered with no body': { query: (response) => response.writeHead(200, headers).end() },
  'a query answered with what is no gzip': {
    query: (response) => response.writeHead(200, { ...headers, 'content-encoding': 'gzip' }).end('no gzip'),
  },
  'a query answered with rows that are no list': { query: answerOf('rows' as never, { total: 1, returned: 1 }) },
  'a query answered with a row that is null': { query: answerOf([null] as never) },
  'a query answered with a row that is a number': { query: answerOf([7] as never) },
  'a query answered with fewer rows than there are': {
    query: answerOf([rowOf('1'), rowOf('2')], { rowset: [[...rowOf('1'), '2']], returned: 1 }),
  },
  'a query answered with fewer rows than it says': { query: answerOf([rowOf('2')], { total: 2, returned: 2 }) },
  'a query answered without the number of its rows': {
    query: answerOf([rowOf('1')], { total: undefined, returned: undefined }),
  },
  'a query answered without types': { query: answerOf([rowOf('1')], { rowtype: null }) },
  'a query answered in Arrow': {
    query: answerOf([], { rowset: null, rowsetBase64: 'AAAA', queryResultFormat: 'arrow', total: 1, returned: 1 }),
  },
  'a query whose rows are on an unreachable server': { query: inChunks('http://127.0.0.1:1/rows') },
  'a query whose rows are nowhere': { query: inChunks('no address') },
  'a session that has expired however often it is renewed': { query: expired, other: renewed },
};

interface Played {
  readonly server: MisbehavingSnowflake;
  readonly warehouse: Warehouse;
  readonly outcome: unknown;
  /** Requests that came after the ask had ended, but for those that were on their way. */
  late: number;
}

const played = new Map<string, Played>();
const unhandled: unknown[] = [];
const noteUnhandled = (reason: unknown) => unhandled.push(reason);
const written: unknown[] = [];

async function play(answers: MisbehavingSnowflake['answers']): Promise<Played> {
  const server = await startMisbehavingSnowflake();
  const secrets = stubSecrets({ account, user, password: 'some password', access_url: server.url });
  const warehouse = createSnowflakeWarehouse({ secrets, names: NAMES, queryTag: 'test', log: recordingLog() });
  server.answers = answers;
  const outcome = await warehouse.query([learner('1')], DEADLINE_MS).catch((thrown: unknown) => thrown);
  return { server, warehouse, outcome, late: 0 };
}

beforeAll(async () => {
  quietSnowflakeSdk();
  await loadSnowflakeSdk();
  process.on('unhandledRejection', noteUnhandled);
  for (const stream of [process.stdout, process.stderr]) {
    jest.spyOn(stream, 'write').mockImplementation((text) => written.push(text) > 0);
  }
  await Promise.all(Object.entries(CASES).map(async ([name, answers]) => played.set(name, await play(answers))));
  await sleep(IN_FLIGHT_MS);
  for (const each of played.values()) each.late = each.server.requests();
  await sleep(QUIET_MS);
  for (const each of played.values()) each.late = each.server.requests() - each.late;
  jest.restoreAllMocks();
});

afterAll(async () => {
  process.off('unhandledRejection', noteUnhandled);
  await Promise.all([...played.values()].map(({ server }) => server.close()));
});

describe.each(Object.keys(CASES))('%s', (name) => {
  const found = () => played.get(name) as Played;

  test('ends as a warehouse that is not available', () => {
    expect(found().outcome).toMatchObject({ name: 'WarehouseUnavailable' });
  });

  test('leaves no further requests', () => {
    expect(found().late).toBe(0);
  });

  test('does not spoil the next ask', async () => {
    const { server, warehouse } = found();
    server.answers = {};
    const answers = await warehouse.query([learner('1')], 10_000);
    expect(answers.get(learnerKeyText(learner('1')))).toEqual({ found: false });
  });
});

test('nothing was written, and no rejection went unheard', () => {
  expect(written.map(String).filter((text) => !text.includes('ExperimentalWarning'))).toEqual([]);
  expect(existsSync('snowflake.log')).toBe(false);
  expect(unhandled).toEqual([]);
});

describe('an answer as a real account sends it', () => {
  test('is read: a sum, a sum too large for a double, NULL, and days since 1970', async () => {
    const { server, warehouse } = await play({
      query: answerOf([
        ['1', learner('1').courseId, learner('1').enterpriseId, '18540', '20463'],
        ['2', learner('2').courseId, learner('2').enterpriseId, null, null],
        ['3', learner('3').courseId, learner('3').enterpriseId, '0', '20463'],
        ['4', learner('4').courseId, learner('4').enterpriseId, '90071992547409930', '20463'],
      ]),
    });
    const keys = ['1', '2', '3', '4', '5'].map(learner);
    const answers = await warehouse.query(keys, 10_000);
    expect(keys.map((key) => answers.get(learnerKeyText(key)))).toEqual([
      { found: true, totalSeconds: 18_540, lastDate: '2026-01-10' },
      { found: false },
      { found: true, totalSeconds: 0, lastDate: '2026-01-10' },
      { failed: true, reason: expect.stringContaining('too large') },
      { found: false },
    ]);
    await server.close();
  });

  test('in a collated column it returns a key in another case: no key has "no data" then', async () => {
    const [, courseId = ''] = rowOf('1');
    const given = ['1', courseId.toUpperCase(), learner('1').enterpriseId, '60', '20463'];
    const { server, warehouse } = await play({ query: answerOf([given, rowOf('2')]) });
    const keys = ['1', '2', '3'].map(learner);
    const answers = await warehouse.query(keys, 10_000);
    expect(keys.map((key) => answers.get(learnerKeyText(key)))).toEqual([
      { failed: true, reason: expect.stringContaining('not queried') },
      { found: true, totalSeconds: 60, lastDate: '2026-01-10' },
      { failed: true, reason: expect.stringContaining('not queried') },
    ]);
    await server.close();
  });
});
