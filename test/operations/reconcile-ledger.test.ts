import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { deliverySchema } from '../../lambdas/events/delivery.ts';
import { reconcileReportSchema } from '../../lambdas/ledger/reconciliation.ts';
import { DELIVERY_STATES } from '../../lambdas/ledger/record.ts';
import type { Timer } from '../../lambdas/ledger/timer.ts';
import { newRecord } from '../../lambdas/ledger/transitions.ts';
import { LedgerUnavailable } from '../../lambdas/shared/errors.ts';
import { METRICS } from '../../lambdas/shared/metric-definitions.ts';
import { ENRICHED, integration, LEARNER_DATA, NOT_ENRICHED, NOW, serviceError, subject } from '../support/factories.ts';
import { DAY, HOUR, isoAgo, MINUTE, reconcileFixture } from '../support/reconcile-fixture.ts';
import { Calls } from '../support/unanswered-calls.ts';

const NOTHING = { delivered: 0, scheduled: 0, parked: 0, dead: 0, filtered: 0, cancelled: 0 };
const carried = (dueAgoMs: number) => ({ token: 'g0', due_at: isoAgo(dueAgoMs) });

describe('the balance of a ledger', () => {
  test('is the sum of ended, carried and in-flight deliveries', async () => {
    const fixture = reconcileFixture([integration(), integration({ id: 'umbrella', paused: true })]);
    await fixture.put('delivered', { agoMs: HOUR, state: 'delivered' });
    await fixture.put('yesterday', { agoMs: DAY, state: 'delivered' });
    await fixture.put('other', { agoMs: HOUR, state: 'dead', integrationId: 'umbrella' });
    await fixture.put('resting', { agoMs: HOUR, state: 'parked', integrationId: 'umbrella' });
    await fixture.put('waiting', { agoMs: HOUR, state: 'parked', record: carried(-MINUTE) });
    await fixture.put('scheduled', { agoMs: DAY, state: 'scheduled', record: carried(-HOUR) });
    await fixture.put('filtered', { agoMs: HOUR, state: 'filtered' });
    await fixture.put('cancelled', { agoMs: HOUR, state: 'cancelled' });
    await fixture.put('unclaimed', { agoMs: 29 * MINUTE });
    await fixture.put('claimed', { agoMs: 10 * MINUTE, state: 'delivering', record: { version: 1 } });

    const report = await fixture.run();
    expect(reconcileReportSchema.parse(report)).toEqual({
      from: '2026-01-12T00:00:00.000Z',
      until: isoAgo(0),
      integrations: 2,
      accepted: 10,
      states: { delivered: 2, scheduled: 1, parked: 2, dead: 1, filtered: 1, cancelled: 1 },
      in_flight: 2,
      unbalanced: 0,
      is_balanced: true,
      stuck: [],
      outcomes_waiting: 0,
      released: 0,
      ended: 0,
      resent: 0,
      failed: 0,
      is_dry_run: false,
      is_complete: true,
    });
    expect(fixture.sent).toEqual([]);
    expect(fixture.counter.counts).toEqual({ [METRICS.ledgerUnbalanced]: 0 });
    expect(fixture.counter.measured).toContainEqual([METRICS.timerWaiting, 0]);
    expect(fixture.log.only('ledger.reconciled')).toMatchObject({ accepted: 10, unbalanced: 0, named: 0, took_ms: 0 });
  });

  test('adds up for any mixture of deliveries, each counted once', async () => {
    const age = fc.integer({ min: 0, max: 3 * DAY });
    const put = fc.record(
      {
        agoMs: age,
        state: fc.constantFrom(...DELIVERY_STATES),
        changedAgoMs: age,
        integrationId: fc.constantFrom('acme', 'umbrella'),
        record: fc.record({ due_at: age.map(isoAgo), token: fc.constant('g0') }, { requiredKeys: [] }),
      },
      { requiredKeys: ['agoMs'] },
    );
    const run = async (puts: readonly Parameters<ReturnType<typeof reconcileFixture>['put']>[1][]) => {
      const fixture = reconcileFixture([integration(), integration({ id: 'umbrella', paused: true })]);
      for (const [index, one] of puts.entries()) await fixture.put(`event-${index}`, one);
      const report = await fixture.run();
      const states = Object.values(report.states).reduce((sum, number) => sum + number);
      expect(report.accepted).toBe(puts.length);
      expect(states + report.in_flight + report.unbalanced).toBe(puts.length);
      expect(report.stuck).toHaveLength(report.unbalanced);
      expect(report.resent).toBe(report.unbalanced);
      expect(fixture.sent).toHaveLength(report.resent + report.released);
    };
    await fc.assert(fc.asyncProperty(fc.array(put, { maxLength: 12 }), run), { numRuns: 40 });
  });

  test('counts an event once that was accepted on several days', async () => {
    const fixture = reconcileFixture();
    for (const [eventId, firstAgoMs] of [['around midnight', 13 * HOUR] as const, ['days apart', 10 * DAY] as const]) {
      await fixture.put(eventId, { agoMs: firstAgoMs, state: 'delivered' });
      await fixture.put(eventId, { agoMs: 11 * HOUR });
    }
    // A first claim is not listed.
    const first = { version: 1, lease_until: isoAgo(12 * HOUR) };
    const id = await fixture.put('claimed', { agoMs: 13 * HOUR, state: 'delivering', record: first });
    await fixture.put('claimed', { agoMs: 11 * HOUR });
    for (const days of [4, 15]) {
      const report = await fixture.run({ days, dry_run: true });
      expect(report).toMatchObject({
        accepted: 3,
        states: { delivered: 2 },
        unbalanced: 1,
        stuck: [{ webhook_id: id }],
      });
    }
  });

  test('trusts a record and not the list, which is eventually consistent', async () => {
    const fixture = reconcileFixture();
    const id = await fixture.put('a', { agoMs: 2 * HOUR, state: 'delivered' });
    fixture.table = {
      ...fixture.ledger,
      async *listDay(day, span) {
        for await (const entry of fixture.ledger.listDay(day, span)) {
          yield entry.kind === 'record' ? { ...entry, state: 'accepted' } : entry;
        }
      },
    };
    expect(await fixture.run()).toMatchObject({ states: { delivered: 1 }, is_balanced: true });
    expect(await fixture.ledger.record(id)).toMatchObject({ state: 'delivered', version: 2 });
  });

  test('omits what expires while it is listed', async () => {
    const fixture = reconcileFixture();
    await fixture.put('a', { agoMs: 2 * HOUR, state: 'accepted' });
    fixture.table = { ...fixture.ledger, records: async () => new Map() };
    expect(await fixture.run()).toMatchObject({ accepted: 0, is_balanced: true });
  });

  test('counts a delivery whose record cannot be read as unbalanced, and resends the others', async () => {
    const fixture = reconcileFixture();
    const unreadable = await fixture.put('unreadable', { agoMs: 2 * HOUR, state: 'accepted' });
    const lost = await fixture.put('lost', { agoMs: 2 * HOUR, state: 'accepted' });
    const refuse = () => Promise.reject(new LedgerUnavailable(`records: the item of ${unreadable} cannot be read`));
    fixture.table = {
      ...fixture.ledger,
      record: (id) => (id === unreadable ? refuse() : fixture.ledger.record(id)),
      records: (ids) => ([...ids].includes(unreadable) ? refuse() : fixture.ledger.records(ids)),
    };
    expect(await fixture.run()).toMatchObject({ unbalanced: 2, stuck: [{ webhook_id: lost, action: 'resent' }] });
  });

  test('covers whole UTC days, today included, or a single integration on request', async () => {
    const fixture = reconcileFixture();
    await fixture.put('today', { agoMs: 12 * HOUR, state: 'delivered' });
    await fixture.put('before', { agoMs: 12 * HOUR + 1, state: 'delivered' });
    await fixture.put('other', { agoMs: HOUR, state: 'delivered', integrationId: 'umbrella' });
    expect(await fixture.run({ days: 1 })).toMatchObject({ from: '2026-01-15T00:00:00.000Z', accepted: 2 });
    expect(await fixture.run({ days: 2 })).toMatchObject({ accepted: 3, integrations: 2 });
    expect(await fixture.run({ integration_id: 'umbrella' })).toMatchObject({ accepted: 1, integrations: 1 });
  });
});

