import { beforeEach, describe, expect, test } from '@jest/globals';
import { eachTest } from '../../support/each-test.ts';
import { NOW } from '../../support/factories.ts';
import { type Left, PARKED } from '../ledger/ledger-operator.ts';
import { startReplayOperator } from '../replay/replay-operator.ts';

// Which deliveries go: test/commands/replay/find-parked.test.ts. How fast: test/commands/replay/pace.test.ts.

const ACME = { id: 'acme', url: 'https://acme.example', max_requests_per_minute: 60 };
const GLOBEX = { id: 'globex', url: 'https://globex.example' };

const IN_WORKFLOW: Left = {
  token: 'g0-a1',
  progress: {
    ...{ outcome: 'retry', park_count: 1, parked_for: 'paused', reason: 'parked: it is paused' },
    due_at: new Date(NOW + 60_000).toISOString(),
  },
};
const GONE: Left = {
  progress: { outcome: 'parked', reason: 'HTTP 410', parked_for: 'gone' },
  attempt: { status: 410 },
};

const operator = eachTest(startReplayOperator);

beforeEach(() => {
  operator.world.deploy({ integrations: [ACME, GLOBEX] });
});

const run = (...words: readonly string[]) => operator.integration(...words);
const printed = () => operator.world.printed();
const stateOf = async (id: string) => (await operator.table.record(id))?.state;

/** Times of release, in milliseconds after `sinceMs`. */
async function releasedAfter(ids: readonly string[], sinceMs: number): Promise<number[]> {
  const records = await Promise.all(ids.map((id) => operator.table.record(id)));
  return records.map((record) => Date.parse(record?.times.accepted ?? '') - sinceMs).toSorted((a, b) => a - b);
}

test('of one: ends its pause, and releases its parked deliveries of the last days at its rate limit', async () => {
  await run('pause', 'acme');
  operator.world.nowMs = NOW - 6 * 24 * 3600_000;
  const old = await operator.deliveries([PARKED]);
  operator.world.nowMs = NOW;
  const ids = [...old, ...(await operator.deliveries([IN_WORKFLOW, PARKED]))];
  const [other = ''] = await operator.deliveries([PARKED], 'globex');
  expect(await run('resume', 'acme')).toBe(0);
  const resumed = { ...ACME, paused: false, resumed_at: new Date(NOW).toISOString() };
  expect(operator.world.deployed()).toEqual({ integrations: [resumed, GLOBEX] });
  expect(operator.world.lastStrategy()).toBe('at-once');
  expect(printed()).toMatch(
    /\nParked deliveries are released in 15 s: .*\nintegration +parked +per minute +takes\nacme +3 +60 +2 s\nreleased 3 of 3$/,
  );
  // Functions have the new document by then.
  expect(await releasedAfter(ids, NOW)).toEqual([15_000, 16_000, 17_000]);
  expect(await stateOf(other)).toBe('parked');
  const sent = await operator.sent();
  expect(sent.map(({ webhook_id }) => webhook_id).toSorted()).toEqual(ids.toSorted());
  expect(sent.map(({ generation }) => generation)).toEqual([1, 1, 1]);
  const messages = operator.queueFront.calls.filter(({ operation }) => operation === 'SendMessage');
  expect(new Set(messages.map(({ input }) => input.MessageGroupId))).toEqual(new Set(['acme']));
});

test('--no-release: parked deliveries wait, and the command does not', async () => {
  const [id = ''] = await operator.deliveries([PARKED]);
  expect(await run('resume', 'acme', '--no-release')).toBe(0);
  expect(operator.world.deployed()).toMatchObject({ integrations: [{ id: 'acme', paused: false }, {}] });
  expect([await stateOf(id), await operator.sent()]).toEqual(['parked', []]);
  expect(operator.world.nowMs).toBe(NOW);
});

test('--all: the entries stay as they are, and only what the common pause kept back is released', async () => {
  await run('pause', 'globex');
  await run('pause', '--all');
  const entries = { integrations: [ACME, { ...GLOBEX, paused: true }] };
  expect(operator.world.deployed()).toEqual({ ...entries, paused: true });
  const [parked = '', gone = ''] = await operator.deliveries([PARKED, GONE]);
  const [paused = ''] = await operator.deliveries([PARKED], 'globex');
  expect(await run('resume', '--all')).toBe(0);
  expect(operator.world.deployed()).toEqual({ ...entries, paused: false });
  expect(await operator.sentIds()).toEqual([parked]);
  expect(await Promise.all([gone, paused].map(stateOf))).toEqual(['parked', 'parked']);
});

test('--all without a common pause: nothing is deployed, and what is left is released at once', async () => {
  const [id = ''] = await operator.deliveries([PARKED]);
  const versions = operator.world.versions();
  expect(await run('resume', '--all')).toBe(0);
  expect(operator.world.versions()).toBe(versions);
  expect(printed()).toContain('nothing to do: all integrations: not paused together');
  expect(await releasedAfter([id], NOW)).toEqual([0]);
});

describe('prints why nothing is released', () => {
  test.each([
    [
      { integrations: [ACME], paused: true },
      'All integrations are paused together, and stay paused: "./ltw integration resume --all --stage local" ends it.',
    ],
    [{ integrations: [{ ...ACME, active: false }] }, 'Integration acme is not active, and receives nothing.'],
  ])('%j', async (document, why) => {
    operator.world.deploy(document);
    const [id = ''] = await operator.deliveries([PARKED]);
    expect(await run('resume', 'acme')).toBe(0);
    expect(printed()).toContain(why);
    expect(printed()).toMatch(/\nThere are no parked deliveries to release\.$/);
    expect([await stateOf(id), await operator.sent()]).toEqual(['parked', []]);
  });

  test('the ledger is denied', async () => {
    const denied = { __type: 'AccessDeniedException', message: 'no such permission' };
    operator.front.decide(() => ({ status: 400, answer: denied }));
    const message = 'AWS denies the call: no such permission';
    await expect(run('resume', 'acme')).rejects.toMatchObject({ name: 'CommandFailed', message });
    expect(printed()).toContain('done: resume integration acme');
  });
});
