import { describe, expect, test } from '@jest/globals';
import { eachTest } from '../../support/each-test.ts';
import { DEAD, DELIVERED } from '../ledger/ledger-operator.ts';
import { startReplayOperator } from '../replay/replay-operator.ts';

const operator = eachTest(startReplayOperator);

/** An id that starts with the same digits as another one's, of the other integration and day. */
const ONE = 'wh_0123456789000000000000000000000000000000';
const OTHER = 'wh_0123456abc000000000000000000000000000000';

async function two(): Promise<void> {
  operator.at(30);
  await operator.webhook({ webhook_id: ONE, event_id: '1' }, DEAD);
  operator.at(0);
  await operator.accept({ webhook_id: OTHER, event_id: '2', integration_id: 'globex' });
}

describe('an id that is cut short', () => {
  test('is found, whether a record or only an event lists it', async () => {
    await two();
    await operator.run('show', ONE.slice(0, 11));
    expect(operator.facts().webhook).toBe(ONE);
    await operator.run('show', OTHER.slice(0, 11));
    expect(operator.facts().webhook).toBe(OTHER);
  });

  test('is taken by replay and close', async () => {
    await two();
    expect(await operator.replay(ONE.slice(0, 11))).toBe(0);
    expect(await operator.sentIds()).toEqual([ONE]);
    const says = ['--as', 'cancelled', '--reason', 'not wanted', '--yes'];
    expect(await operator.run('close', OTHER.slice(0, 39), ONE, ...says)).toBe(0);
    expect(await operator.table.records([ONE, OTHER])).toEqual(
      new Map([ONE, OTHER].map((id) => [id, expect.objectContaining({ state: 'cancelled' })])),
    );
  });

  test('that starts several ids lists these, and nothing is done', async () => {
    await two();
    const failure = { name: 'CommandFailed', message: `wh_012345 is the start of 2 ids:\n  ${ONE}\n  ${OTHER}` };
    await expect(operator.replay('wh_012345')).rejects.toMatchObject(failure);
    await expect(operator.run('show', 'wh_012345')).rejects.toMatchObject(failure);
    expect(await operator.sentIds()).toEqual([]);
  });

  test('that starts none says how far back it looked', async () => {
    await operator.webhook({}, DELIVERED);
    await expect(operator.run('show', 'wh_0000000')).rejects.toMatchObject({
      name: 'CommandFailed',
      message: expect.stringMatching(/in the last 7 days has an id that starts with wh_0000000: /),
    });
  });

  test('shorter than six digits is not looked up', async () => {
    await two();
    await expect(operator.run('show', 'wh_01234')).rejects.toThrow('an id is wh_ and 40 hexadecimal digits');
  });
});

test('a whole id reads no list', async () => {
  await two();
  const before = operator.front.calls.length;
  await operator.run('show', ONE);
  expect(operator.front.calls.slice(before).filter(({ operation }) => operation === 'Query')).toEqual([]);
});
