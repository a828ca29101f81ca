import { describe, expect, jest, test } from '@jest/globals';
import type { Context } from '../../../commands/context.ts';
import { replay } from '../../../commands/replay.ts';
import { eachTest } from '../../support/each-test.ts';
import { NOW } from '../../support/factories.ts';
import { DEAD, SCHEDULED } from '../ledger/ledger-operator.ts';
import { startReplayOperator } from './replay-operator.ts';

// Every question asks the table’s sixteen partitions of a day: on a busy machine that takes seconds.
jest.setTimeout(20_000);

const operator = eachTest(startReplayOperator);

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

test('Ctrl-C: those at hand are on their way, the rest is as it was, and the same command finds it', async () => {
  const ids = await operator.webhooks([DEAD, DEAD, DEAD]);
  operator.world.onSleep = () => void process.emit('SIGINT');
  expect(await operator.replay('--all', '--yes', '--rate', '1')).toBe(1);
  expect(operator.world.printed()).toMatch(
    /\nreplayed 1 of 3\n2 not begun, and as they were: the same command finds them$/,
  );
  expect(process.listenerCount('SIGINT')).toBe(0);
  const first = await operator.sentIds();
  const records = await operator.table.records(ids);
  const dead = [...records.values()].filter(({ state }) => state === 'dead');
  expect(dead.map(({ generation }) => generation)).toEqual([0, 0]);
  operator.world.onSleep = () => {};
  expect(await operator.replay('--all', '--yes')).toBe(0);
  expect([...first, ...(await operator.sentIds())].toSorted()).toEqual(ids.toSorted());
});

test('whatever left its state before its turn is skipped: somebody else was faster', async () => {
  const [first = '', second = ''] = await operator.webhooks([SCHEDULED, SCHEDULED]);
  const before = await operator.table.record(second);
  const { context } = operator.world;
  const sleep: Context['sleep'] = async (durationMs) => {
    await context.sleep(durationMs);
    if (before !== undefined) await operator.table.replace({ ...before, state: 'dead', version: before.version + 1 });
  };
  expect(await replay([first, second, '--yes', '--rate', '1'], { ...context, sleep })).toBe(0);
  expect(operator.world.printed()).toContain(`\n1 skipped, changed meanwhile: somebody else was faster\n  ${second}`);
  expect(await operator.sentIds()).toEqual([first]);
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

describe('in words, status 1', () => {
  test('the ledger stops to answer: what is done, and what is left', async () => {
    await operator.webhooks([DEAD, DEAD]);
    const denied = { __type: 'AccessDeniedException', message: 'not any more' };
    operator.world.onSleep = () => operator.front.decide(() => ({ status: 400, answer: denied }));
    expect(await operator.replay('--all', '--yes', '--rate', '1')).toBe(1);
    expect(operator.world.printed()).toMatch(
      /\nreplayed 1 of 2\n1 not begun,.*\nIt ended early: AWS denies it to you: not any more$/,
    );
  });

  test('the queue takes nothing: what was reopened is named', async () => {
    const [id] = await operator.webhooks([DEAD]);
    await operator.dropQueue();
    expect(await operator.replay('--all', '--yes')).toBe(1);
    expect(operator.world.printed()).toMatch(
      new RegExp(`\\nreplayed 0 of 1\\n1 not sent: the queue refused it, .*\\n  ${id}\\nIt ended early: AWS refuses `),
    );
  });
});
