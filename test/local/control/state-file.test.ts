import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { sendCommand } from '../../../local/control/send-command.ts';
import { readState, removeState, writeState } from '../../../local/control/state-file.ts';
import { startHttpServer } from '../../../local/http-server.ts';
import { freePort } from '../../../local/valkey/start-valkey.ts';

const directory = mkdtempSync(join(tmpdir(), 'state-'));
const file = join(directory, 'cdk.out', 'platform.json');
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const here = {
  pid: process.pid,
  control: 'http://127.0.0.1:1',
  clock_offset_ms: 7_200_000,
  endpoints: { AWS_ENDPOINT_URL_SQS: 'http://127.0.0.1:2', AWS_ENDPOINT_URL_APPCONFIG: 'http://127.0.0.1:3' },
  outputs: { EventsQueueUrl: 'http://127.0.0.1:2/000000000000/events' },
};

test('written, read, and removed by its own process only', () => {
  writeState(file, here);
  expect(readState(file)).toEqual(here);
  writeState(file, { ...here, pid: process.ppid });
  removeState(file);
  expect(existsSync(file)).toBe(true);
  writeState(file, here);
  removeState(file);
  expect(existsSync(file)).toBe(false);
  removeState(file);
});

test('only its owner may read it', () => {
  writeState(file, here);
  expect(statSync(file).mode & 0o077).toBe(0);
});

test('none', () => {
  rmSync(file, { force: true });
  expect(() => readState(file)).toThrow('no platform is running: "npm start" starts one');
});

test.each([
  'not JSON',
  '{}',
  'null',
  '{"pid": -1, "control": "http://127.0.0.1:1"}',
  JSON.stringify({ ...here, control: 'http://example.com' }),
  JSON.stringify({ ...here, endpoints: { AWS_ENDPOINT_URL_SQS: 'https://sqs.us-east-1.amazonaws.com' } }),
  JSON.stringify({ ...here, endpoints: { NODE_OPTIONS: 'http://127.0.0.1:2' } }),
  JSON.stringify({ ...here, clock_offset_ms: -1 }),
  JSON.stringify({ ...here, outputs: undefined }),
])('malformed: %s', (text) => {
  writeState(file, here);
  writeFileSync(file, text);
  expect(() => readState(file)).toThrow(/platform\.json is not what "npm start" writes/);
});

test('of a process that has ended', () => {
  const { pid } = spawnSync(process.execPath, ['--version']);
  writeState(file, { ...here, pid });
  expect(() => readState(file)).toThrow(`the platform has ended without saying so (process ${pid})`);
});

test('of a process whose port is closed, or belongs to another process', async () => {
  writeState(file, { ...here, control: `http://127.0.0.1:${await freePort()}` });
  await expect(sendCommand(['status'], file)).rejects.toThrow(`process ${process.pid} does not respond at`);

  const other = await startHttpServer((_request, response) => response.end('hello'));
  writeState(file, { ...here, control: other.url });
  await expect(sendCommand(['status'], file)).rejects.toThrow(`process ${process.pid} does not respond at`);
  await other.close();
});
