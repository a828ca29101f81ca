import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { deliverySchema } from '../../lambdas/events/delivery.ts';
import { reconcileReportSchema } from '../../lambdas/ledger/reconciliation.ts';
import { WEBHOOK_STATES } from '../../lambdas/ledger/record.ts';
import type { Timer } from '../../lambdas/ledger/timer.ts';
import { newRecord } from '../../lambdas/ledger/transitions.ts';
import { LedgerUnavailable } from '../../lambdas/shared/errors.ts';
import { METRICS } from '../../lambdas/shared/metric-definitions.ts';
import { ENRICHED, integration, LEARNER_DATA, NOT_ENRICHED, NOW, serviceError, subject } from '../support/factories.ts';
import { DAY, HOUR, isoAgo, MINUTE, reconcileWorld } from '../support/reconcile-world.ts';
import { Calls } from '../support/unanswered-calls.ts';

const NOTHING = { delivered: 0, scheduled: 0, parked: 0, dead: 0, filtered: 0, cancelled: 0 };
const asleep = (dueAgoMs: number) => ({ token: 'g0', due_at: isoAgo(dueAgoMs) });

describe('the balance of a ledger', () => {
  test('is the sum of what has ended, what is carried, and what is in flight', async () => {
    const world = reconcileWorld([integration(), integration({ id: 'umbrella', paused: true })]);
    await world.put('delivered', { agoMs: HOUR, state: 'delivered' });
    await world.put('yesterday', { agoMs: DAY, state: 'delivered' });
    await world.put('other', { agoMs: HOUR, state: 'dead', integrationId: 'umbrella' });
    await world.put('resting', { agoMs: HOUR, state: 'parked', integrationId: 'umbrella' });
    await world.put('asleep', { agoMs: HOUR, state: 'parked', record: asleep(-MINUTE) });
    await world.put('scheduled', { agoMs: DAY, state: 'scheduled', record: asleep(-HOUR) });
    await world.put('filtered', { agoMs: HOUR, state: 'filtered' });
    await world.put('cancelled', { agoMs: HOUR, state: 'cancelled' });
    await world.put('unclaimed', { agoMs: 29 * MINUTE });
    await world.put('claimed', { agoMs: 10 * MINUTE, state: 'delivering', record: { version: 1 } });

    const report = await world.run();
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
      republished: 0,
      failed: 0,
      is_dry_run: false,
      is_complete: true,
    });
    expect(world.sent).toEqual([]);
    expect(world.counter.counts).toEqual({ [METRICS.ledgerUnbalanced]: 0 });
    expect(world.counter.measured).toContainEqual([METRICS.timerWaiting, 0]);
    expect(world.log.only('ledger.reconciled')).toMatchObject({ accepted: 10, unbalanced: 0, named: 0, took_ms: 0 });
  });

  test('adds up for any mixture of webhooks, and every one is in it once', async () => {
    const age = fc.integer({ min: 0, max: 3 * DAY });
    const put = fc.record(
      {
        agoMs: age,
        state: fc.constantFrom(...WEBHOOK_STATES),
        changedAgoMs: age,
        integrationId: fc.constantFrom('acme', 'umbrella'),
        record: fc.record({ due_at: age.map(isoAgo), token: fc.constant('g0') }, { requiredKeys: [] }),
      },
      { requiredKeys: ['agoMs'] },
    );
    const run = async (puts: readonly Parameters<ReturnType<typeof reconcileWorld>['put']>[1][]) => {
      const world = reconcileWorld([integration(), integration({ id: 'umbrella', paused: true })]);
      for (const [index, one] of puts.entries()) await world.put(`event-${index}`, one);
      const report = await world.run();
      const states = Object.values(report.states).reduce((sum, number) => sum + number);
      expect(report.accepted).toBe(puts.length);
      expect(states + report.in_flight + report.unbalanced).toBe(puts.length);
      expect(report.stuck).toHaveLength(report.unbalanced);
      expect(report.republished).toBe(report.unbalanced);
      expect(world.sent).toHaveLength(report.republished + report.released);
    };
    await fc.assert(fc.asyncProperty(fc.array(put, { maxLength: 12 }), run), { numRuns: 40 });
  });

  test('counts what was accepted twice, before and after midnight, once', async () => {
    const world = reconcileWorld();
    await world.put('twice', { agoMs: 13 * HOUR, state: 'delivered' });
    await world.put('twice', { agoMs: 11 * HOUR });
    expect(await world.run()).toMatchObject({ accepted: 1, states: { delivered: 1 }, is_balanced: true });
  });

  test('counts under today what was accepted again today, and ten days ago first', async () => {
    const world = reconcileWorld();
    await world.put('again', { agoMs: 10 * DAY, state: 'delivered' });
    await world.put('again', { agoMs: HOUR });
    expect(await world.run()).toMatchObject({ accepted: 1, states: { delivered: 1 } });
    expect(await world.run({ days: 15 })).toMatchObject({ accepted: 1, states: { delivered: 1 } });
  });

  test('counts a first claim, which is not listed, where its event was accepted again after midnight', async () => {
    const world = reconcileWorld();
    const first = { version: 1, lease_until: isoAgo(12 * HOUR) };
    const id = await world.put('twice', { agoMs: 13 * HOUR, state: 'delivering', record: first });
    await world.put('twice', { agoMs: 11 * HOUR });
    expect(await world.run()).toMatchObject({ accepted: 1, unbalanced: 1, stuck: [{ webhook_id: id }] });
  });

  test('believes a record rather than the list, which lags behind', async () => {
    const world = reconcileWorld();
    const id = await world.put('a', { agoMs: 2 * HOUR, state: 'delivered' });
    world.table = {
      ...world.ledger,
      async *listRecords(day, span) {
        for await (const line of world.ledger.listRecords(day, span)) yield { ...line, state: 'accepted' };
      },
    };
    expect(await world.run()).toMatchObject({ states: { delivered: 1 }, is_balanced: true });
    expect(await world.ledger.record(id)).toMatchObject({ state: 'delivered', version: 2 });
  });

  test('leaves out what expires while it is listed', async () => {
    const world = reconcileWorld();
    await world.put('a', { agoMs: 2 * HOUR, state: 'accepted' });
    world.table = { ...world.ledger, records: async () => new Map() };
    expect(await world.run()).toMatchObject({ accepted: 0, is_balanced: true });
  });

  test('looks at whole UTC days, today included, and at one integration where it is asked to', async () => {
    const world = reconcileWorld();
    await world.put('today', { agoMs: 12 * HOUR, state: 'delivered' });
    await world.put('before', { agoMs: 12 * HOUR + 1, state: 'delivered' });
    await world.put('other', { agoMs: HOUR, state: 'delivered', integrationId: 'umbrella' });
    expect(await world.run({ days: 1 })).toMatchObject({ from: '2026-01-15T00:00:00.000Z', accepted: 2 });
    expect(await world.run({ days: 2 })).toMatchObject({ accepted: 3, integrations: 2 });
    expect(await world.run({ integration_id: 'umbrella' })).toMatchObject({ accepted: 1, integrations: 1 });
  });
});

