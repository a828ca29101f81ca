import { expect, test } from '@jest/globals';
import { eventOf } from '../../../lambdas/ledger/transitions.ts';
import { eachTest } from '../../support/each-test.ts';
import { NOW, PAYLOAD, subject } from '../../support/factories.ts';
import { DEAD, DELIVERED, PARKED, SCHEDULED, startLedgerOperator } from './ledger-operator.ts';

const operator = eachTest(startLedgerOperator);

const isHeld = async (id: string) => (await operator.table.event(id)) !== undefined;

test('events and responses of one learner are deleted once the operator confirms; the facts stay', async () => {
  const theirs = await operator.delivery({ event_id: '1' }, DELIVERED);
  const refused = await operator.delivery(
    { event_id: '2' },
    { ...DEAD, responseStart: 'unknown: learner@example.com' },
  );
  const others = await operator.delivery({ event_id: '3', user_id: '421' }, DELIVERED);
  operator.world.answers.push('yes');
  expect(await operator.run('forget', '--user-id', '42')).toBe(0);
  expect(operator.world.questions).toEqual([
    'Delete 2 events of stage local, with the partners’ responses, for good? [y/N] ',
  ]);
  const printed = operator.world.printed();
  expect(printed).toMatch(/^2 events of that learner, accepted from 2026-01-15T12:00:00Z to 2026-01-15T12:00:00Z\n/);
  expect(printed).toMatch(/\nacme +dead +1\nacme +delivered +1\n/);
  expect(printed).not.toContain('Not final yet');
  expect(printed).toMatch(/\ndeleted 2 events$/);
  expect([await isHeld(theirs), await isHeld(refused), await isHeld(others)]).toEqual([false, false, true]);
  expect(await operator.table.response(refused)).toBeUndefined();
  expect(await operator.table.record(theirs)).toMatchObject({ state: 'delivered' });
});

test('always says what it does not reach, and until when that stays', async () => {
  await operator.run('forget', '--user-id', '42');
  const printed = operator.world.printed();
  expect(printed).toMatch(/^none: the ledger of stage local holds no such event\n/);
  expect(printed).toContain('What this does not reach:');
  // 16 days of an execution, and 90 after its end.
  expect(printed).toMatch(/\nexecution histories +2026-05-01 +90 days after an execution ends/);
  expect(printed).toMatch(/\ndead-letter queues +2026-01-29 +14 days/);
  expect(printed).toMatch(/\nqueues +2026-01-19 +4 days/);
  expect(printed).toMatch(/\npoint-in-time recovery of the ledger +2026-01-22 +7 days/);
  expect(printed).toMatch(/\nfacts in the ledger +2027-02-19 +400 days/);
  expect(operator.world.questions).toEqual([]);
});

test('names those that are not final; a dry run and a no change nothing', async () => {
  const parked = await operator.delivery({ event_id: '1' }, PARKED);
  const scheduled = await operator.delivery({ event_id: '2' }, SCHEDULED);
  const { webhook_id: accepted } = await operator.accept({ event_id: '3' });
  await operator.delivery({ event_id: '4' }, DELIVERED);
  expect(await operator.run('forget', '--user-id', '42', '--dry-run')).toBe(0);
  expect(operator.world.questions).toEqual([]);
  const printed = operator.world.printed();
  expect(printed).toMatch(/4 events would be deleted: a dry run, nothing is changed$/);
  expect(printed).toContain('Not final yet: 3 events. Deleted, none can be replayed or released any more');
  expect(printed).toMatch(new RegExp(`${parked} +acme +parked +is never delivered then`));
  expect(printed).toMatch(new RegExp(`${scheduled} +acme +scheduled +goes on, with its own copy`));
  expect(printed).toMatch(new RegExp(`${accepted} +acme +accepted +goes on, with its own copy`));
  operator.world.answers.push('n');
  expect(await operator.run('forget', '--user-id', '42')).toBe(1);
  expect([await isHeld(parked), await isHeld(scheduled), await isHeld(accepted)]).toEqual([true, true, true]);
});

test('--containing finds what has no user id: just that text, as JSON holds it; with --user-id, either', async () => {
  const payload = { ...PAYLOAD, user: { id: 'none', email: 'jo"e@example.com', name: 'Zoë Q', motto: '\\o/ back' } };
  const { user_id: _, ...event } = subject({ event_id: '1', payload: JSON.stringify(payload) });
  await operator.table.putEvents([eventOf(event, NOW)]);
  await operator.delivery({ event_id: '2', payload: JSON.stringify(payload) }, DELIVERED);
  await operator.delivery({ event_id: '3', user_id: '7' }, DELIVERED);
  const found = async (...words: readonly string[]) => {
    await operator.run('forget', ...words, '--dry-run', '--json');
    const { deliveries } = JSON.parse(operator.world.printed().split('\n').at(-1) ?? '');
    return deliveries.map(({ webhook_id }: { webhook_id: string }) => webhook_id);
  };
  for (const text of ['jo"e@example.com', 'Zoë Q', '\\o/ back']) {
    expect(await found('--containing', text)).toEqual([event.webhook_id]);
  }
  expect(await found('--user-id', '42', '--containing', 'Zoë Q')).toHaveLength(2);
});

test('as JSON: one document, once it is done', async () => {
  const id = await operator.delivery({}, PARKED);
  await operator.run('forget', '--user-id', '42', '--yes', '--json');
  expect(operator.document()).toMatchObject({
    ...{ stage: 'local', is_dry_run: false, found: 1, deleted: 1 },
    deliveries: [{ webhook_id: id, integration_id: 'acme', state: 'parked', is_only_in_ledger: true }],
    remaining_copies: expect.arrayContaining([
      expect.objectContaining({ what: 'queues', until: '2026-01-19T12:00:00.000Z' }),
    ]),
  });
  expect(await isHeld(id)).toBe(false);
});

test('a table that stops responding midway: reports how many are deleted, and that the others can be found again', async () => {
  for (let event = 0; event < 45; event += 1) {
    operator.world.nowMs = NOW + event;
    await operator.accept({ event_id: `${event}` });
  }
  let deletions = 0;
  operator.front.decide(({ operation }) => {
    deletions += operation === 'BatchWriteItem' ? 1 : 0;
    const denied = { __type: 'com.amazon.coral.service#AccessDeniedException', message: 'no longer' };
    return operation === 'BatchWriteItem' && deletions > 30 ? { status: 400, answer: denied } : 'pass';
  });
  await expect(operator.run('forget', '--user-id', '42', '--yes')).rejects.toMatchObject({
    name: 'CommandFailed',
    message: 'deleted 30 of 45 events, then: AWS denies the call: no longer\nthe same command finds the others',
  });
  operator.front.decide(() => 'pass');
  await operator.run('forget', '--user-id', '42', '--yes');
  expect(operator.world.printed()).toMatch(/deleted 15 events$/);
});
