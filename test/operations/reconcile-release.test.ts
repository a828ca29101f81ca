import { describe, expect, test } from '@jest/globals';
import { deliverySchema } from '../../lambdas/events/delivery.ts';
import type { LedgerRecord } from '../../lambdas/ledger/record.ts';
import { METRICS } from '../../lambdas/shared/metric-definitions.ts';
import { brokenEntry, ENRICHED, integration, registry } from '../support/factories.ts';
import { HOUR, isoAgo, MINUTE, reconcileFixture } from '../support/reconcile-fixture.ts';

type World = ReturnType<typeof reconcileFixture>;

/** Adds a delivery that was parked in the ledger two hours ago. */
const rest = (fixture: World, eventId: string, record: Partial<LedgerRecord>, agoMs = 5 * HOUR) =>
  fixture.put(eventId, {
    agoMs,
    state: 'parked',
    changedAgoMs: 2 * HOUR,
    record: { parked_since: isoAgo(3 * HOUR), reason: 'parked: for a test', ...record },
  });
const releasedIds = (fixture: World) => fixture.sent.map(({ id }) => id);

describe('a delivery parked for a paused integration', () => {
  test('is released after the pause, in the next generation, with the time since when it was parked', async () => {
    const fixture = reconcileFixture();
    const id = await rest(fixture, 'a', { parked_for: 'paused', generation: 2 });
    expect(await fixture.run()).toMatchObject({ states: { parked: 1 }, released: 1, is_balanced: true, failed: 0 });
    expect(fixture.counter.counts).toMatchObject({ [METRICS.ledgerReleased]: 1 });

    expect(fixture.sent).toMatchObject([{ id, groupId: 'acme', delaySeconds: 0 }]);
    const message = deliverySchema.parse(JSON.parse(fixture.sent[0]?.body ?? ''));
    expect(message).toMatchObject({ generation: 3, progress: { enrichment: ENRICHED, attempt: 0, due_at: null } });
    const record = await fixture.ledger.record(id);
    expect(record).toMatchObject({ state: 'accepted', generation: 3, parked_since: isoAgo(3 * HOUR), version: 3 });
    expect(record).not.toHaveProperty('resent');

    expect(await fixture.run()).toMatchObject({ in_flight: 1, released: 0 });
  });

  test.each([
    ['it is still paused', registry(integration({ paused: true }))],
    ['all are paused', { ...registry(integration()), paused: true }],
    ['it is not active', registry(integration({ active: false }))],
    ['it takes other events now', registry(integration({ event_types: ['course_enrollment'] }))],
    ['there is none of that id', registry(integration({ id: 'umbrella' }))],
    ['its entry is broken', { ...registry(), broken: brokenEntry('acme') }],
  ])('stays parked while %s', async (_why, entries) => {
    const fixture = reconcileFixture();
    fixture.registry = entries;
    await rest(fixture, 'a', { parked_for: 'paused' });
    expect(await fixture.run()).toMatchObject({ states: { parked: 1 }, released: 0, is_balanced: true });
    expect(fixture.sent).toEqual([]);
  });

  test('stays parked while the integrations cannot be read, which is logged; the rest is done', async () => {
    const fixture = reconcileFixture();
    fixture.registry = undefined;
    await rest(fixture, 'a', { parked_for: 'paused' });
    const lost = await fixture.put('lost', { agoMs: HOUR });
    expect(await fixture.run()).toMatchObject({ released: 0, resent: 1 });
    expect(releasedIds(fixture)).toEqual([lost]);
    expect(fixture.log.only('ledger.release_impossible')).toMatchObject({ integration_id: 'acme', parked: 1 });
  });

  test('stays parked while outcomes are queued, because it may have been delivered', async () => {
    const fixture = reconcileFixture();
    fixture.outcomes = 1;
    await rest(fixture, 'a', { parked_for: 'paused' });
    expect(await fixture.run()).toMatchObject({ states: { parked: 1 }, released: 0, outcomes_waiting: 1 });
    expect(fixture.sent).toEqual([]);
    fixture.outcomes = 0;
    expect(await fixture.run()).toMatchObject({ released: 1 });
  });

  test('is left to its execution while that waits', async () => {
    const fixture = reconcileFixture();
    await rest(fixture, 'a', { parked_for: 'paused', token: 'g0', due_at: isoAgo(-MINUTE) });
    await rest(fixture, 'b', { parked_for: 'paused', token: 'g0' });
    expect(await fixture.run()).toMatchObject({ states: { parked: 2 }, released: 0 });
  });

  test('stays parked if its payload is deleted', async () => {
    const fixture = reconcileFixture();
    const id = await rest(fixture, 'a', { parked_for: 'paused' });
    await fixture.ledger.forget(id);
    expect(await fixture.run()).toMatchObject({ states: { parked: 1 }, released: 0, is_balanced: true });
    expect(await fixture.ledger.record(id)).toMatchObject({ state: 'parked', version: 2 });
  });

  test('and whose message SQS refuses stays accepted, and is found stuck by a later run', async () => {
    const fixture = reconcileFixture();
    const id = await rest(fixture, 'a', { parked_for: 'paused' });
    fixture.refused.add(id);
    expect(await fixture.run()).toMatchObject({ released: 0, failed: 1 });
    expect(await fixture.ledger.record(id)).toMatchObject({ state: 'accepted' });
    fixture.refused.clear();
    fixture.clock.nowMs += HOUR;
    expect(await fixture.run()).toMatchObject({ resent: 1, stuck: [{ webhook_id: id }] });
  });
});