describe('a webhook that is stuck', () => {
  test('since its message was lost, is named and resent, as if new', async () => {
    const world = reconcileWorld();
    const id = await world.put('lost', { agoMs: 31 * MINUTE });
    const report = await world.run();

    const named = { webhook_id: id, integration_id: 'acme', state: 'accepted', since: isoAgo(31 * MINUTE) };
    expect(report).toMatchObject({ accepted: 1, unbalanced: 1, is_balanced: false, republished: 1, failed: 0 });
    expect(report.stuck).toEqual([{ ...named, why: 'it was never claimed', action: 'republished' }]);
    expect(world.log.only('ledger.stuck')).toEqual(report.stuck[0]);
    expect(world.counter.counts).toEqual({ [METRICS.ledgerUnbalanced]: 1, [METRICS.ledgerRepublished]: 1 });

    expect(world.sent).toMatchObject([{ id, groupId: 'acme' }]);
    const message = deliverySchema.parse(JSON.parse(world.sent[0]?.body ?? ''));
    expect(message).toMatchObject({ webhook_id: id, generation: 1, progress: { attempt: 0 } });
    expect(message.progress.enrichment).toMatchObject({ status: 'pending' });
    const record = { state: 'accepted', generation: 1, version: 1, republished: 1, accepted_at: isoAgo(31 * MINUTE) };
    expect(await world.ledger.record(id)).toMatchObject(record);
  });

  test('is found where a deleted payload makes up for it in numbers', async () => {
    const world = reconcileWorld();
    await world.ledger.forget(await world.put('forgotten', { agoMs: HOUR, state: 'delivered' }));
    const id = await world.put('lost', { agoMs: HOUR });
    expect(await world.run()).toMatchObject({ accepted: 2, unbalanced: 1, stuck: [{ webhook_id: id }] });
  });

  test('is left alone for twice the bound once it was resent', async () => {
    const world = reconcileWorld();
    await world.put('lost', { agoMs: HOUR });
    await world.run();
    world.clock.nowMs = NOW + HOUR - 1;
    expect(await world.run()).toMatchObject({ in_flight: 1, is_balanced: true });
    world.clock.nowMs = NOW + HOUR;
    expect(await world.run()).toMatchObject({ stuck: [{ since: isoAgo(0) }], republished: 1 });
    expect(world.sent.map(({ body }) => JSON.parse(body).generation)).toEqual([1, 2]);
  });

  test('claimed by a function that died is resent, with the learning time that is known', async () => {
    const world = reconcileWorld();
    const lease = (agoMs: number) => ({ lease_until: isoAgo(agoMs), generation: 3 });
    const dead = await world.put('dead', { agoMs: HOUR, state: 'delivering', record: lease(50 * MINUTE) });
    await world.put('alive', { agoMs: HOUR, state: 'delivering', record: lease(-MINUTE) });
    const first = { ...lease(50 * MINUTE), generation: 0, version: 1 };
    const unlisted = await world.put('unlisted', { agoMs: HOUR, state: 'delivering', record: first });

    const report = await world.run();
    expect(report).toMatchObject({ accepted: 3, in_flight: 1, unbalanced: 2, republished: 2 });
    expect(new Set(report.stuck.map(({ webhook_id }) => webhook_id))).toEqual(new Set([dead, unlisted]));
    expect(report.stuck[0]?.why).toBe('the function that claimed it did not finish');
    const message = world.sent.find(({ id }) => id === dead);
    expect(JSON.parse(message?.body ?? '')).toMatchObject({ generation: 4, progress: { enrichment: ENRICHED } });
    expect(await world.ledger.record(dead)).not.toHaveProperty('lease_until');
  });

  test.each(['scheduled', 'parked'] as const)('%s and overdue, is taken from its carrier', async (state) => {
    const world = reconcileWorld();
    const id = await world.put('late', { agoMs: 3 * HOUR, state, record: asleep(31 * MINUTE) });
    await world.put('soon', { agoMs: 3 * HOUR, state, record: asleep(29 * MINUTE) });
    const report = await world.run();
    expect(report).toMatchObject({ accepted: 2, states: { ...NOTHING, [state]: 1 }, unbalanced: 1 });
    expect(report.stuck).toMatchObject([{ webhook_id: id, state, since: isoAgo(31 * MINUTE), action: 'republished' }]);
    expect(await world.ledger.record(id)).not.toHaveProperty('token');
  });

  test('and whose scheduled time has passed is resent as one that waited: a later event may supersede it', async () => {
    const world = reconcileWorld();
    const lead = { event_type: 'lead', kind: 'lead.calculated', send_at: isoAgo(HOUR) } as const;
    const record = { ...asleep(HOUR), attempt: 0, enrichment: NOT_ENRICHED };
    const id = await world.put('overslept', { agoMs: 3 * DAY, state: 'scheduled', record, event: lead });
    expect(await world.run()).toMatchObject({ stuck: [{ webhook_id: id, since: isoAgo(HOUR) }], republished: 1 });
    const message = deliverySchema.parse(JSON.parse(world.sent[0]?.body ?? ''));
    expect(message).toMatchObject({ ...lead, generation: 1, progress: { timed: true, due_at: isoAgo(HOUR) } });
  });

  test('and whose payload is deleted is named by every run, and cannot be sent', async () => {
    const world = reconcileWorld();
    const id = await world.put('a', { agoMs: HOUR, state: 'accepted' });
    await world.ledger.forget(id);
    for (const _ of [1, 2]) {
      const report = await world.run();
      expect(report).toMatchObject({ unbalanced: 1, republished: 0, failed: 0 });
      const why = 'it was never claimed; the ledger does not hold its payload, and cannot send it again';
      expect(report.stuck).toMatchObject([{ webhook_id: id, why, action: 'impossible' }]);
    }
    expect(world.sent).toEqual([]);
  });

  test.each([1, 1517, undefined])(
    'is not sent while outcomes wait for the ledger: it may be delivered (%p)',
    async (outcomes) => {
      const world = reconcileWorld();
      world.outcomes = outcomes;
      const lost = await world.put('lost', { agoMs: HOUR });
      await world.put('unsettled', { agoMs: HOUR, state: 'delivering' });
      const report = await world.run();
      expect(report).toMatchObject({ accepted: 2, in_flight: 2, unbalanced: 0, stuck: [], republished: 0 });
      expect(report.outcomes_waiting).toBe(outcomes ?? null);
      expect(world.sent).toEqual([]);
      expect(world.counter.counts).toEqual({ [METRICS.ledgerUnbalanced]: 0 });
      world.outcomes = 0;
      expect(await world.run()).toMatchObject({ unbalanced: 2, republished: 2, outcomes_waiting: 0 });
      expect(world.sent.map(({ id }) => id)).toContain(lost);
    },
  );

  test('is not sent where an outcome came to the queue while the run read the table', async () => {
    const world = reconcileWorld();
    await world.put('delivered', { agoMs: HOUR });
    world.table = {
      ...world.ledger,
      async records(ids) {
        world.outcomes = 1;
        return world.ledger.records(ids);
      },
    };
    expect(await world.run()).toMatchObject({ in_flight: 1, republished: 0, outcomes_waiting: 1 });
    expect(world.sent).toEqual([]);
  });

  test('is not, where a function claims it meanwhile', async () => {
    const world = reconcileWorld();
    const id = await world.put('a', { agoMs: HOUR });
    world.table = { ...world.ledger, replace: async () => false };
    expect(await world.run()).toMatchObject({ accepted: 1, in_flight: 1, is_balanced: true, stuck: [], failed: 0 });
    expect(world.sent).toEqual([]);
    expect(await world.ledger.record(id)).toBeUndefined();
  });

  test('is sent where the write had no response, was repeated, and then was refused for its own sake', async () => {
    const world = reconcileWorld();
    await world.put('a', { agoMs: HOUR });
    world.table = { ...world.ledger, ...new Calls(['done', 'done', 'repeated']).table(world.ledger) };
    expect(await world.run()).toMatchObject({ republished: 1, in_flight: 0, failed: 0 });
    expect(world.sent).toHaveLength(1);
  });

  test('and whose message SQS refuses is tried again by a later run', async () => {
    const world = reconcileWorld();
    const id = await world.put('a', { agoMs: HOUR });
    world.refused.add(id);
    const report = await world.run();
    expect(report).toMatchObject({ republished: 0, failed: 1, stuck: [{ webhook_id: id, action: 'failed' }] });
    expect(world.counter.counts).toEqual({ [METRICS.ledgerUnbalanced]: 1 });
    world.refused.clear();
    world.clock.nowMs += HOUR;
    expect(await world.run()).toMatchObject({ republished: 1, failed: 0 });
  });

  test('and fails by itself stops no other', async () => {
    const world = reconcileWorld();
    const ids = await Promise.all(['a', 'b', 'c'].map((eventId) => world.put(eventId, { agoMs: HOUR })));
    const event: typeof world.ledger.event = async (id) => {
      if (id === ids[1]) throw serviceError('ThrottlingException');
      return world.ledger.event(id);
    };
    world.table = { ...world.ledger, event };
    const report = await world.run();
    expect(report).toMatchObject({ unbalanced: 3, republished: 2, failed: 1 });
    expect(report.stuck.find(({ webhook_id }) => webhook_id === ids[1])?.action).toBe('failed');
    expect(world.log.only('ledger.action_failed')).toMatchObject({ webhook_id: ids[1], error: 'ThrottlingException' });
  });

  test('is one of at most 1,000 that are named; all are counted and sent', async () => {
    const world = reconcileWorld();
    for (let index = 0; index < 1_003; index += 1) await world.put(`event-${index}`, { agoMs: HOUR });
    const asked: number[] = [];
    const records: typeof world.ledger.records = (ids) => {
      asked.push(ids.length);
      return world.ledger.records(ids);
    };
    world.table = { ...world.ledger, records };
    const report = await world.run();
    expect(Math.max(...asked)).toBe(100);
    expect(report).toMatchObject({ accepted: 1_003, unbalanced: 1_003, republished: 1_003 });
    expect(report.stuck).toHaveLength(1_000);
    expect(world.log.messages().filter((message) => message === 'ledger.stuck')).toHaveLength(1_000);
    expect(new Set(world.sent.map(({ id }) => id)).size).toBe(1_003);
  });

  test('is named without anything of the learner', async () => {
    const world = reconcileWorld();
    await world.put('a', { agoMs: HOUR });
    const report = await world.run();
    for (const data of LEARNER_DATA) expect(`${JSON.stringify(report)}${world.log.text()}`).not.toContain(data);
  });
});

