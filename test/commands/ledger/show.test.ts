import { describe, expect, test } from '@jest/globals';
import { timerKey, webhookId } from '../../../lambdas/events/identity.ts';
import type { LedgerRecord } from '../../../lambdas/ledger/record.ts';
import type { Timer } from '../../../lambdas/ledger/timer.ts';
import { reopened } from '../../../lambdas/ledger/transitions.ts';
import { eachTest } from '../../support/each-test.ts';
import { LEARNER_DATA, NOT_ENRICHED, NOW, PENDING, TRACE } from '../../support/factories.ts';
import { DEAD, DELIVERED, type Left, leadSubject, PARKED, SCHEDULED, startLedgerOperator } from './ledger-operator.ts';

const operator = eachTest(startLedgerOperator);

const facts = () => operator.facts();

async function shown(webhookId: string, ...words: readonly string[]): Promise<Record<string, string>> {
  await operator.run('show', webhookId, ...words);
  return facts();
}

/** A delivery whose record is changed by hand. */
async function changed(change: Partial<LedgerRecord>): Promise<string> {
  const id = await operator.delivery({ event_id: 'changed' }, SCHEDULED);
  const record = await operator.table.record(id);
  if (record === undefined) throw new Error('there is no record');
  await operator.table.overwrite({ ...record, ...change });
  return id;
}

test('one that was delivered: what it is, what became of it, every try, all times, and how to send it again', async () => {
  const delivery = await operator.accept({ traceparent: TRACE.traceparent });
  operator.world.nowMs += 2_000;
  const hold = await operator.claim(delivery);
  operator.world.nowMs += 1_500;
  await operator.leave(hold, DELIVERED);
  const id = delivery.webhook_id;
  expect(await operator.run('show', id)).toBe(0);
  expect(operator.world.printed()).toBe(`delivery       ${id}
event          course_completion event-1 of integration acme
learner        42, course course-v1:Org+Course+Run, enterprise 7d2c1b3a-0000-4000-8000-000000000001
occurred       2026-01-15T11:59:58Z
accepted       2026-01-15T12:00:00Z
trace          ${TRACE.traceparent}
state          delivered since 2026-01-15T12:00:03Z: the partner has it
reason         HTTP 200
learning time  18,540 s (5.2 h) by 2026-01-10, from the warehouse
payload        held until 2026-02-14T12:00:00Z; --payload prints it
next           ./ltw replay ${id} --stage local   sends it again

attempts: 1 in this generation; the last ones of all
at                    response  took    result
2026-01-15T12:00:03Z  HTTP 200  120 ms  delivered

state       entered last
accepted    2026-01-15T12:00:00Z
delivering  2026-01-15T12:00:02Z
delivered   2026-01-15T12:00:03Z`);
});

