import { existsSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { learnerKeyText, type Warehouse } from '../../../lambdas/warehouse/learning-time.ts';
import { loadSnowflakeSdk } from '../../../lambdas/warehouse/snowflake/sdk.ts';
import { createSnowflakeWarehouse } from '../../../lambdas/warehouse/snowflake/warehouse.ts';
import { learner, NAMES } from '../../support/learning-time-table.ts';
import {
  type Answer,
  answerOf,
  json,
  type MisbehavingSnowflake,
  startMisbehavingSnowflake,
  succeeded,
} from '../../support/misbehaving-snowflake.ts';
import { recordingLog } from '../../support/recording-log.ts';
import { account, quietSnowflakeSdk, stubSecrets, user } from '../../support/snowflake.ts';

const DEADLINE_MS = 900;
/** The SDK pauses for 1 to 3 s before it repeats a request; here its pauses take a tenth of that. */
const SDK_PAUSES_MS = { from: 1_000, to: 3_000, factor: 0.1 };
/** A request that survived its query would be repeated in this time. */
const QUIET_MS = 500;
/** Requests that were in flight when a query ended have arrived by then. */
const IN_FLIGHT_MS = 200;

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
/** The response to a statement that runs longer than 45 s: the result is at that URL. */
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
/** The second row is at another URL, as in responses of many megabytes. */
const inChunks = (url: string) =>
  answerOf([rowOf('2')], {
    total: 2,
    returned: 2,
    chunks: [{ url, rowCount: 1, uncompressedSize: 99, compressedSize: 99 }],
  });

const CASES: Readonly<Record<string, MisbehavingSnowflake['answers']>> = {
  'a login without a response': { login: nothing },
  'a login with 503 for minutes': { login: unavailable },
  'a login with HTML': { login: html },
  'a login with JSON of another shape': { login: json('no') },
  'a login that is cut': { login: cut },
  'a login with no HTTP': { login: garbage },
  'a login without an end': { login: endless },
  'a query without a response': { query: nothing },
  'a query with 503 for minutes': { query: unavailable },
  'a query with 403': { query: json({}, 403) },
  'a query with HTML': { query: html },
  'a query with null': { query: json(null) },
  'a query without rows and columns': { query: succeeded({}) },
  'a query that is cut': { query: cut },
  'a query that trickles': { query: trickle },
  'a query that is redirected in a circle': { query: redirect },
  'a query with no HTTP': { query: garbage },
  'a query that stays in progress': { query: inProgress, other: inProgress },
  'a query without an end': { query: endless },
  'a query with status 102 without an end': { query: processing },
  'a query with no body': { query: (response) => response.writeHead(200, headers).end() },
  'a query with invalid gzip': {
    query: (response) => response.writeHead(200, { ...headers, 'content-encoding': 'gzip' }).end('no gzip'),
  },
  'rows that are no list': { query: answerOf('rows' as never, { total: 1, returned: 1 }) },
  'a row that is null': { query: answerOf([null] as never) },
  'fewer rows than the count in a row': {
    query: answerOf([rowOf('1'), rowOf('2')], { rowset: [[...rowOf('1'), '2']], returned: 1 }),
  },
  'fewer rows than the total': { query: answerOf([rowOf('2')], { total: 2, returned: 2 }) },
  'rows without a total': { query: answerOf([rowOf('1')], { total: undefined, returned: undefined }) },
  'rows without types': { query: answerOf([rowOf('1')], { rowtype: null }) },
  'rows in Arrow': {
    query: answerOf([], { rowset: null, rowsetBase64: 'AAAA', queryResultFormat: 'arrow', total: 1, returned: 1 }),
  },
  'rows on an unreachable server': { query: inChunks('http://127.0.0.1:1/rows') },
  'rows at an invalid URL': { query: inChunks('no address') },
  'a session that expires after each renewal': { query: expired, other: renewed },
};

interface Played {
  readonly server: MisbehavingSnowflake;
  readonly warehouse: Warehouse;
  readonly outcome: unknown;
  /** Requests after the query ended, without those that were in flight then. */
  late: number;
}

const played = new Map<string, Played>();
const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown) => unhandled.push(reason);
const written: unknown[] = [];

async function play(answers: MisbehavingSnowflake['answers']): Promise<Played> {
  const server = await startMisbehavingSnowflake();
  const secrets = stubSecrets({ account, user, password: 'some password', access_url: server.url });
  const warehouse = createSnowflakeWarehouse({ secrets, names: NAMES, queryTag: 'test', log: recordingLog() });
  server.answers = answers;
  const outcome = await warehouse.query([learner('1')], DEADLINE_MS).catch((thrown: unknown) => thrown);
  return { server, warehouse, outcome, late: 0 };
}

function shortenPausesOfTheSdk(): void {
  const { setTimeout: start } = globalThis;
  const { from, to, factor } = SDK_PAUSES_MS;
  const shortened = (work: () => void, ms = 0, ...more: []) =>
    start(work, from <= ms && ms <= to ? factor * ms : ms, ...more);
  jest.spyOn(globalThis, 'setTimeout').mockImplementation(shortened as typeof setTimeout);
}

beforeAll(async () => {
  quietSnowflakeSdk();
  await loadSnowflakeSdk();
  process.on('unhandledRejection', onUnhandled);
  shortenPausesOfTheSdk();
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
  process.off('unhandledRejection', onUnhandled);
  await Promise.all([...played.values()].map(({ server }) => server.close()));
});

test.each(Object.keys(CASES))('%s: the query fails, leaves no requests, and the next query succeeds', async (name) => {
  const { server, warehouse, outcome, late } = played.get(name) as Played;
  expect(outcome).toMatchObject({ name: 'WarehouseUnavailable' });
  expect(late).toBe(0);
  server.answers = {};
  const results = await warehouse.query([learner('1')], 10_000);
  expect(results.get(learnerKeyText(learner('1')))).toEqual({ found: false });
});

test('nothing was written, and every rejection was handled', () => {
  expect(written.map(String).filter((text) => !text.includes('ExperimentalWarning'))).toEqual([]);
  expect(existsSync('snowflake.log')).toBe(false);
  expect(unhandled).toEqual([]);
});

test('the response of a real account is read: a sum, one that is too large for a double, NULL, days since 1970', async () => {
  const { server, warehouse } = await play({
    query: answerOf([
      ['1', learner('1').courseId, learner('1').enterpriseId, '18540', '20463'],
      ['2', learner('2').courseId, learner('2').enterpriseId, null, null],
      ['4', learner('4').courseId, learner('4').enterpriseId, '90071992547409930', '20463'],
    ]),
  });
  const keys = ['1', '2', '4', '5'].map(learner);
  const results = await warehouse.query(keys, 10_000);
  expect(keys.map((key) => results.get(learnerKeyText(key)))).toEqual([
    { found: true, totalSeconds: 18_540, lastDate: '2026-01-10' },
    { found: false },
    { failed: true, reason: expect.stringContaining('too large') },
    { found: false },
  ]);
  await server.close();
});
