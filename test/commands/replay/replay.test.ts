import { beforeEach, describe, expect, test } from '@jest/globals';
import { eachTest } from '../../support/each-test.ts';
import { NOW } from '../../support/factories.ts';
import { DEAD, DELIVERED, PARKED, SCHEDULED } from '../ledger/ledger-operator.ts';
import { startReplayOperator } from './replay-operator.ts';

// Every question asks the table’s sixteen partitions of a day: on a busy machine that takes seconds.

const UNKNOWN = `wh_${'0'.repeat(40)}`;

const operator = eachTest(startReplayOperator);

const at = (hoursAgo: number) => operator.at(hoursAgo);

const writes = () => operator.front.calls.filter(({ operation }) => /Put|Write|Update|Delete/.test(operation));

/** Runs it, and finds that neither the table nor the queue was touched. */
async function changingNothing(...words: readonly string[]): Promise<number> {
  const before = writes().length;
  const status = await operator.replay(...words);
  expect(writes()).toHaveLength(before);
  expect(await operator.sent()).toEqual([]);
  return status;
}

test('what a filter finds goes out: the same webhook in a new generation, in its integration’s group', async () => {
  const [dead = ''] = await operator.webhooks([DEAD, DELIVERED]);
  await operator.webhook({ integration_id: 'globex' }, DEAD);
  operator.world.answers.push('y');
  expect(await operator.replay('--integration', 'acme')).toBe(0);
  expect(operator.world.questions).toEqual(['Replay 1 delivery of stage local, 10 a second, in about 0 s? [y/N] ']);
  expect(operator.world.printed()).toBe(`integration  state  webhooks
acme         dead   1
replayed 1 of 1`);
  expect(await operator.sent()).toMatchObject([{ webhook_id: dead, generation: 1 }]);
  const messages = operator.queueFront.calls.filter(({ operation }) => operation === 'SendMessage');
  expect(messages).toMatchObject([{ input: { MessageGroupId: 'acme' } }]);
  expect(await operator.table.record(dead)).toMatchObject({ state: 'accepted', generation: 1 });
});

describe('a filter', () => {
  let ids: Record<'old' | 'delivered' | 'recent' | 'globex', string>;

  beforeEach(async () => {
    const gone = { ...DEAD, progress: { outcome: 'dead', reason: 'HTTP 410' } } as const;
    at(50);
    const [old = ''] = await operator.webhooks([gone]);
    at(2);
    const [recent = '', delivered = ''] = await operator.webhooks([DEAD, DELIVERED]);
    at(0);
    ids = { old, delivered, recent, globex: await operator.webhook({ integration_id: 'globex' }, DEAD) };
  });

  test.each<readonly [readonly string[], readonly (keyof typeof ids)[]]>([
    [['--all'], ['old', 'recent', 'globex']],
    [
      ['--integration', 'acme', '--state', 'delivered', '--state', 'dead', '--since', '3h'],
      ['recent', 'delivered'],
    ],
    [['--error', '410', '--until', '1h'], ['old']],
  ])('%j', async (words, names) => {
    expect(await operator.replay(...words, '--yes', '--rate', '100')).toBe(0);
    expect(operator.world.questions).toEqual([]);
    expect(await operator.sentIds()).toEqual(names.map((name) => ids[name]).toSorted());
  });

  test('a dry run says how many, by integration and state, asks nothing and changes nothing', async () => {
    const words = ['--all', '--state', 'dead', '--state', 'delivered', '--dry-run'];
    expect(await changingNothing(...words)).toBe(0);
    expect(operator.world.questions).toEqual([]);
    expect(operator.world.printed()).toBe(`integration  state      webhooks
acme         dead       2
acme         delivered  1
globex       dead       1
4 deliveries of stage local would be replayed: a dry run, nothing is changed`);
  });

  test('answered no: nothing is changed, 1', async () => {
    operator.world.answers.push('n');
    expect(await changingNothing('--all', '--rate', '1')).toBe(1);
    expect(operator.world.questions).toEqual(['Replay 3 deliveries of stage local, 1 a second, in about 2 s? [y/N] ']);
    expect(operator.world.printed()).toMatch(/nothing is changed/);
  });

  test('that finds nothing: says so, 0', async () => {
    expect(await changingNothing('--integration', 'acme', '--state', 'parked')).toBe(0);
    expect(operator.world.printed()).toMatch(/^no webhook of stage local fits: nothing to replay/);
  });

  test('whose integration is unknown: told with those there are', async () => {
    await expect(operator.replay('--integration', 'acne')).rejects.toMatchObject({
      ...{ name: 'CommandFailed', message: 'no integration has the id acne: there are acme' },
    });
  });

  test('leaves out what cannot be sent any more, since its payload is held no longer', async () => {
    at(-7 * 24 + 10);
    expect(await changingNothing('--all', '--since', '400d', '--dry-run')).toBe(0);
    expect(operator.world.printed()).toContain('\n2 deliveries of stage local would be replayed');
    at(-8 * 24);
    expect(await changingNothing('--all', '--yes')).toBe(0);
    expect(operator.world.printed()).toMatch(/no webhook of stage local fits: .* 7 days/);
  });
});

