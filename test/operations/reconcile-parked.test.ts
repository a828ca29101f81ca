import { describe, expect, test } from '@jest/globals';
import { DEAD_LETTER_ATTRIBUTES, deliverySchema } from '../../lambdas/events/delivery.ts';
import type { LedgerRecord } from '../../lambdas/ledger/record.ts';
import { decideClaim } from '../../lambdas/ledger/transitions.ts';
import { METRICS } from '../../lambdas/shared/metric-definitions.ts';
import { ENRICHED, integration, LEARNER_DATA, NOW } from '../support/factories.ts';
import { HOUR, isoAgo, reconcileFixture } from '../support/reconcile-fixture.ts';
import { Calls } from '../support/unanswered-calls.ts';

type World = ReturnType<typeof reconcileFixture>;

/** A paused integration: nothing is released. */
const closed = () => reconcileFixture([integration({ paused: true })]);

/** Adds a delivery that was first parked that many hours ago. */
const park = (fixture: World, eventId: string, sinceHours: number, record: Partial<LedgerRecord> = {}) =>
  fixture.put(eventId, {
    agoMs: (sinceHours + 1) * HOUR,
    state: 'parked',
    changedAgoMs: HOUR,
    record: {
      parked_since: isoAgo(sinceHours * HOUR),
      parked_for: 'paused',
      reason: 'parked: integration acme is paused',
      attempt: 2,
      generation: 1,
      ...record,
    },
  });

