import { describe, expect, test } from '@jest/globals';
import type { LedgerRecord } from '../../../lambdas/ledger/record.ts';
import { reopened } from '../../../lambdas/ledger/transitions.ts';
import { eachTest } from '../../support/each-test.ts';
import { LEARNER_DATA, NOT_ENRICHED, NOW, PENDING } from '../../support/factories.ts';
import { DEAD, DELIVERED, PARKED, SCHEDULED, startLedgerOperator } from './ledger-operator.ts';

const operator = eachTest(startLedgerOperator);

const facts = () => operator.facts();

/** A webhook whose record is changed by hand. */
async function changed(change: Partial<LedgerRecord>): Promise<string> {
  const id = await operator.webhook({ event_id: 'changed' }, SCHEDULED);
  const record = await operator.table.record(id);
  if (record === undefined) throw new Error('there is no record');
  await operator.table.overwrite({ ...record, ...change });
  return id;
}

test('one that was delivered: what it is, what became of it, every try, all times, and how to send it again', async () => {
  const delivery = await operator.accept();
  operator.world.nowMs += 2_000;
  const hold = await operator.claim(delivery);
  operator.world.nowMs += 1_500;
  await operator.leave(hold, DELIVERED);
  const id = delivery.webhook_id;
  expect(await operator.run('show', id)).toBe(0);
  expect(operator.world.printed()).toBe(`webhook        ${id}
event          course_completion event-1 of integration acme
learner        42, course course-v1:Org+Course+Run, enterprise 7d2c1b3a-0000-4000-8000-000000000001
occurred       2026-01-15T11:59:58Z
accepted       2026-01-15T12:00:00Z
state          delivered since 2026-01-15T12:00:03Z: the partner has it
reason         HTTP 200
learning time  18,540 s (5.2 h) by 2026-01-10, from the warehouse
payload        held until 2026-02-14T12:00:00Z; --payload prints it
next           ./ltw replay ${id} --stage local   sends it again

attempts: 1 in this generation; the last ones of all
at                    answer    took    result
2026-01-15T12:00:03Z  HTTP 200  120 ms  delivered

state       entered last
accepted    2026-01-15T12:00:00Z
delivering  2026-01-15T12:00:02Z
delivered   2026-01-15T12:00:03Z`);
});

test('by integration and event id it is the same', async () => {
  const id = await operator.webhook({ integration_id: 'globex', event_id: 'e-9' }, DELIVERED);
  expect(await operator.run('show', '--integration', 'globex', '--event-id', 'e-9')).toBe(0);
  expect(facts().webhook).toBe(id);
});

describe('in each state it says who carries it, and what can be done', () => {
  test('accepted', async () => {
    const { webhook_id } = await operator.accept();
    await operator.run('show', webhook_id);
    expect(facts()).toMatchObject({
      state: 'accepted since 2026-01-15T12:00:00Z: nobody has begun to send it',
      'carried by': 'a message on its way to the first try, or an execution that asks for the learning time',
      'learning time': 'not known here yet',
      next: 'it is on its way; if it stays here: ./ltw reconcile --stage local',
    });
    expect(operator.world.printed()).not.toContain('attempts: ');
  });

  test('delivering, and delivering by somebody who did not come back', async () => {
    const { delivery } = await operator.claim(await operator.accept());
    await operator.run('show', delivery.webhook_id);
    expect(facts()).toMatchObject({
      state: 'delivering since 2026-01-15T12:00:00Z: a function has begun to send it',
      'carried by': 'a function, until 2026-01-15T12:01:00Z at the latest; its log stream is 2026/01/15/[7]abc',
    });
    operator.world.nowMs += 60_001;
    await operator.run('show', delivery.webhook_id);
    expect(operator.world.printed()).toContain(
      'nobody: the function that had it until 2026-01-15T12:01:00Z has not come back; its log stream is 2026/01/15/[7]abc',
    );
    expect(operator.world.printed()).toContain('./ltw reconcile --stage local   resends it');
  });

  test('scheduled: an execution, or a message', async () => {
    const id = await operator.webhook({}, SCHEDULED);
    await operator.run('show', id);
    expect(facts()).toMatchObject({
      due: '2026-01-15T12:01:00Z',
      'carried by': `the execution arn:aws:states:us-east-1:000000000000:execution:retry:${id}-g0-a1`,
      next: `./ltw replay ${id} --stage local   sends it at once`,
    });
    await operator.run('show', await changed({ token: 'g0-d1-m' }), '--json');
    expect(operator.world.printed()).toContain('"carried_by":{"kind":"message"}');
  });

  test('parked: in an execution that sleeps, or at rest here', async () => {
    const id = await operator.webhook({}, PARKED);
    await operator.run('show', id);
    expect(facts()).toMatchObject({
      parked: 'the integration is paused, since 2026-01-15T12:00:00Z; given up after 2026-01-18T12:00:00Z',
      'carried by': 'the ledger itself: it rests here until somebody releases it',
      next: './ltw integration resume acme --stage local   releases what is parked',
    });
    const asleep = await changed({ state: 'parked', token: 'g0-a1', parked_for: 'gone' });
    await operator.run('show', asleep);
    expect(operator.world.printed()).toContain(`execution:retry:${asleep}-g0-a1\n`);
  });

  test('dead, with how the partner refused it: what it said, with the payload only', async () => {
    const attempt = {
      ...{ at: '2026-01-15T12:00:00.000Z', status: 404, duration_ms: 120, error: 'HTTP 404' },
      ...{ content_type: 'application/json', body_bytes: 26 },
    };
    const id = await operator.webhook({}, { ...DEAD, attempt, responseStart: '{"error":"no such course"}' });
    await operator.run('show', id);
    expect(facts()).toMatchObject({ state: 'dead since 2026-01-15T12:00:00Z: it was given up', reason: 'HTTP 404' });
    expect(facts()).not.toHaveProperty('carried by');
    expect(facts()).toMatchObject({ response: 'the last refusal is held as long; --payload prints it' });
    expect(operator.world.printed()).toContain('HTTP 404, with 26 bytes of application/json');
    expect(operator.world.printed()).not.toContain('no such course');
    await operator.run('show', id, '--json');
    expect(operator.world.printed()).toContain('"is_response_held":true');
    expect(operator.world.printed()).not.toContain('no such course');
    await operator.run('show', id, '--payload');
    expect(operator.world.printed()).toContain('\n\nthe partner’s last refusal begins\n{"error":"no such course"}');
  });

  test('replayed, and on the deliveries queue', async () => {
    const id = await operator.webhook({}, DEAD);
    const record = await operator.table.record(id);
    await operator.table.replace(reopened(record as LedgerRecord, 'replay', NOW) as LedgerRecord);
    await operator.run('show', id);
    expect(facts()).toMatchObject({
      generation: '1: resent so often',
      'carried by': 'a message of the deliveries queue',
    });
    expect(operator.world.printed()).toContain('attempts: 0 in this generation');
  });
});

