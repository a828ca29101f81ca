import { describe, expect, test } from '@jest/globals';
import { timerKey, webhookId } from '../../../lambdas/events/identity.ts';
import type { LedgerRecord } from '../../../lambdas/ledger/record.ts';
import type { Timer } from '../../../lambdas/ledger/timer.ts';
import { eachTest } from '../../support/each-test.ts';
import { NOW } from '../../support/factories.ts';
import { leadSubject, startLedgerOperator } from './ledger-operator.ts';

const operator = eachTest(startLedgerOperator);

async function shown(webhookId: string): Promise<Record<string, string>> {
  await operator.run('show', webhookId);
  return operator.facts();
}

const LATER = webhookId('acme', 'later');

/** Its user's timer, as another event or another publication of it left it. */
const putTimer = (timer: Partial<Timer>) =>
  operator.table.putTimer({
    ...{ key: timerKey('acme', 'lead', '42'), webhook_id: LATER, integration_id: 'acme', generation: 0 },
    latest_at: new Date(NOW).toISOString(),
    ...timer,
  });

describe('a lead that waits for its moment', () => {
  test('says so, of which kind it is, and until when', async () => {
    const id = await operator.lead({ event_id: 'lead-1' });
    expect(await shown(id)).toEqual({
      webhook: id,
      event: 'lead.calculated lead-1 of integration acme',
      user: '42',
      occurred: '2026-01-15T11:59:58Z',
      accepted: '2026-01-15T12:00:00Z',
      state:
        'scheduled since 2026-01-15T12:00:00Z: it waits for its moment, and a later event of its user takes its place',
      due: '2026-01-15T13:00:00Z',
      'carried by': `the execution arn:aws:states:us-east-1:000000000000:execution:retry:${id}-g0`,
      'learning time': 'none: the event is no completion',
      payload: 'held until 2026-02-14T12:00:00Z; --payload prints it',
      next: `./ltw replay ${id} --stage local   sends it at once`,
    });
  });

  test('tells beforehand that a later event took its place', async () => {
    const id = await operator.lead({});
    await putTimer({});
    const words = `superseded by a later event of its user: ${LATER}`;
    expect((await shown(id))['on waking']).toBe(`it is not sent: ${words}`);
    await operator.run('show', id, '--json');
    expect(operator.world.printed()).toContain(`"on_waking":{"to":"cancel","reason":"${words}"}`);
  });

  test('tells that it was moved to a later time', async () => {
    const id = await operator.lead({});
    await putTimer({ webhook_id: id, due_at: '2026-01-15T14:30:00.000Z' });
    expect((await shown(id))['on waking']).toBe('it waits on until 2026-01-15T14:30:00Z: it was moved');
    await operator.run('show', id, '--json');
    expect(operator.world.printed()).toContain('"on_waking":{"to":"wait","until":"2026-01-15T14:30:00.000Z"}');
  });

  test('tells that it sleeps in vain, since another generation carries it', async () => {
    const id = await operator.lead({});
    await putTimer({ webhook_id: id, due_at: '2026-01-15T12:30:00.000Z', generation: 1 });
    expect((await shown(id))['on waking']).toBe('it is not sent: it was moved: generation 1 carries it');
  });

  test('whose event is deleted waits on: nobody knows whose it is', async () => {
    const id = await operator.lead({});
    await putTimer({});
    await operator.table.forget(id);
    const facts = await shown(id);
    expect(facts.state).toMatch(/: it waits for its moment, /);
    expect(facts).not.toHaveProperty('on waking');
    expect(facts.next).toBe('it goes on by itself: without its payload it cannot be sent again');
  });

  test('moved to an earlier time, it is in its next generation', async () => {
    const id = await operator.lead({ generation: 1 });
    expect((await shown(id)).generation).toBe('1: resent, or moved, so often');
  });
});

test('a lead that waits for something else says for what', async () => {
  const id = await operator.lead({});
  const record = (await operator.table.record(id)) as LedgerRecord;
  await operator.table.overwrite({ ...record, reason: 'the rate limit of its integration' });
  expect(await shown(id)).toMatchObject({
    state: 'scheduled since 2026-01-15T12:00:00Z: it waits for its next try',
    reason: 'the rate limit of its integration',
  });
});

test('a lead that is sent at once does not wait for a moment', async () => {
  const { send_at, ...hot } = leadSubject({ kind: 'lead.hot' });
  const { webhook_id } = await operator.accept(hot);
  expect(await shown(webhook_id)).toMatchObject({
    event: 'lead.hot event-1 of integration acme',
    state: 'accepted since 2026-01-15T12:00:00Z: nobody has begun to send it',
    'learning time': 'none: the event is no completion',
  });
});

describe('a lead that was cancelled', () => {
  test('says by what', async () => {
    const reason = `superseded by a later event of its user: ${LATER}`;
    const id = await operator.webhook(leadSubject(), { progress: { outcome: 'cancelled', reason } });
    const facts = await shown(id);
    expect(facts).toMatchObject({
      state: 'cancelled since 2026-01-15T12:00:00Z: it waited for its moment, and another took its place',
      reason,
      next: `./ltw replay ${id} --stage local   sends it all the same`,
    });
    expect(facts).not.toHaveProperty('carried by');
  });
});
