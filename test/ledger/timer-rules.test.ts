import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Delivery, DeliverySubject } from '../../lambdas/events/delivery.ts';
import type { LedgerRecord } from '../../lambdas/ledger/record.ts';
import type { Timer } from '../../lambdas/ledger/timer.ts';
import { decideWhenDue, moveOf as moveOfKnown, timerOf, waitFault } from '../../lambdas/ledger/timer-rules.ts';
import { newRecord } from '../../lambdas/ledger/transitions.ts';
import { delivery, NOT_ENRICHED, NOW, subject } from '../support/factories.ts';

const HOUR_MS = 3600_000;
const at = (ms: number) => new Date(NOW + ms).toISOString();

function leadOf(eventId: string, occurredMs: number, overrides: Partial<DeliverySubject> = {}): DeliverySubject {
  const lead = { event_type: 'lead', kind: 'lead.calculated', user_id: '7', accepted_at: at(0) } as const;
  return subject({ ...lead, event_id: eventId, occurred_at: at(occurredMs), ...overrides });
}
function waitingFor(dueMs: number, lead: DeliverySubject): Delivery {
  return delivery(NOT_ENRICHED, { ...lead, send_at: at(dueMs) }, { timed: true, due_at: at(dueMs) });
}
function timer(lead: DeliverySubject): Timer {
  const found = timerOf(lead, NOW);
  if (found === undefined) throw new Error('it has no timer');
  return found;
}

describe('the timer of an event', () => {
  test('identifies its user by a hash, and has the due time', () => {
    const lead = leadOf('one', -1_000, { send_at: at(HOUR_MS) });
    expect(timer(lead)).toEqual({
      key: expect.stringMatching(/^timer_[0-9a-f]{40}$/),
      webhook_id: lead.webhook_id,
      integration_id: 'acme',
      latest_at: at(-1_000),
      due_at: at(HOUR_MS),
      generation: 0,
    });
  });

  test('is one for each user, integration and type', () => {
    const keys = [
      leadOf('one', 0),
      leadOf('one', 0, { user_id: '8' }),
      leadOf('one', 0, { integration_id: 'other' }),
    ].map((lead) => timer(lead).key);
    expect(new Set(keys).size).toBe(3);
    expect(timer(leadOf('two', 5)).key).toBe(keys[0]);
  });

  test('exists for events that are sent immediately too, which may supersede a scheduled one', () => {
    expect(timer(leadOf('hot', 0, { kind: 'lead.hot' }))).not.toHaveProperty('due_at');
  });

  test('does not exist without a user, or for a type without scheduled events', () => {
    const { user_id, ...nobodys } = leadOf('one', 0);
    expect(timerOf(nobodys, NOW)).toBeUndefined();
    expect(timerOf(subject(), NOW)).toBeUndefined();
  });

  test('is never later than its acceptance, if its publisher’s clock is ahead', () => {
    expect(timer(leadOf('ahead', 400 * 24 * HOUR_MS)).latest_at).toBe(at(0));
  });
});

test.each([
  [7 * 24 * HOUR_MS, undefined],
  [7 * 24 * HOUR_MS + 1, 'send_at: an event may wait for 7 days at the most'],
  [-400 * 24 * HOUR_MS, undefined],
])('a wait of %i ms', (waitMs, fault) => {
  expect(waitFault(leadOf('one', 0, { send_at: at(waitMs) }), NOW)).toBe(fault);
});

test('an event without scheduled time has no fault', () => expect(waitFault(subject(), NOW)).toBeUndefined());