describe('a delivery that is stuck', () => {
  test('because its message was lost, is reported and resent like a new one, without data of the learner', async () => {
    const fixture = reconcileFixture();
    const id = await fixture.put('lost', { agoMs: 31 * MINUTE });
    const report = await fixture.run();

    const named = { webhook_id: id, integration_id: 'acme', state: 'accepted', since: isoAgo(31 * MINUTE) };
    expect(report).toMatchObject({ accepted: 1, unbalanced: 1, is_balanced: false, resent: 1, failed: 0 });
    expect(report.stuck).toEqual([{ ...named, why: 'it was never claimed', action: 'resent' }]);
    expect(fixture.log.only('ledger.stuck')).toEqual(report.stuck[0]);
    for (const data of LEARNER_DATA) expect(`${JSON.stringify(report)}${fixture.log.text()}`).not.toContain(data);
    expect(fixture.counter.counts).toEqual({ [METRICS.ledgerUnbalanced]: 1, [METRICS.ledgerResent]: 1 });

    expect(fixture.sent).toMatchObject([{ id, groupId: 'acme' }]);
    const message = deliverySchema.parse(JSON.parse(fixture.sent[0]?.body ?? ''));
    expect(message).toMatchObject({ webhook_id: id, generation: 1, progress: { attempt: 0 } });
    expect(message.progress.enrichment).toMatchObject({ status: 'pending' });
    const record = { state: 'accepted', generation: 1, version: 1, resent: 1, accepted_at: isoAgo(31 * MINUTE) };
    expect(await fixture.ledger.record(id)).toMatchObject(record);
  });

  test('is found even if a deleted payload makes the counts match', async () => {
    const fixture = reconcileFixture();
    await fixture.ledger.forget(await fixture.put('forgotten', { agoMs: HOUR, state: 'delivered' }));
    const id = await fixture.put('lost', { agoMs: HOUR });
    expect(await fixture.run()).toMatchObject({ accepted: 2, unbalanced: 1, stuck: [{ webhook_id: id }] });
  });

  test('is not resent again for twice the bound', async () => {
    const fixture = reconcileFixture();
    await fixture.put('lost', { agoMs: HOUR });
    await fixture.run();
    fixture.clock.nowMs = NOW + HOUR - 1;
    expect(await fixture.run()).toMatchObject({ in_flight: 1, is_balanced: true });
    fixture.clock.nowMs = NOW + HOUR;
    expect(await fixture.run()).toMatchObject({ stuck: [{ since: isoAgo(0) }], resent: 1 });
    expect(fixture.sent.map(({ body }) => JSON.parse(body).generation)).toEqual([1, 2]);
  });

  test('claimed by a function that was killed is resent, with the known learning time', async () => {
    const fixture = reconcileFixture();
    const lease = (agoMs: number) => ({ lease_until: isoAgo(agoMs), generation: 3 });
    const dead = await fixture.put('dead', { agoMs: HOUR, state: 'delivering', record: lease(50 * MINUTE) });
    await fixture.put('alive', { agoMs: HOUR, state: 'delivering', record: lease(-MINUTE) });
    const first = { ...lease(50 * MINUTE), generation: 0, version: 1 };
    const unlisted = await fixture.put('unlisted', { agoMs: HOUR, state: 'delivering', record: first });

    const report = await fixture.run();
    expect(report).toMatchObject({ accepted: 3, in_flight: 1, unbalanced: 2, resent: 2 });
    expect(new Set(report.stuck.map(({ webhook_id }) => webhook_id))).toEqual(new Set([dead, unlisted]));
    expect(report.stuck[0]?.why).toBe('the function that claimed it did not finish');
    const message = fixture.sent.find(({ id }) => id === dead);
    expect(JSON.parse(message?.body ?? '')).toMatchObject({ generation: 4, progress: { enrichment: ENRICHED } });
    expect(await fixture.ledger.record(dead)).not.toHaveProperty('lease_until');
  });

  test.each(['scheduled', 'parked'] as const)('%s and overdue, is taken from its carrier', async (state) => {
    const fixture = reconcileFixture();
    const id = await fixture.put('late', { agoMs: 3 * HOUR, state, record: carried(31 * MINUTE) });
    await fixture.put('soon', { agoMs: 3 * HOUR, state, record: carried(29 * MINUTE) });
    const report = await fixture.run();
    expect(report).toMatchObject({ accepted: 2, states: { ...NOTHING, [state]: 1 }, unbalanced: 1 });
    expect(report.stuck).toMatchObject([{ webhook_id: id, state, since: isoAgo(31 * MINUTE), action: 'resent' }]);
    expect(await fixture.ledger.record(id)).not.toHaveProperty('token');
  });

  test('and whose scheduled time has passed is resent as scheduled: a later event may supersede it', async () => {
    const fixture = reconcileFixture();
    const lead = { event_type: 'lead', kind: 'lead.calculated', send_at: isoAgo(HOUR) } as const;
    const record = { ...carried(HOUR), attempt: 0, enrichment: NOT_ENRICHED };
    const id = await fixture.put('overslept', { agoMs: 3 * DAY, state: 'scheduled', record, event: lead });
    expect(await fixture.run()).toMatchObject({ stuck: [{ webhook_id: id, since: isoAgo(HOUR) }], resent: 1 });
    const message = deliverySchema.parse(JSON.parse(fixture.sent[0]?.body ?? ''));
    expect(message).toMatchObject({ ...lead, generation: 1, progress: { timed: true, due_at: isoAgo(HOUR) } });
  });

  test('whose payload is deleted is reported by every run, and cannot be resent', async () => {
    const fixture = reconcileFixture();
    const id = await fixture.put('a', { agoMs: HOUR, state: 'accepted' });
    await fixture.ledger.forget(id);
    for (const _ of [1, 2]) {
      const report = await fixture.run();
      expect(report).toMatchObject({ unbalanced: 1, resent: 0, failed: 0 });
      const why = 'it was never claimed; its payload is not in the ledger, so it cannot be resent';
      expect(report.stuck).toMatchObject([{ webhook_id: id, why, action: 'impossible' }]);
    }
    expect(fixture.sent).toEqual([]);
  });

  test.each([1, undefined])('is not resent while outcomes are queued: it may be delivered (%p)', async (outcomes) => {
    const fixture = reconcileFixture();
    fixture.outcomes = outcomes;
    await fixture.put('lost', { agoMs: HOUR });
    await fixture.put('unsettled', { agoMs: HOUR, state: 'delivering' });
    const report = await fixture.run();
    expect(report).toMatchObject({ accepted: 2, in_flight: 2, unbalanced: 0, stuck: [], resent: 0 });
    expect(report.outcomes_waiting).toBe(outcomes ?? null);
    expect(fixture.sent).toEqual([]);
    fixture.outcomes = 0;
    expect(await fixture.run()).toMatchObject({ unbalanced: 2, resent: 2, outcomes_waiting: 0 });
  });

  test('is not resent if an outcome was queued while the run read the table', async () => {
    const fixture = reconcileFixture();
    await fixture.put('delivered', { agoMs: HOUR });
    fixture.table = {
      ...fixture.ledger,
      async records(ids) {
        fixture.outcomes = 1;
        return fixture.ledger.records(ids);
      },
    };
    expect(await fixture.run()).toMatchObject({ in_flight: 1, resent: 0, outcomes_waiting: 1 });
    expect(fixture.sent).toEqual([]);
  });

  test('is listed as open when it is resent: incremental runs may have missed it', async () => {
    const fixture = reconcileFixture();
    const id = await fixture.put('lost', { agoMs: 2 * DAY });
    await fixture.run({ dry_run: true });
    expect(fixture.ledger.allOpen()).toEqual([]);
    await fixture.run();
    expect(fixture.ledger.allOpen()).toMatchObject([{ webhook_id: id, since: isoAgo(0) }]);
    await fixture.run({ incremental: true });
    fixture.clock.nowMs += HOUR;
    expect(await fixture.run({ incremental: true })).toMatchObject({ stuck: [{ webhook_id: id }] });
  });

  test('is not resent if a function has claimed it since', async () => {
    const fixture = reconcileFixture();
    const id = await fixture.put('a', { agoMs: HOUR });
    fixture.table = { ...fixture.ledger, replace: async () => false };
    expect(await fixture.run()).toMatchObject({ accepted: 1, in_flight: 1, is_balanced: true, stuck: [], failed: 0 });
    expect(fixture.sent).toEqual([]);
    expect(await fixture.ledger.record(id)).toBeUndefined();
  });

  test('is resent if the write’s response was lost, and its repetition refused', async () => {
    const fixture = reconcileFixture();
    await fixture.put('a', { agoMs: HOUR });
    // The records of overdue timers, that of the delivery, its event, and the write.
    fixture.table = new Calls(['done', 'done', 'done', 'repeated']).table(fixture.ledger);
    expect(await fixture.run()).toMatchObject({ resent: 1, in_flight: 0, failed: 0 });
    expect(fixture.sent).toHaveLength(1);
  });

  test('whose message SQS refuses is retried by a later run', async () => {
    const fixture = reconcileFixture();
    const id = await fixture.put('a', { agoMs: HOUR });
    fixture.refused.add(id);
    const report = await fixture.run();
    expect(report).toMatchObject({ resent: 0, failed: 1, stuck: [{ webhook_id: id, action: 'failed' }] });
    expect(fixture.counter.counts).toEqual({ [METRICS.ledgerUnbalanced]: 1 });
    fixture.refused.clear();
    fixture.clock.nowMs += HOUR;
    expect(await fixture.run()).toMatchObject({ resent: 1, failed: 0 });
  });

  test('that fails does not stop the others', async () => {
    const fixture = reconcileFixture();
    const ids = await Promise.all(['a', 'b', 'c'].map((eventId) => fixture.put(eventId, { agoMs: HOUR })));
    const event: typeof fixture.ledger.event = async (id) => {
      if (id === ids[1]) throw serviceError('ThrottlingException');
      return fixture.ledger.event(id);
    };
    fixture.table = { ...fixture.ledger, event };
    const report = await fixture.run();
    expect(report).toMatchObject({ unbalanced: 3, resent: 2, failed: 1 });
    expect(report.stuck.find(({ webhook_id }) => webhook_id === ids[1])?.action).toBe('failed');
    expect(fixture.log.only('ledger.action_failed')).toMatchObject({
      webhook_id: ids[1],
      error: 'ThrottlingException',
    });
  });

  test('is one of at most 1,000 in the report; all are counted and resent', async () => {
    const fixture = reconcileFixture();
    for (let index = 0; index < 1_003; index += 1) await fixture.put(`event-${index}`, { agoMs: HOUR });
    const sizes: number[] = [];
    const records: typeof fixture.ledger.records = (ids) => {
      sizes.push(ids.length);
      return fixture.ledger.records(ids);
    };
    fixture.table = { ...fixture.ledger, records };
    const report = await fixture.run();
    expect(Math.max(...sizes)).toBe(100);
    expect(report).toMatchObject({ accepted: 1_003, unbalanced: 1_003, resent: 1_003 });
    expect(report.stuck).toHaveLength(1_000);
    expect(fixture.log.messages().filter((message) => message === 'ledger.stuck')).toHaveLength(1_000);
    expect(new Set(fixture.sent.map(({ id }) => id)).size).toBe(1_003);
  });
});

