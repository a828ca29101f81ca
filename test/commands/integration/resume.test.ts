import { beforeEach, describe, expect, test } from '@jest/globals';
import { eachTest } from '../../support/each-test.ts';
import { NOW } from '../../support/factories.ts';
import { DEAD, type Left, PARKED } from '../ledger/ledger-operator.ts';
import { startReplayOperator } from '../replay/replay-operator.ts';

// Every question asks the table’s sixteen partitions of a day: on a busy machine that takes seconds.

const ACME = { id: 'acme', url: 'https://acme.example', max_requests_per_minute: 60 };
const GLOBEX = { id: 'globex', url: 'https://globex.example' };

const ASLEEP: Left = {
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
const FAILING: Left = { progress: { outcome: 'parked', reason: 'parked: it fails', parked_for: 'failing' } };

const operator = eachTest(startReplayOperator);

beforeEach(() => {
  operator.world.deploy({ integrations: [ACME, GLOBEX] });
});

const run = (...words: readonly string[]) => operator.integration(...words);
const stateOf = async (id: string) => (await operator.table.record(id))?.state;

/** When each was released, in milliseconds after a moment. */
async function releasedAfter(ids: readonly string[], sinceMs: number): Promise<number[]> {
  const records = await Promise.all(ids.map((id) => operator.table.record(id)));
  return records.map((record) => Date.parse(record?.times.accepted ?? '') - sinceMs).toSorted((a, b) => a - b);
}

test('resume ID: a pause is undone, and all that was parked goes out, asleep or at rest, at the rate limit', async () => {
  await run('pause', 'acme');
  const ids = await operator.webhooks([PARKED, ASLEEP, PARKED]);
  const [other = ''] = await operator.webhooks([PARKED], 'globex');
  const resumedMs = operator.world.nowMs;
  expect(await run('resume', 'acme')).toBe(0);
  const resumed = { ...ACME, paused: false, resumed_at: new Date(resumedMs).toISOString() };
  expect(operator.world.deployed()).toEqual({ integrations: [resumed, GLOBEX] });
  expect(operator.world.lastStrategy()).toBe('at-once');
  expect(operator.world.questions).toEqual([]);
  expect(operator.world.printed()).toMatch(
    /\nIn 15 s what is parked is released: .*\nintegration +parked +a minute +takes\nacme +3 +60 +2 s\nreleased 3 of 3$/,
  );
  // Functions have the new document by then.
  expect(await releasedAfter(ids, resumedMs)).toEqual([15_000, 16_000, 17_000]);
  expect(operator.world.drawn()).toContain('] 2 of 3 ');
  expect(await stateOf(other)).toBe('parked');
  const sent = await operator.sent();
  expect(sent.map(({ webhook_id }) => webhook_id).toSorted()).toEqual(ids.toSorted());
  expect(sent.map(({ generation }) => generation)).toEqual([1, 1, 1]);
  const messages = operator.queueFront.calls.filter(({ operation }) => operation === 'SendMessage');
  expect(new Set(messages.map(({ input }) => input.MessageGroupId))).toEqual(new Set(['acme']));
});

test('what was accepted days ago, and replayed since, is released too', async () => {
  operator.world.nowMs = NOW - 6 * 24 * 3600_000;
  const [id = ''] = await operator.webhooks([PARKED]);
  operator.world.nowMs = NOW;
  await run('resume', 'acme');
  expect(await operator.sentIds()).toEqual([id]);
});

test('--no-release: what is parked waits, and nothing is waited for', async () => {
  const [id = ''] = await operator.webhooks([PARKED]);
  expect(await run('resume', 'acme', '--no-release')).toBe(0);
  expect(operator.world.deployed()).toMatchObject({ integrations: [{ id: 'acme', paused: false }, {}] });
  expect([await stateOf(id), await operator.sent()]).toEqual(['parked', []]);
  expect(operator.world.nowMs).toBe(NOW);
});

test('nothing parked: says so, 0', async () => {
  await operator.webhooks([DEAD]);
  expect(await run('resume', 'acme')).toBe(0);
  expect(operator.world.printed()).toMatch(/\nNothing is parked that may go\.$/);
  expect(await operator.sent()).toEqual([]);
});

describe('resume --all', () => {
  test('the entries stay as they are, and only what nobody but the pause kept is released', async () => {
    await run('pause', 'globex');
    await run('pause', '--all');
    expect(operator.world.deployed()).toEqual({ integrations: [ACME, { ...GLOBEX, paused: true }], paused: true });
    const [rests = '', asleep = '', gone = '', failing = ''] = await operator.webhooks([PARKED, ASLEEP, GONE, FAILING]);
    const [paused = ''] = await operator.webhooks([PARKED], 'globex');
    expect(await run('resume', '--all')).toBe(0);
    expect(operator.world.deployed()).toEqual({ integrations: [ACME, { ...GLOBEX, paused: true }], paused: false });
    expect(await operator.sentIds()).toEqual([rests, asleep].toSorted());
    expect(await Promise.all([gone, failing, paused].map(stateOf))).toEqual(['parked', 'parked', 'parked']);
  });

  test('each integration has its own pace, side by side', async () => {
    await run('pause', '--all');
    const acme = await operator.webhooks([PARKED, PARKED, PARKED]);
    const globex = await operator.webhooks([PARKED, PARKED, PARKED], 'globex');
    const resumedMs = operator.world.nowMs;
    expect(await run('resume', '--all')).toBe(0);
    expect(operator.world.printed()).toMatch(/\nacme +3 +60 +2 s\nglobex +3 +600 +0\.2 s\nreleased 6 of 6$/);
    expect(await releasedAfter(acme, resumedMs)).toEqual([15_000, 16_000, 17_000]);
    expect(await releasedAfter(globex, resumedMs)).toEqual([15_000, 15_100, 15_200]);
  });

  test('where nothing is paused together nothing is deployed, and what is left is released at once', async () => {
    const [id = ''] = await operator.webhooks([PARKED]);
    const versions = operator.world.versions();
    expect(await run('resume', '--all')).toBe(0);
    expect(operator.world.versions()).toBe(versions);
    expect(operator.world.printed()).toContain('nothing to do: all integrations: not paused together');
    expect(await releasedAfter([id], NOW)).toEqual([0]);
  });
});

describe('nothing goes, and why is told', () => {
  test.each([
    [
      { integrations: [ACME], paused: true },
      'All integrations are paused together, and stay so: "./ltw integration resume --all --stage local" ends it.',
    ],
    [{ integrations: [{ ...ACME, active: false }] }, 'Integration acme is not active, and gets nothing.'],
  ])('%j', async (document, why) => {
    operator.world.deploy(document);
    const [id = ''] = await operator.webhooks([PARKED]);
    expect(await run('resume', 'acme')).toBe(0);
    expect(operator.world.printed()).toContain(why);
    expect([await stateOf(id), await operator.sent()]).toEqual(['parked', []]);
  });

  test('where the ledger does not answer', async () => {
    const denied = { __type: 'AccessDeniedException', message: 'no such permission' };
    operator.front.decide(() => ({ status: 400, answer: denied }));
    const message = 'AWS denies it to you: no such permission';
    await expect(run('resume', 'acme')).rejects.toMatchObject({ name: 'CommandFailed', message });
    expect(operator.world.printed()).toContain('done: resume integration acme');
  });
});