describe('a delivery parked for a failing partner', () => {
  test('is probed with one delivery in a run, the oldest', async () => {
    const fixture = reconcileFixture();
    for (let index = 0; index < 205; index += 1) await rest(fixture, `event-${index}`, { parked_for: 'failing' });
    const oldest = await rest(fixture, 'oldest', { parked_for: 'failing' }, 6 * HOUR);
    expect(await fixture.run()).toMatchObject({ released: 1 });
    expect(releasedIds(fixture)).toEqual([oldest]);
    expect(await fixture.run()).toMatchObject({ released: 1 });
  });

  test('is probed with another one if the first cannot be sent', async () => {
    const fixture = reconcileFixture();
    for (let index = 0; index < 99; index += 1)
      await rest(fixture, `paused-${index}`, { parked_for: 'paused' }, 6 * HOUR);
    await fixture.ledger.forget(await rest(fixture, 'oldest', { parked_for: 'failing' }, 6 * HOUR));
    const next = await rest(fixture, 'next', { parked_for: 'failing' });
    expect(await fixture.run()).toMatchObject({ released: 100 });
    expect(releasedIds(fixture).at(-1)).toBe(next);
  });

  test('is released after a later delivery to the partner, accepted on any day', async () => {
    const fixture = reconcileFixture();
    await rest(fixture, 'a', { parked_for: 'failing' });
    await rest(fixture, 'b', { parked_for: 'failing' }, 30 * HOUR);
    await fixture.put('taken', { agoMs: 50 * HOUR, state: 'delivered', changedAgoMs: HOUR });
    for (const [eventId, agoMs] of [['before', 75 * HOUR] as const, ['after', 6 * HOUR] as const]) {
      await fixture.put(eventId, { agoMs, state: 'delivered', changedAgoMs: 3 * HOUR });
    }
    expect(await fixture.run()).toMatchObject({ released: 2 });
  });

  test('is released even if the list does not show that delivery yet', async () => {
    const fixture = reconcileFixture();
    await rest(fixture, 'a', { parked_for: 'failing' });
    await rest(fixture, 'b', { parked_for: 'failing' });
    const taken = await fixture.put('taken', { agoMs: HOUR, state: 'delivered' });
    fixture.table = {
      ...fixture.ledger,
      async *listDay(day, span) {
        for await (const entry of fixture.ledger.listDay(day, span)) {
          if (entry.kind === 'event' || entry.webhook_id !== taken) yield entry;
        }
      },
    };
    expect(await fixture.run()).toMatchObject({ accepted: 3, released: 2 });
  });

  test('is not released after a delivery to another partner', async () => {
    const fixture = reconcileFixture([integration(), integration({ id: 'umbrella' })]);
    await rest(fixture, 'a', { parked_for: 'failing' });
    await rest(fixture, 'b', { parked_for: 'failing' });
    await fixture.put('taken', { agoMs: HOUR, state: 'delivered', integrationId: 'umbrella' });
    expect(await fixture.run()).toMatchObject({ released: 1 });
  });
});

describe('a release of many', () => {
  test('is paced by the rate limit: 15 minutes of it in one run, the rest in the next', async () => {
    const fixture = reconcileFixture([integration({ max_requests_per_minute: 10 })]);
    for (let index = 0; index < 170; index += 1) {
      await rest(fixture, `event-${index}`, { parked_for: 'paused' }, 5 * HOUR + index);
    }
    expect(await fixture.run()).toMatchObject({ states: { parked: 170 }, released: 150, is_complete: true });
    const delays = fixture.sent.map(({ delaySeconds }) => delaySeconds);
    expect(delays).toEqual(Array.from({ length: 150 }, (_, index) => index * 6));
    expect(await fixture.run()).toMatchObject({ states: { parked: 20 }, in_flight: 150, released: 20 });
    expect(new Set(releasedIds(fixture)).size).toBe(170);
  });

  test('stops when time runs out, and reports it', async () => {
    const fixture = reconcileFixture();
    for (let index = 0; index < 150; index += 1) await rest(fixture, `event-${index}`, { parked_for: 'paused' });
    let remainingMs = HOUR;
    const services = { ...fixture.ledger };
    fixture.table = {
      ...services,
      async replace(record) {
        remainingMs = MINUTE - 1;
        return fixture.ledger.replace(record);
      },
    };
    expect(await fixture.run({}, () => remainingMs)).toMatchObject({ released: 100, is_complete: false });
    expect(await fixture.run({}, () => HOUR)).toMatchObject({ released: 50, is_complete: true });
  });
});