describe('by their ids', () => {
  test('one is replayed without a question, in whatever state it is', async () => {
    const ids = await operator.webhooks([DELIVERED, PARKED, SCHEDULED]);
    for (const id of ids) expect(await operator.replay(id)).toBe(0);
    expect(operator.world.questions).toEqual([]);
    expect(await operator.sentIds()).toEqual(ids.toSorted());
  });

  test('of several somebody is asked, and each goes out once', async () => {
    const [one = '', other = ''] = await operator.webhooks([DEAD, DELIVERED]);
    operator.world.answers.push('y');
    expect(await operator.replay(one, other, one)).toBe(0);
    expect(operator.world.questions).toEqual([expect.stringMatching(/^Replay 2 deliveries of stage local, /)]);
    expect(await operator.sentIds()).toEqual([one, other].toSorted());
  });

  test.each([
    [[UNKNOWN], `no webhook has the id ${UNKNOWN}: nothing is replayed`],
    [['wh_1', UNKNOWN], `no webhooks have the ids wh_1, ${UNKNOWN}: nothing is replayed`],
  ])('%j is told, and nothing is replayed', async (unknown, message) => {
    const [known = ''] = await operator.webhooks([DEAD]);
    const before = writes().length;
    await expect(operator.replay(known, ...unknown, '--yes')).rejects.toMatchObject({ name: 'CommandFailed', message });
    await expect(operator.replay(...unknown)).rejects.toMatchObject({ name: 'CommandFailed', message });
    expect({ writes: writes().length, sent: await operator.sent() }).toEqual({ writes: before, sent: [] });
  });

  test('what is in flight already is left alone, and is no failure', async () => {
    const { webhook_id: unclaimed } = await operator.accept({ event_id: '1' });
    const { webhook_id: claimed } = (await operator.claim(await operator.accept({ event_id: '2' }))).delivery;
    const [dead = ''] = await operator.webhooks([DEAD]);
    expect(await changingNothing(unclaimed, claimed)).toBe(0);
    expect(operator.world.printed()).toMatch(/\nreplayed 0 of 2\n2 skipped, in flight: .*\n {2}wh_.*\n {2}wh_[^\n]*$/);
    await changingNothing(unclaimed, claimed, dead, '--dry-run');
    expect(operator.world.printed()).toMatch(/\n1 delivery of stage local would be replayed: a dry run[^\n]*$/);
    expect(operator.world.questions).toEqual([]);
  });

  test('one whose payload is deleted: 1, and it stays as it is', async () => {
    const [id = ''] = await operator.webhooks([DEAD]);
    await operator.table.forget(id);
    expect(await changingNothing(id)).toBe(1);
    expect(operator.world.printed()).toMatch(/\nreplayed 0 of 1\n1 not sent: the payload is deleted\n {2}wh_/);
  });
});

test('the ledger does not answer: in words', async () => {
  const denied = { __type: 'AccessDeniedException', message: 'not authorized to perform: dynamodb:Query' };
  operator.front.decide(() => ({ status: 400, answer: denied }));
  const message = 'AWS denies it to you: not authorized to perform: dynamodb:Query';
  await expect(operator.replay('--all')).rejects.toMatchObject({ name: 'CommandFailed', message });
  await expect(operator.replay(UNKNOWN)).rejects.toMatchObject({ name: 'CommandFailed', message });
});

test('the rate is kept, and a bar shows how far it is', async () => {
  const ids = await operator.webhooks([DEAD, DEAD, DEAD, DEAD, DEAD]);
  expect(await operator.replay('--all', '--yes', '--rate', '2')).toBe(0);
  const reopened = await Promise.all(ids.map((id) => operator.table.record(id)));
  const after = reopened.map((record) => Date.parse(record?.times.accepted ?? '') - NOW).toSorted((a, b) => a - b);
  expect(after).toEqual([0, 500, 1000, 1500, 2000]);
  expect(operator.world.drawn()).toContain('\r[########            ] 2 of 5  4.0/s');
  expect(operator.world.drawn()).toMatch(/\r\[#{20}\] 5 of 5 [^\r]*\n$/);
  // From then on Ctrl-C ends the process at once.
  expect(process.listenerCount('SIGINT')).toBe(0);
});

test('the ledger’s answer is lost on its way: the write is known as its own, and the webhook goes out', async () => {
  const [id] = await operator.webhooks([DEAD]);
  let isLost = false;
  operator.front.decide(({ operation }) => {
    if (isLost || operation !== 'PutItem') return 'pass';
    isLost = true;
    return 'lose';
  });
  expect(await operator.replay('--all', '--yes')).toBe(0);
  expect(operator.world.printed()).toMatch(/\nreplayed 1 of 1$/);
  expect(isLost).toBe(true);
  expect(await operator.sentIds()).toEqual([id]);
});

test('the ledger stops to answer: what is done, and what is left', async () => {
  await operator.webhooks([DEAD, DEAD]);
  const denied = { __type: 'AccessDeniedException', message: 'not any more' };
  operator.world.onSleep = () => operator.front.decide(() => ({ status: 400, answer: denied }));
  expect(await operator.replay('--all', '--yes', '--rate', '1')).toBe(1);
  expect(operator.world.printed()).toMatch(
    /\nreplayed 1 of 2\n1 not begun,.*\nIt ended early: AWS denies it to you: not any more$/,
  );
});