describe('in each state it says who carries it, and what can be done', () => {
  test('accepted', async () => {
    const { webhook_id } = await operator.accept();
    expect(await shown(webhook_id)).toMatchObject({
      state: 'accepted since 2026-01-15T12:00:00Z: no function has begun to send it',
      'carried by': 'a message on its way to the first attempt, or an execution that reads the learning time',
      'learning time': 'not known here yet',
      next: 'it is on its way; if it stays here: ./ltw reconcile --stage local',
    });
    expect(operator.world.printed()).not.toContain('attempts: ');
  });

  test('delivering, with a current lease and with one that has ended', async () => {
    const { delivery } = await operator.claim(await operator.accept());
    expect(await shown(delivery.webhook_id)).toMatchObject({
      state: 'delivering since 2026-01-15T12:00:00Z: a function has begun to send it',
      'carried by': 'a function, until 2026-01-15T12:01:00Z at the latest; its log stream is 2026/01/15/[7]abc',
    });
    operator.world.nowMs += 60_001;
    expect(await shown(delivery.webhook_id)).toMatchObject({
      'carried by':
        'none: the function that had it until 2026-01-15T12:01:00Z has not settled it; its log stream is 2026/01/15/[7]abc',
      next: expect.stringMatching('^./ltw reconcile --stage local   resends it'),
    });
  });

  test('scheduled: an execution, or a message', async () => {
    const id = await operator.delivery({}, SCHEDULED);
    expect(await shown(id)).toMatchObject({
      due: '2026-01-15T12:01:00Z',
      'carried by': `the execution arn:aws:states:us-east-1:000000000000:execution:retry:${id}-g0-a1`,
      next: `./ltw replay ${id} --stage local   sends it at once`,
    });
    const waits = { state: 'scheduled since 2026-01-15T12:00:00Z: it waits for its next attempt' };
    const onQueue = { ...waits, 'carried by': 'a message of the deliveries queue' };
    expect(await shown(await changed({ token: 'g0-d1-m' }))).toMatchObject(onQueue);
  });

  test('parked: in an execution that sleeps, or at rest here', async () => {
    expect(await shown(await operator.delivery({}, PARKED))).toMatchObject({
      parked: 'the integration is paused, since 2026-01-15T12:00:00Z; dead-lettered after 2026-01-18T12:00:00Z',
      'carried by': 'the ledger alone, until it is released',
      next: './ltw integration resume acme --stage local   releases what is parked',
    });
    const asleep = await changed({ state: 'parked', token: 'g0-a1', parked_for: 'gone' });
    expect((await shown(asleep))['carried by']).toMatch(`execution:retry:${asleep}-g0-a1`);
  });

  test('dead, with how the partner refused it: what it said, with the payload only', async () => {
    const attempt = {
      ...{ at: '2026-01-15T12:00:00.000Z', status: 404, duration_ms: 120, error: 'HTTP 404' },
      ...{ content_type: 'application/json', body_bytes: 26 },
    };
    const id = await operator.delivery({}, { ...DEAD, attempt, responseStart: '{"error":"no such course"}' });
    expect(await shown(id)).toMatchObject({
      ...{ state: 'dead since 2026-01-15T12:00:00Z: it was dead-lettered', reason: 'HTTP 404' },
      response: 'the last refusal is held as long; --payload prints it',
    });
    expect(facts()).not.toHaveProperty('carried by');
    expect(operator.world.printed()).toContain('HTTP 404, with 26 bytes of application/json');
    expect(operator.world.printed()).not.toContain('no such course');
    await operator.run('show', id, '--json');
    expect(operator.world.printed()).toContain('"is_response_held":true');
    expect(operator.world.printed()).not.toContain('no such course');
    await operator.run('show', id, '--payload');
    expect(operator.world.printed()).toContain('\n\nthe partner’s last refusal begins\n{"error":"no such course"}');
  });

  test('replayed, and on the deliveries queue', async () => {
    const id = await operator.delivery({}, DEAD);
    const record = await operator.table.record(id);
    await operator.table.replace(reopened(record as LedgerRecord, 'replay', NOW) as LedgerRecord);
    expect(await shown(id)).toMatchObject({
      generation: '1: raised by each resend',
      'carried by': 'a message of the deliveries queue',
    });
    expect(operator.world.printed()).toContain('attempts: 0 in this generation');
  });
});

test.each([
  [NOT_ENRICHED, 'none: the warehouse has none'],
  [{ ...PENDING, attempts: 3 }, 'not known yet: 3 attempts failed, the first at 2026-01-15T12:00:00Z'],
])('learning time %j', async (enrichment, words) => {
  expect((await shown(await changed({ enrichment })))['learning time']).toBe(words);
});

describe('the payload', () => {
  test('is printed with its option only', async () => {
    const id = await operator.delivery({}, DELIVERED);
    await shown(id);
    await shown(id, '--json');
    for (const secret of LEARNER_DATA) expect(operator.world.printed()).not.toContain(secret);
    await shown(id, '--payload');
    for (const secret of LEARNER_DATA) expect(operator.world.printed()).toContain(secret);
  });

  test('was deleted: the facts are there, and it cannot be sent again', async () => {
    const id = await operator.delivery({}, DEAD);
    const parked = await operator.delivery({ event_id: 'event-2' }, SCHEDULED);
    operator.world.nowMs += 31 * 24 * 3600_000;
    expect(await shown(id, '--payload')).toMatchObject({
      ...{ payload: 'deleted', next: 'nothing: without its payload it cannot be sent again' },
    });
    expect(facts()).not.toHaveProperty('learner');
    expect((await shown(parked)).next).toMatch(/^it goes on by itself: without its payload/);
  });
});