describe('an event that is published again', () => {
  const moveOf = (before: Timer | undefined, now: Timer, record: Partial<LedgerRecord> = {}) =>
    moveOfKnown(before, now, { ...newRecord(leadOf('one', -HOUR_MS), NOW), ...record });
  const standing = timer(leadOf('one', 0 - HOUR_MS, { send_at: at(HOUR_MS) }));
  const again = (occurredMs: number, dueMs: number) => timer(leadOf('one', occurredMs, { send_at: at(dueMs) }));

  test('of the same time, or an earlier one, is a copy', () => {
    expect(moveOf(standing, again(-HOUR_MS, 60_000))).toBe('none');
    expect(moveOf(standing, again(-2 * HOUR_MS, 60_000))).toBe('none');
  });

  // An older event's timer shows that this event's was never written: a later timer is never replaced by an older one.
  test.each([
    ['none', undefined],
    ['an older event’s', timer(leadOf('other', -2 * HOUR_MS))],
    ['an older one’s that waits', timer(leadOf('other', -HOUR_MS - 1, { send_at: at(HOUR_MS) }))],
  ])('has no timer of its own if the user has %s: its due time is not known', (_, other) => {
    expect(moveOf(other, again(-5, 60_000))).toBe('no_timer');
    expect(moveOf(other, again(-HOUR_MS, HOUR_MS))).toBe('no_timer');
  });

  test('moves nothing that was attempted without a timer', () => {
    expect(moveOf(undefined, again(-5, 60_000), { attempt: 1 })).toBe('none');
  });

  test('counts from its first acceptance, if its publisher’s clock is ahead', () => {
    const ahead = { occurred_at: at(HOUR_MS), accepted_at: at(-HOUR_MS) };
    expect(moveOf(timer(leadOf('other', -HOUR_MS + 1)), again(-5, 60_000), ahead)).toBe('none');
    expect(moveOf(timer(leadOf('other', -HOUR_MS - 1)), again(-5, 60_000), ahead)).toBe('no_timer');
  });
});

describe('a due delivery', () => {
  const own = leadOf('own', -HOUR_MS);
  const due = waitingFor(0, own);

  test('it is sent if only an earlier publication has a timer: its own is not written yet', () => {
    const earlier = timer({ ...own, occurred_at: at(-2 * HOUR_MS), send_at: at(HOUR_MS) });
    for (const generation of [0, 1])
      expect(decideWhenDue({ ...due, generation }, earlier, NOW)).toEqual({ to: 'send' });
  });

  test('of two at the same time the recorded one is sent', () => {
    expect(decideWhenDue(due, timer(leadOf('same', -HOUR_MS)), NOW).to).toBe('cancel');
  });

  test('it ends if it was moved to an earlier time: another generation carries it', () => {
    const moved = { ...timer({ ...own, occurred_at: at(-5), send_at: at(-1_000) }), generation: 1 };
    expect(decideWhenDue(due, moved, NOW)).toEqual({ to: 'leave', reason: 'it was moved: generation 1 carries it' });
    expect(decideWhenDue({ ...due, generation: 1 }, moved, NOW).to).toBe('send');
  });

  test('it is not cancelled by an earlier event, whose timer remained', () => {
    expect(decideWhenDue(due, timer(leadOf('earlier', -2 * HOUR_MS)), NOW)).toEqual({ to: 'send' });
  });

  test('it is sent by a later generation than the timer’s: it was released, or found stuck', () => {
    expect(decideWhenDue({ ...due, generation: 3 }, timer({ ...own, send_at: at(0) }), NOW)).toEqual({ to: 'send' });
  });

  test('for any leads of a user in any order, only the latest is sent', () => {
    const leads = fc.uniqueArray(fc.integer({ min: -HOUR_MS, max: -1 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(
        leads.chain((times) => fc.shuffledSubarray(times, { minLength: times.length })),
        (times) => {
          const all = times.map((occurredMs) => leadOf(`at ${occurredMs}`, occurredMs));
          let standing: Timer | undefined;
          // Like the table: a later one replaces it.
          for (const lead of all) {
            const next = timer({ ...lead, send_at: at(0) });
            if (standing === undefined || standing.latest_at < next.latest_at) standing = next;
          }
          const sent = all.filter((lead) => decideWhenDue(waitingFor(0, lead), standing, NOW).to === 'send');
          expect(sent.map(({ occurred_at }) => occurred_at)).toEqual([at(Math.max(...times))]);
        },
      ),
    );
  });
});