describe('a run', () => {
  test('without changes reports what it would do', async () => {
    const fixture = reconcileFixture();
    await fixture.put('lost', { agoMs: HOUR });
    await fixture.put('resting', { agoMs: HOUR, state: 'parked', record: { parked_for: 'paused' } });
    const ended = { parked_since: isoAgo(73 * HOUR) };
    await fixture.put('over', { agoMs: 74 * HOUR, state: 'parked', changedAgoMs: HOUR, record: ended });
    const before = fixture.ledger.all();
    const report = await fixture.run({ dry_run: true });
    expect(report).toMatchObject({ is_dry_run: true, resent: 1, released: 1, ended: 1 });
    expect(report.stuck).toMatchObject([{ action: 'would_resend' }]);
    expect(fixture.ledger.all()).toEqual(before);
    expect([...fixture.sent, ...fixture.deadLetters]).toEqual([]);
    expect(fixture.counter.counts).toEqual({ [METRICS.ledgerUnbalanced]: 1 });
  });

  test('uses the bound in its input', async () => {
    const fixture = reconcileFixture();
    await fixture.put('a', { agoMs: 2 * HOUR });
    expect(await fixture.run({ in_flight_bound_seconds: 7201 })).toMatchObject({ in_flight: 1 });
    expect(await fixture.run({ in_flight_bound_seconds: 7200 })).toMatchObject({ unbalanced: 1 });
  });

  test.each([
    [{ day: 3 }, /day/],
    [{ days: 401 }, /days/],
    [{ in_flight_bound_seconds: -1 }, /in_flight_bound_seconds/],
    [null, /input/],
  ])('refuses %j', async (input, what) => {
    const refusal = expect(reconcileFixture().run(input)).rejects;
    await refusal.toMatchObject({ name: 'InputInvalid', message: expect.stringMatching(what) });
  });

  test('fails while the table is down, and publishes no balance', async () => {
    const fixture = reconcileFixture();
    fixture.ledger.isDown = true;
    await expect(fixture.run()).rejects.toMatchObject({ name: 'LedgerUnavailable' });
    expect(fixture.counter.counts).toEqual({});
  });

  test('with less than a minute left counts, changes nothing, and reports it', async () => {
    const fixture = reconcileFixture();
    await fixture.put('lost', { agoMs: HOUR });
    await fixture.put('resting', { agoMs: HOUR, state: 'parked', record: { parked_for: 'paused' } });
    const over = { parked_since: isoAgo(73 * HOUR) };
    await fixture.put('over', { agoMs: 74 * HOUR, state: 'parked', changedAgoMs: HOUR, record: over });
    const before = fixture.ledger.all();
    const report = await fixture.run({}, () => MINUTE - 1);
    expect(report).toMatchObject({ accepted: 3, unbalanced: 1, is_complete: false });
    expect(report).toMatchObject({ resent: 0, released: 0, ended: 0 });
    expect(report.stuck).toMatchObject([{ action: 'no_time' }]);
    expect(fixture.ledger.all()).toEqual(before);
    expect(await fixture.run({}, () => MINUTE)).toMatchObject({
      resent: 1,
      released: 1,
      ended: 1,
      is_complete: true,
    });
  });

  test('with less than 20 seconds left ends', async () => {
    const fixture = reconcileFixture();
    await fixture.put('lost', { agoMs: HOUR });
    expect(await fixture.run({}, () => 19_999)).toMatchObject({ accepted: 0, is_complete: false, stuck: [] });
  });

  test('starts with another integration each hour, so that no integration is always skipped', async () => {
    const fixture = reconcileFixture();
    await fixture.put('a', { agoMs: 2 * HOUR, state: 'delivered', integrationId: 'acme' });
    await fixture.put('b', { agoMs: 2 * HOUR, state: 'dead', integrationId: 'umbrella' });
    const seen = [];
    for (const _ of [1, 2]) {
      let left = 4;
      seen.push((await fixture.run({}, () => (left-- > 0 ? HOUR : 0))).states);
      fixture.clock.nowMs += HOUR;
    }
    expect(seen).toEqual(
      expect.arrayContaining([
        { ...NOTHING, delivered: 1 },
        { ...NOTHING, dead: 1 },
      ]),
    );
  });
});