test.each([
  [NOT_ENRICHED, 'none: the warehouse has none'],
  [{ ...PENDING, attempts: 3 }, 'not known yet: 3 failed so far, the first at 2026-01-15T12:00:00Z'],
])('learning time %j', async (enrichment, words) => {
  await operator.run('show', await changed({ enrichment }));
  expect(facts()['learning time']).toBe(words);
});

describe('the payload', () => {
  test('is printed where it is asked for, and nowhere else', async () => {
    const id = await operator.webhook({}, DELIVERED);
    await operator.run('show', id);
    await operator.run('show', id, '--json');
    for (const secret of LEARNER_DATA) expect(operator.world.printed()).not.toContain(secret);
    await operator.run('show', id, '--payload');
    for (const secret of LEARNER_DATA) expect(operator.world.printed()).toContain(secret);
  });

  test('was deleted: the facts are there, and it cannot be sent again', async () => {
    const id = await operator.webhook({}, DEAD);
    const parked = await operator.webhook({ event_id: 'event-2' }, SCHEDULED);
    operator.world.nowMs += 31 * 24 * 3600_000;
    expect(await operator.run('show', id, '--payload')).toBe(0);
    expect(facts()).toMatchObject({
      payload: 'deleted',
      next: 'nothing: without its payload it cannot be sent again',
    });
    expect(facts()).not.toHaveProperty('learner');
    await operator.run('show', parked);
    expect(operator.world.printed()).toContain('it goes on by itself: without its payload');
  });
});

test('as JSON: the record, the event without its payload, and who carries it', async () => {
  const id = await operator.webhook({}, SCHEDULED);
  await operator.run('show', id, '--json');
  expect(operator.document()).toMatchObject({
    stage: 'local',
    webhook_id: id,
    state: 'scheduled',
    since: '2026-01-15T12:00:00.000Z',
    carried_by: { kind: 'execution', execution_arn: expect.stringContaining(id) },
    user_id: '42',
    attempts: [{ at: '2026-01-15T12:00:00.000Z', status: 503, duration_ms: 120, error: 'HTTP 503' }],
    is_payload_held: true,
    payload_held_until: '2026-02-14T12:00:00.000Z',
  });
  expect(operator.document()).not.toHaveProperty('payload');
});

test('an unknown id says so, and how far it remembers; what is no id says what one looks like', async () => {
  await expect(operator.run('show', `wh_${'0'.repeat(40)}`)).rejects.toMatchObject({
    name: 'CommandFailed',
    message: expect.stringMatching(/^the ledger of stage local knows no webhook wh_0{40}: .* in the last 400 days/),
  });
  await expect(operator.run('show', 'wh_1')).rejects.toMatchObject({
    name: 'CommandFailed',
    message: expect.stringMatching(/knows no webhook wh_1: an id is wh_ and 40 hexadecimal digits/),
  });
  await expect(operator.run('show', '--integration', 'acme', '--event-id', 'e-1')).rejects.toThrow(
    'knows no event e-1 of integration acme',
  );
});
