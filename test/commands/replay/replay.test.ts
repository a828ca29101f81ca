import { describe, expect, test } from '@jest/globals';
import { runProgram } from '../../../commands/main.ts';
import { interruptionBy } from '../../../commands/shared/interruption.ts';
import { eachTest } from '../../support/each-test.ts';
import { NOW } from '../../support/factories.ts';
import { DEAD, DELIVERED, PARKED, SCHEDULED } from '../ledger/ledger-operator.ts';
import { startReplayOperator } from './replay-operator.ts';

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

describe('a filter', () => {
  test('what it finds goes out: the same delivery in a new generation, in its integration’s group', async () => {
    const [dead = ''] = await operator.deliveries([DEAD, DELIVERED]);
    await operator.delivery({ integration_id: 'globex' }, DEAD);
    operator.world.answers.push('y');
    expect(await operator.replay('--integration', 'acme')).toBe(0);
    expect(operator.world.questions).toEqual(['Replay 1 delivery of stage local, 10 a second, in about 0 s? [y/N] ']);
    expect(operator.world.printed()).toBe(`integration  state  deliveries
acme         dead   1
replayed 1 of 1`);
    expect(await operator.sent()).toMatchObject([{ webhook_id: dead, generation: 1 }]);
    const messages = operator.queueFront.calls.filter(({ operation }) => operation === 'SendMessage');
    expect(messages).toMatchObject([{ input: { MessageGroupId: 'acme' } }]);
    expect(await operator.table.record(dead)).toMatchObject({ state: 'accepted', generation: 1 });
  });

  test('every option narrows it down; a dry run and a no change nothing', async () => {
    const gone = { ...DEAD, progress: { outcome: 'dead', reason: 'HTTP 410' } } as const;
    at(50);
    await operator.deliveries([gone]);
    at(2);
    const recent = await operator.deliveries([DEAD, DELIVERED]);
    at(0);
    await operator.delivery({ integration_id: 'globex' }, DEAD);
    const both = ['--state', 'dead', '--state', 'delivered'];
    expect(await changingNothing('--all', ...both, '--dry-run')).toBe(0);
    expect(operator.world.questions).toEqual([]);
    expect(operator.world.printed()).toBe(`integration  state      deliveries
acme         dead       2
acme         delivered  1
globex       dead       1
4 deliveries of stage local would be replayed: a dry run, nothing is changed`);
    operator.world.answers.push('n');
    expect(await changingNothing('--error', '410', '--until', '1h', '--rate', '1')).toBe(1);
    expect(operator.world.questions).toEqual(['Replay 1 delivery of stage local, 1 a second, in about 0 s? [y/N] ']);
    expect(operator.world.printed()).toMatch(/nothing is changed/);
    expect(await operator.replay('--integration', 'acme', ...both, '--since', '3h', '--yes')).toBe(0);
    expect(await operator.sentIds()).toEqual(recent.toSorted());
  });

  test('by a reason finds those that failed alike, and takes a reason or its pattern', async () => {
    const deadWith = (reason: string) => ({ ...DEAD, progress: { outcome: 'dead', reason } }) as const;
    await operator.deliveries([
      deadWith('3 attempts failed, the last with: HTTP 503'),
      deadWith('8 attempts failed, the last with: HTTP 503'),
      deadWith('8 attempts failed, the last with: HTTP 500'),
      deadWith('-x \'"$(reboot)` <script>\u202e'),
    ]);
    for (const reason of [
      '<number> attempts failed, the last with: HTTP 503',
      '8 attempts failed, the last with: HTTP 503',
    ]) {
      expect(await changingNothing('--error-like', reason, '--dry-run')).toBe(0);
      expect(operator.world.printed()).toMatch(/2 deliveries of stage local would be replayed: a dry run[^\n]*$/);
    }
    expect(await changingNothing('--error-like=-x \'"$(reboot)` <script>?', '--dry-run')).toBe(0);
    expect(operator.world.printed()).toMatch(/\n1 delivery of stage local would be replayed: a dry run[^\n]*$/);
    await expect(operator.replay('--error-like', ' ')).rejects.toMatchObject({ name: 'UsageError' });
  });

  test('stops while it searches, and changes nothing', async () => {
    await operator.deliveries([DEAD]);
    const { context } = operator.world;
    const interrupted = { ...context, noteInterruption: () => interruptionBy(AbortSignal.abort()) };
    expect(await runProgram(['replay', '--all', '--yes'], interrupted)).toBe(1);
    expect(operator.world.printed()).toBe('stopped while it searched: nothing is changed');
    expect(await operator.sent()).toEqual([]);
  });

  test('that finds nothing says so; an unknown integration is an error', async () => {
    expect(await changingNothing('--integration', 'acme', '--state', 'parked')).toBe(0);
    expect(operator.world.printed()).toMatch(/^no delivery of stage local fits: nothing to replay/);
    await expect(operator.replay('--integration', 'acne')).rejects.toMatchObject({
      ...{ name: 'CommandFailed', message: 'no integration has the id acne: there are acme' },
    });
  });

  test('leaves out deliveries whose payload is not held any more', async () => {
    at(50);
    await operator.deliveries([DEAD]);
    at(0);
    await operator.deliveries([DEAD]);
    at(-6 * 24);
    expect(await changingNothing('--all', '--since', '400d', '--dry-run')).toBe(0);
    expect(operator.world.printed()).toContain('\n1 delivery of stage local would be replayed');
    at(-8 * 24);
    expect(await changingNothing('--all', '--yes')).toBe(0);
    expect(operator.world.printed()).toMatch(/no delivery of stage local fits: .* 7 days/);
  });
});