describe('the timers that wait', () => {
  const timer = (name: string, dueAgoMs?: number): Timer => ({
    ...{ key: `timer_${name}`, webhook_id: `wh_${name}`, integration_id: 'acme', latest_at: isoAgo(2 * HOUR) },
    ...(dueAgoMs !== undefined && { due_at: isoAgo(dueAgoMs) }),
    generation: 0,
  });
  const measured = (waiting: number, overdue: number) => [
    [METRICS.timerWaiting, waiting],
    [METRICS.timerOverdue, overdue],
  ];

  test('are measured, and separately those due for over an hour', async () => {
    const fixture = reconcileFixture();
    const dueAgo = { later: -HOUR, 'just due': MINUTE, 'almost late': 59 * MINUTE, late: 61 * MINUTE };
    for (const [name, agoMs] of Object.entries(dueAgo)) await fixture.ledger.putTimer(timer(name, agoMs));
    await fixture.ledger.putTimer(timer('fired'));
    await fixture.run();
    expect(fixture.counter.measured).toEqual(measured(4, 1));
  });

  test('are cleared if their delivery has ended: the ledger did not respond when they fired', async () => {
    const fixture = reconcileFixture();
    const states = ['delivered', 'cancelled', 'dead', 'filtered', 'scheduled', 'parked', 'delivering'] as const;
    for (const state of states) {
      await fixture.ledger.putTimer(timer(state, 61 * MINUTE));
      await fixture.ledger.overwrite({ ...newRecord(subject(), NOW), webhook_id: `wh_${state}`, state, version: 2 });
    }
    await fixture.ledger.putTimer(timer('unknown', 61 * MINUTE));
    // Due for less than an hour: its execution may be about to start.
    await fixture.ledger.putTimer({ ...timer('recent', 59 * MINUTE), webhook_id: 'wh_delivered' });
    await fixture.run({ dry_run: true });
    await fixture.run();
    expect(fixture.counter.measured).toEqual([...measured(9, 8), ...measured(5, 4)]);
    // It still cancels older events.
    expect((await fixture.ledger.timers(['timer_delivered'])).get('timer_delivered')).toEqual(timer('delivered'));
  });

  test('are reported as uncounted if they cannot be read, and the run continues', async () => {
    const fixture = reconcileFixture();
    fixture.table = { ...fixture.ledger, countTimers: () => Promise.reject(new LedgerUnavailable('countTimers: no')) };
    expect(await fixture.run()).toMatchObject({ is_balanced: true });
    expect(fixture.counter.measured).toEqual([]);
    expect(fixture.log.only('timers.uncounted')).toMatchObject({ error: 'LedgerUnavailable' });
  });
});