describe('a delivery that was parked for over 72 hours', () => {
  test('is not ended while outcomes are queued, because it may have been delivered', async () => {
    const fixture = closed();
    fixture.outcomes = 1;
    await park(fixture, 'a', 73);
    expect(await fixture.run({ days: 5 })).toMatchObject({ states: { parked: 1 }, ended: 0, outcomes_waiting: 1 });
    expect(fixture.deadLetters).toEqual([]);
  });

  test('is dead, with a dead-letter message that can be redriven, and the reason in its record', async () => {
    const fixture = closed();
    const id = await park(fixture, 'a', 73);
    await park(fixture, 'b', 71);
    const report = await fixture.run({ days: 5 });
    expect(report).toMatchObject({ accepted: 2, states: { parked: 2, dead: 0 }, ended: 1, is_balanced: true });
    expect(fixture.counter.counts).toEqual({ [METRICS.ledgerUnbalanced]: 0, [METRICS.ledgerEnded]: 1 });

    const reason = 'parked for 72 h: integration acme is paused';
    const { reason: why, webhookId, integrationId } = DEAD_LETTER_ATTRIBUTES;
    expect(fixture.deadLetters).toMatchObject([
      { id, attributes: { [why]: reason, [webhookId]: id, [integrationId]: 'acme' } },
    ]);
    const deadLetter = deliverySchema.parse(JSON.parse(fixture.deadLetters[0]?.body ?? ''));
    expect(deadLetter).toMatchObject({ generation: 2, progress: { enrichment: ENRICHED, attempt: 0 } });

    const record = (await fixture.ledger.record(id)) as LedgerRecord;
    expect(record).toMatchObject({ state: 'dead', generation: 1, attempt: 2, version: 3, reason });
    expect(record.times.dead).toBe(isoAgo(0));
    expect(decideClaim(record, deadLetter, { ms: 40_000, claimedBy: 'test' }, NOW)).toMatchObject({
      verdict: 'claimed',
    });

    expect(await fixture.run({ days: 5 })).toMatchObject({ states: { parked: 1, dead: 1 }, ended: 0 });
    expect(fixture.deadLetters).toHaveLength(1);
    expect(fixture.events.sent).toMatchObject([{ detail: { webhook_id: id, reason: 'parked_too_long' } }]);
    for (const data of LEARNER_DATA) expect(fixture.log.text()).not.toContain(data);
  });

  test('is reported if it is of a critical kind, and only then', async () => {
    const fixture = closed();
    const id = await park(fixture, 'a', 73, { event_type: 'lead', kind: 'lead.hot' });
    await park(fixture, 'b', 73, { event_type: 'lead', kind: 'lead.cold' });
    await park(fixture, 'c', 73);
    expect(await fixture.run({ days: 5, dry_run: true })).toMatchObject({ ended: 3 });
    expect(fixture.counter.counts).not.toHaveProperty([METRICS.criticalDead]);
    expect(await fixture.run({ days: 5 })).toMatchObject({ ended: 3 });
    expect(fixture.counter.counts).toMatchObject({ [METRICS.criticalDead]: 1 });
    expect(fixture.log.only('delivery.critical_dead')).toEqual({
      webhook_id: id,
      integration_id: 'acme',
      kind: 'lead.hot',
    });
  });

  test('is dead in a workflow too: its token is removed, and its execution ends', async () => {
    const fixture = closed();
    const id = await park(fixture, 'a', 73, { token: 'g1', due_at: isoAgo(-HOUR) });
    expect(await fixture.run({ days: 5 })).toMatchObject({ ended: 1 });
    const record = (await fixture.ledger.record(id)) as LedgerRecord;
    expect(record).not.toHaveProperty('token');
    const due = { ...deliverySchema.parse(JSON.parse(fixture.deadLetters[0]?.body ?? '')), generation: 1, token: 'g1' };
    expect(decideClaim(record, due, { ms: 40_000, claimedBy: 'test' }, NOW)).toEqual({
      verdict: 'done',
      state: 'dead',
    });
  });

  test('and whose payload is deleted is dead without a dead-letter message', async () => {
    const fixture = closed();
    const id = await park(fixture, 'a', 73);
    await fixture.ledger.forget(id);
    expect(await fixture.run({ days: 5 })).toMatchObject({ ended: 1, failed: 0, is_balanced: true });
    expect(fixture.deadLetters).toEqual([]);
    const reason = 'parked for 72 h, and its payload was deleted: integration acme is paused';
    expect(await fixture.ledger.record(id)).toMatchObject({ state: 'dead', reason });
    expect(fixture.log.only('ledger.ended')).toMatchObject({ webhook_id: id, has_dead_letter_message: false });
  });

  test('and whose dead-letter message SQS refuses stays parked, for the next run', async () => {
    const fixture = closed();
    const id = await park(fixture, 'a', 73);
    const other = await park(fixture, 'b', 73);
    fixture.refused.add(id);
    expect(await fixture.run({ days: 5 })).toMatchObject({ ended: 1, failed: 1 });
    expect(await fixture.ledger.record(id)).toMatchObject({ state: 'parked', version: 2 });
    expect(await fixture.ledger.record(other)).toMatchObject({ state: 'dead' });
    fixture.refused.clear();
    expect(await fixture.run({ days: 5 })).toMatchObject({ ended: 1, failed: 0 });
  });

  test('is not changed if it has changed since', async () => {
    const fixture = closed();
    await park(fixture, 'a', 73);
    fixture.table = { ...fixture.ledger, replace: async () => false };
    expect(await fixture.run({ days: 5 })).toMatchObject({ states: { parked: 1 }, ended: 0, failed: 0 });
    expect(fixture.counter.counts).toEqual({ [METRICS.ledgerUnbalanced]: 0 });
  });

  test('is ended if the write’s response was lost, and its repetition refused', async () => {
    const fixture = closed();
    await park(fixture, 'a', 73);
    // The records of overdue timers, that of the delivery, its event, and the write.
    fixture.table = new Calls(['done', 'done', 'done', 'repeated']).table(fixture.ledger);
    expect(await fixture.run({ days: 5 })).toMatchObject({ ended: 1, failed: 0 });
    expect(fixture.counter.counts).toMatchObject({ [METRICS.ledgerEnded]: 1 });
  });
});
