import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { DEAD, type LedgerOperator, startLedgerOperator } from './ledger-operator.ts';

// Each test starts a process, which loads the clients of six services.
jest.setTimeout(60_000);

let operator: LedgerOperator;
let webhookId: string;

beforeAll(async () => {
  operator = await startLedgerOperator();
  // The program has the machine's clock.
  operator.world.nowMs = Date.now();
  webhookId = await operator.webhook({}, { ...DEAD, answerStart: 'no\u001b[2J such\u202e course' });
});

afterAll(() => operator.close());

/** Runs the program as `npm run` does, in a process of its own. */
async function run(...words: readonly string[]) {
  const child = spawn(process.execPath, ['commands/ledger.ts', ...words], {
    env: { ...process.env, LOCAL_PLATFORM_FILE: operator.world.stateFile, NODE_OPTIONS: '' },
  });
  child.stdin.end();
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const [out, err, status] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { out, err, status };
}

test('--json: one JSON document, and nothing else', async () => {
  const { out, err, status } = await run('count', '--json');
  expect({ err, status }).toEqual({ err: '', status: 0 });
  expect(JSON.parse(out)).toMatchObject({ stage: 'local', total: 1, states: { dead: 1 } });
});

test('an unknown id: one line on standard error, status 1', async () => {
  const { out, err, status } = await run('show', `wh_${'0'.repeat(40)}`, '--json');
  expect({ out, status }).toEqual({ out: '', status: 1 });
  expect(err).toMatch(/^the ledger of stage local knows no webhook wh_0{40}: .*\n$/);
});

test('no word: the usage, status 2', async () => {
  const { err, status } = await run();
  expect(status).toBe(2);
  expect(err).toMatch(/^no command given\nusage: npm run ledger -- COMMAND/);
});

test('what a partner answered cannot steer the terminal', async () => {
  const { out } = await run('show', webhookId, '--payload');
  expect(out).toMatch(/the partner’s last refusal begins\nno\?\[2J such\? course\n\npayload\n/);
});

test('nobody to ask: nothing is deleted, status 1', async () => {
  const { out, status } = await run('forget', '--user-id', '42');
  expect({ out, status }).toEqual({ out: expect.stringMatching(/nothing is changed: --yes .*\n$/), status: 1 });
  expect(await operator.table.event(webhookId)).toBeDefined();
});

test('a table that is down: one line, status 1', async () => {
  await operator.front.close();
  const { err, status } = await run('count');
  expect(status).toBe(1);
  expect(err).toBe('the platform of this machine cannot be reached (ECONNREFUSED): is the network up?\n');
});