describe('a run', () => {
  test('that only looks changes nothing, and says what it would do', async () => {
    const world = reconcileWorld();
    await world.put('lost', { agoMs: HOUR });
    await world.put('resting', { agoMs: HOUR, state: 'parked', record: { parked_for: 'paused' } });
    const ended = { parked_since: isoAgo(73 * HOUR) };
    await world.put('over', { agoMs: 74 * HOUR, state: 'parked', changedAgoMs: HOUR, record: ended });
    const before = world.ledger.all();
    const report = await world.run({ dry_run: true });
    expect(report).toMatchObject({ is_dry_run: true, republished: 1, released: 1, ended: 1 });
    expect(report.stuck).toMatchObject([{ action: 'would_republish' }]);
    expect(world.ledger.all()).toEqual(before);
    expect([...world.sent, ...world.letters]).toEqual([]);
    expect(world.counter.counts).toEqual({ [METRICS.ledgerUnbalanced]: 1 });
  });

  test('takes another bound', async () => {
    const world = reconcileWorld();
    await world.put('a', { agoMs: 2 * HOUR });
    expect(await world.run({ in_flight_bound_seconds: 7201 })).toMatchObject({ in_flight: 1 });
    expect(await world.run({ in_flight_bound_seconds: 7200 })).toMatchObject({ unbalanced: 1 });
  });

  test.each([
    [{ day: 3 }, /day/],
    [{ days: 0 }, /days/],
    [{ days: 401 }, /days/],
    [{ in_flight_bound_seconds: -1 }, /in_flight_bound_seconds/],
    [null, /input/],
    ['{}', /input/],
  ])('refuses %j', async (input, what) => {
    const world = reconcileWorld();
    const refusal = world.run(input);
    await expect(refusal).rejects.toMatchObject({ name: 'InputInvalid' });
    await expect(refusal).rejects.toThrow(what);
  });

  test('fails while the table is down, and publishes no balance', async () => {
    const world = reconcileWorld();
    world.ledger.isDown = true;
    await expect(world.run()).rejects.toMatchObject({ name: 'LedgerUnavailable' });
    expect(world.counter.counts).toEqual({});
  });

  test('with less than a minute left counts, changes nothing, and says so', async () => {
    const world = reconcileWorld();
    await world.put('lost', { agoMs: HOUR });
    await world.put('resting', { agoMs: HOUR, state: 'parked', record: { parked_for: 'paused' } });
    const over = { parked_since: isoAgo(73 * HOUR) };
    await world.put('over', { agoMs: 74 * HOUR, state: 'parked', changedAgoMs: HOUR, record: over });
    const before = world.ledger.all();
    const report = await world.run({}, () => MINUTE - 1);
    expect(report).toMatchObject({ accepted: 3, unbalanced: 1, is_complete: false });
    expect(report).toMatchObject({ republished: 0, released: 0, ended: 0 });
    expect(report.stuck).toMatchObject([{ action: 'no_time' }]);
    expect(world.ledger.all()).toEqual(before);
    expect(await world.run({}, () => MINUTE)).toMatchObject({
      republished: 1,
      released: 1,
      ended: 1,
      is_complete: true,
    });
  });

  test('with less than 20 seconds left ends', async () => {
    const world = reconcileWorld();
    await world.put('lost', { agoMs: HOUR });
    expect(await world.run({}, () => 19_999)).toMatchObject({ accepted: 0, is_complete: false, stuck: [] });
  });

  test('begins with another integration each hour, for runs that never come to the last one', async () => {
    const world = reconcileWorld();
    await world.put('a', { agoMs: 2 * HOUR, state: 'delivered', integrationId: 'acme' });
    await world.put('b', { agoMs: 2 * HOUR, state: 'dead', integrationId: 'umbrella' });
    const seen = [];
    for (const _ of [1, 2]) {
      let left = 4;
      seen.push((await world.run({}, () => (left-- > 0 ? HOUR : 0))).states);
      world.clock.nowMs += HOUR;
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

  test('are measured, and those due for over an hour apart', async () => {
    const world = reconcileWorld();
    const dueAgo = { later: -HOUR, 'just due': MINUTE, 'almost late': 59 * MINUTE, late: 61 * MINUTE };
    for (const [name, agoMs] of Object.entries(dueAgo)) await world.ledger.putTimer(timer(name, agoMs));
    await world.ledger.putTimer(timer('fired'));
    await world.run();
    expect(world.counter.measured).toEqual(measured(4, 1));
  });

  test('are cleared where their delivery has ended: the ledger did not respond when they fired', async () => {
    const world = reconcileWorld();
    const states = ['delivered', 'cancelled', 'dead', 'filtered', 'scheduled', 'parked', 'delivering'] as const;
    for (const state of states) {
      await world.ledger.putTimer(timer(state, 61 * MINUTE));
      await world.ledger.overwrite({ ...newRecord(subject(), NOW), webhook_id: `wh_${state}`, state, version: 2 });
    }
    await world.ledger.putTimer(timer('unknown', 61 * MINUTE));
    // Due for less than an hour: its execution may be about to start.
    await world.ledger.putTimer({ ...timer('recent', 59 * MINUTE), webhook_id: 'wh_delivered' });
    await world.run({ dry_run: true });
    await world.run();
    expect(world.counter.measured).toEqual([...measured(9, 8), ...measured(5, 4)]);
    // It still cancels older events.
    expect((await world.ledger.timers(['timer_delivered'])).get('timer_delivered')).toEqual(timer('delivered'));
  });

  test('are reported as uncounted where they cannot be read, and the run goes on', async () => {
    const world = reconcileWorld();
    world.table = { ...world.ledger, countTimers: () => Promise.reject(new LedgerUnavailable('countTimers: no')) };
    expect(await world.run()).toMatchObject({ is_balanced: true });
    expect(world.counter.measured).toEqual([]);
    expect(world.log.only('timers.uncounted')).toMatchObject({ error: 'LedgerUnavailable' });
  });
});
