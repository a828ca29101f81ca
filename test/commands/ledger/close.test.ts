import { describe, expect, test } from '@jest/globals';
import { eachTest } from '../../support/each-test.ts';
import { DELIVERED, PARKED, SCHEDULED, startLedgerOperator } from './ledger-operator.ts';

const operator = eachTest(startLedgerOperator);

/** Longer than any lease. */
const LATER_MS = 3600_000;
const SAYS = ['--as', 'delivered', '--reason', 'partner confirms, ticket 4711'];

/** A delivery whose function never said what became of it, and whose payload is gone. */
async function unfinished(eventId: string): Promise<string> {
  const { webhook_id } = (await operator.claim(await operator.accept({ event_id: eventId }))).delivery;
  await operator.table.forget(webhook_id);
  return webhook_id;
}

describe('what looks open for ever', () => {
  test('is closed once the operator confirms, and the ledger stores the reason', async () => {
    const id = await unfinished('1');
    operator.world.nowMs += LATER_MS;
    operator.world.answers.push('yes');
    expect(await operator.run('close', id, ...SAYS)).toBe(0);
    expect(operator.world.questions).toEqual(['Close 1 delivery of stage local as delivered? [y/N] ']);
    expect(operator.world.printed()).toMatch(new RegExp(`\n${id} +closed$`));
    expect(await operator.table.record(id)).toMatchObject({
      ...{ state: 'delivered', reason: 'closed by an operator: partner confirms, ticket 4711' },
      claimed_by: expect.stringMatching(/^close#/),
    });
  });

  test('is unchanged by a dry run, and if the operator does not confirm', async () => {
    const id = await unfinished('1');
    operator.world.nowMs += LATER_MS;
    expect(await operator.run('close', id, ...SAYS, '--dry-run')).toBe(0);
    expect(operator.world.printed()).toContain('would be closed: a dry run, nothing is changed');
    operator.world.answers.push('no');
    expect(await operator.run('close', id, ...SAYS)).toBe(1);
    expect(await operator.table.record(id)).toMatchObject({ state: 'delivering' });
  });

  test('is closed as cancelled where it waits, rests, or was never claimed', async () => {
    const ids = [
      await operator.delivery({ event_id: '1' }, SCHEDULED),
      await operator.delivery({ event_id: '2' }, PARKED),
      (await operator.accept({ event_id: '3' })).webhook_id,
    ];
    const given = ids.map((id) => id.slice(0, 39));
    expect(await operator.run('close', ...given, '--as', 'cancelled', '--reason', 'course is withdrawn', '--yes')).toBe(
      0,
    );
    for (const id of ids) {
      const record = await operator.table.record(id);
      expect(record).toMatchObject({ state: 'cancelled', reason: 'closed by an operator: course is withdrawn' });
      expect(record).not.toHaveProperty('token');
    }
  });
});

test('what has its end, or is in hand, is left as it is', async () => {
  const done = await operator.delivery({ event_id: '1' }, DELIVERED);
  const busy = await unfinished('2');
  expect(await operator.run('close', done, busy, '--as', 'cancelled', '--reason', 'withdrawn', '--yes', '--json')).toBe(
    1,
  );
  expect(operator.document()).toEqual({
    ...{ stage: 'local', is_dry_run: false, as: 'cancelled' },
    deliveries: [
      { webhook_id: done, state: 'delivered', result: 'final' },
      { webhook_id: busy, state: 'delivering', result: 'claimed' },
    ],
  });
  expect(operator.world.questions).toEqual([]);
  expect(await operator.table.record(done)).toMatchObject({ state: 'delivered', reason: 'HTTP 200' });
});

test('where one is unknown, nothing is changed', async () => {
  const { webhook_id } = await operator.accept({ event_id: '1' });
  const unknown = `wh_${'0'.repeat(40)}`;
  await expect(operator.run('close', webhook_id, unknown, ...SAYS, '--yes')).rejects.toThrow(
    `the ledger of stage local does not know ${unknown}: nothing is changed`,
  );
  expect(await operator.table.record(webhook_id)).toBeUndefined();
});