test('as JSON: the record, the event without its payload, and who carries it', async () => {
  const id = await operator.delivery({}, SCHEDULED);
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

test('by integration and event id, or by the start of its id, it is the same', async () => {
  const id = await operator.delivery({ integration_id: 'globex', event_id: 'e-9' }, DELIVERED);
  expect(await operator.run('show', '--integration', 'globex', '--event-id', 'e-9')).toBe(0);
  expect(facts().delivery).toBe(id);
  const queries = () => operator.front.calls.filter(({ operation }) => operation === 'Query').length;
  // A whole id is looked up by its key.
  expect(queries()).toBe(0);
  expect((await shown(id.slice(0, 11))).delivery).toBe(id);
});

test.each([
  [[`wh_${'0'.repeat(40)}`], /^the ledger of stage local knows no delivery wh_0{40}: .* in the last 400 days/],
  [['wh_1'], /knows no delivery wh_1: an id is wh_ and 40 hexadecimal digits/],
  [['--integration', 'acme', '--event-id', 'e-1'], /knows no event e-1 of integration acme/],
])('%j is unknown', async (words, message) => {
  const failure = { name: 'CommandFailed', message: expect.stringMatching(message) };
  await expect(operator.run('show', ...words)).rejects.toMatchObject(failure);
});

describe('a lead', () => {
  const LATER = webhookId('acme', 'later');
  const SUPERSEDED = `superseded by a later event of its user: ${LATER}`;

  /** Its user's timer, as another event or another publication of it left it. */
  const putTimer = (timer: Partial<Timer>) =>
    operator.table.putTimer({
      ...{ key: timerKey('acme', 'lead', '42'), webhook_id: LATER, integration_id: 'acme', generation: 0 },
      latest_at: new Date(NOW).toISOString(),
      ...timer,
    });

  test('that is scheduled: its kind and its time', async () => {
    const id = await operator.lead({ event_id: 'lead-1', generation: 1 });
    expect(await shown(id)).toEqual({
      delivery: id,
      event: 'lead.calculated lead-1 of integration acme',
      user: '42',
      occurred: '2026-01-15T11:59:58Z',
      accepted: '2026-01-15T12:00:00Z',
      generation: '1: raised by each resend or move',
      state:
        'scheduled since 2026-01-15T12:00:00Z: it waits for its scheduled time, and a later event of its user supersedes it',
      due: '2026-01-15T13:00:00Z',
      'carried by': `the execution arn:aws:states:us-east-1:000000000000:execution:retry:${id}-g0`,
      'learning time': 'none: the event is no completion',
      payload: 'held until 2026-02-14T12:00:00Z; --payload prints it',
      next: `./ltw replay ${id} --stage local   sends it at once`,
    });
  });

  test.each([
    ['a later event took its place', {}, `it is not sent: ${SUPERSEDED}`, { to: 'cancel', reason: SUPERSEDED }],
    [
      'it was moved to a later time',
      { due_at: '2026-01-15T14:30:00.000Z' },
      'it waits on until 2026-01-15T14:30:00Z: it was moved',
      { to: 'wait', until: '2026-01-15T14:30:00.000Z' },
    ],
    [
      'another generation carries it',
      { due_at: '2026-01-15T12:30:00.000Z', generation: 1 },
      'it is not sent: it was moved: generation 1 carries it',
      { to: 'leave', reason: 'it was moved: generation 1 carries it' },
    ],
  ])('tells beforehand that %s', async (_, timer, words, fields) => {
    const id = await operator.lead({});
    await putTimer('due_at' in timer ? { webhook_id: id, ...timer } : timer);
    expect((await shown(id))['when due']).toBe(words);
    await shown(id, '--json');
    expect(operator.world.printed()).toContain(`"when_due":${JSON.stringify(fields)}`);
  });

  test('whose event is deleted waits on: its user is not known any more', async () => {
    const id = await operator.lead({});
    await putTimer({});
    await operator.table.forget(id);
    const { state, next, ...rest } = await shown(id);
    expect(state).toMatch(/: it waits for its scheduled time, /);
    expect(next).toBe('it goes on by itself: without its payload it cannot be sent again');
    expect(rest).not.toHaveProperty('when due');
  });

  test('that waits for something else says for what', async () => {
    const id = await operator.lead({});
    const record = (await operator.table.record(id)) as LedgerRecord;
    await operator.table.overwrite({ ...record, reason: 'the rate limit of its integration' });
    expect(await shown(id)).toMatchObject({
      state: 'scheduled since 2026-01-15T12:00:00Z: it waits for its next attempt',
      reason: 'the rate limit of its integration',
    });
  });

  test('that was cancelled says by what', async () => {
    const id = await operator.delivery(leadSubject(), { progress: { outcome: 'cancelled', reason: SUPERSEDED } });
    expect(await shown(id)).toMatchObject({
      state: 'cancelled since 2026-01-15T12:00:00Z: it is not sent, and the reason says why',
      reason: SUPERSEDED,
      next: `./ltw replay ${id} --stage local   sends it all the same`,
    });
  });
});

describe('the cause', () => {
  const FAILING: Left = {
    progress: { outcome: 'parked', reason: 'parked: integration acme is failing', parked_for: 'failing' },
  };
  const TIMEOUT: Left['attempt'] = { error: 'no response: TIMEOUT' };
  const WAREHOUSE = 'warehouse: 2 attempts failed';
  const gone = { ...FAILING, progress: { ...FAILING.progress, reason: 'parked: HTTP 410, the endpoint is gone' } };

  test.each<[string, Left, Partial<LedgerRecord>, string | undefined, string]>([
    [
      'of a pending look-up',
      SCHEDULED,
      { enrichment: { ...PENDING, attempts: 2 } },
      WAREHOUSE,
      `HTTP 503: ${WAREHOUSE}`,
    ],
    [
      'of one parked for a failing endpoint: its own last error',
      { ...FAILING, attempt: TIMEOUT },
      {},
      'no response: TIMEOUT',
      'parked: integration acme is failing: no response: TIMEOUT',
    ],
    [
      'of one parked for a certificate',
      {
        progress: {
          ...{ outcome: 'parked', parked_for: 'certificate_incomplete' },
          reason: 'parked: the certificate of integration acme is incomplete',
        },
        attempt: { error: 'no response: UNABLE_TO_VERIFY_LEAF_SIGNATURE' },
      },
      {},
      'no response: UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'parked: the certificate of integration acme is incomplete: no response: UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    ],
    ['that the reason has already is not repeated', gone, {}, undefined, 'parked: HTTP 410, the endpoint is gone'],
    ['of a final state: none', DELIVERED, {}, undefined, 'HTTP 200'],
  ])('%s; the same in show, last and list', async (_, left, change, cause, reason) => {
    const id = await operator.delivery({}, left);
    const record = (await operator.table.record(id)) as LedgerRecord;
    await operator.table.overwrite({ ...record, ...change });
    expect((await shown(id)).cause).toBe(cause);
    const last = async (...words: readonly string[]) => {
      await operator.run(...words);
      return operator.world.printed().split('\n').at(-1) ?? '';
    };
    expect(JSON.parse(await last('show', id, '--json')).cause).toBe(cause);
    expect(JSON.parse(await last('last', '--integration', 'acme', '--json')).deliveries[0].cause).toBe(cause);
    expect((await last('list', '--state', record.state)).split(/ {2,}/).at(-1)).toBe(reason);
  });

  test('of one parked without an attempt: the last error of another delivery to the endpoint', async () => {
    for (const [hoursAgo, reason] of [
      [2, 'HTTP 500'],
      [1, 'HTTP 503'],
    ] as const) {
      operator.at(hoursAgo);
      await operator.delivery({ event_id: reason }, { ...SCHEDULED, progress: { ...SCHEDULED.progress, reason } });
    }
    await operator.delivery({ event_id: 'other', integration_id: 'globex' }, { ...SCHEDULED, attempt: TIMEOUT });
    operator.at(0);
    expect((await shown(await operator.delivery({}, FAILING))).cause).toBe('HTTP 503');
  });
});