describe('by their ids', () => {
  test('one is replayed without a question, in whatever state it is; of several, each goes out once', async () => {
    const [delivered = '', parked = '', scheduled = '', dead = ''] = await operator.deliveries([
      ...[DELIVERED, PARKED, SCHEDULED, DEAD],
    ]);
    for (const id of [delivered, parked]) expect(await operator.replay(id)).toBe(0);
    expect(operator.world.questions).toEqual([]);
    operator.world.answers.push('y');
    expect(await operator.replay(scheduled, dead.slice(0, 11), scheduled)).toBe(0);
    expect(operator.world.questions).toEqual([expect.stringMatching(/^Replay 2 deliveries of stage local, /)]);
    expect(await operator.sentIds()).toEqual([delivered, parked, scheduled, dead].toSorted());
  });

  test('an unknown one is an error, and nothing is replayed', async () => {
    const [known = ''] = await operator.deliveries([DEAD]);
    for (const [unknown, message] of [
      [[UNKNOWN], `no delivery has the id ${UNKNOWN}: nothing is replayed`],
      [['wh_1', UNKNOWN], `no deliveries have the ids wh_1, ${UNKNOWN}: nothing is replayed`],
    ] as const) {
      const replayed = changingNothing(known, ...unknown, '--yes');
      await expect(replayed).rejects.toMatchObject({ name: 'CommandFailed', message });
    }
    expect(await operator.table.record(known)).toMatchObject({ state: 'dead' });
    expect(await operator.sent()).toEqual([]);
  });

  test('one that is in flight already is left alone, and is no failure', async () => {
    const { webhook_id: unclaimed } = await operator.accept({ event_id: '1' });
    const { webhook_id: claimed } = (await operator.claim(await operator.accept({ event_id: '2' }))).delivery;
    const [dead = ''] = await operator.deliveries([DEAD]);
    expect(await changingNothing(unclaimed, claimed)).toBe(0);
    expect(operator.world.printed()).toMatch(/\nreplayed 0 of 2\n2 skipped, in flight: .*\n {2}wh_.*\n {2}wh_[^\n]*$/);
    await changingNothing(unclaimed, claimed, dead, '--dry-run');
    expect(operator.world.printed()).toMatch(/\n1 delivery of stage local would be replayed: a dry run[^\n]*$/);
    expect(operator.world.questions).toEqual([]);
  });

  test('one whose payload is deleted: 1, and it stays as it is', async () => {
    const [id = ''] = await operator.deliveries([DEAD]);
    await operator.table.forget(id);
    expect(await changingNothing(id)).toBe(1);
    expect(operator.world.printed()).toMatch(/\nreplayed 0 of 1\n1 not sent: the payload is deleted\n {2}wh_/);
  });
});

test('the rate is kept, and a bar shows how far it is', async () => {
  const ids = await operator.deliveries([DEAD, DEAD, DEAD, DEAD, DEAD]);
  expect(await operator.replay('--all', '--yes', '--rate', '2')).toBe(0);
  const reopened = await Promise.all(ids.map((id) => operator.table.record(id)));
  const after = reopened.map((record) => Date.parse(record?.times.accepted ?? '') - NOW).toSorted((a, b) => a - b);
  expect(after).toEqual([0, 500, 1000, 1500, 2000]);
  expect(operator.world.drawn()).toContain('\r[########            ] 2 of 5  4.0/s');
  expect(operator.world.drawn()).toMatch(/\r\[#{20}\] 5 of 5 [^\r]*\n$/);
  // From then on Ctrl-C ends the process at once.
  expect(process.listenerCount('SIGINT')).toBe(0);
});

test('the ledger’s response is lost: the write is known as its own, and the delivery goes out', async () => {
  const [id] = await operator.deliveries([DEAD]);
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

test('the ledger denies it, from the first call or in the middle: what is done, and what is left', async () => {
  await operator.deliveries([DEAD, DEAD]);
  const answer = { __type: 'AccessDeniedException', message: 'not any more' };
  operator.world.onSleep = () => operator.front.behave({ status: 400, answer });
  expect(await operator.replay('--all', '--yes', '--rate', '1')).toBe(1);
  expect(operator.world.printed()).toMatch(
    /\nreplayed 1 of 2\n1 not begun,.*\nIt ended early: AWS denies the call: not any more$/,
  );
  const failure = { name: 'CommandFailed', message: 'AWS denies the call: not any more' };
  await expect(operator.replay('--all')).rejects.toMatchObject(failure);
  await expect(operator.replay(UNKNOWN)).rejects.toMatchObject(failure);
});
