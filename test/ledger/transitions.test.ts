import { describe, expect, test } from '@jest/globals';
import type { Delivery } from '../../lambdas/events/delivery.ts';
import { DELIVERY_STATES, type DeliveryState, type LedgerRecord } from '../../lambdas/ledger/record.ts';
import {
  asClaimed,
  changedAt,
  decideClaim,
  leaseEndMs,
  leaseMs,
  needsNoCopy,
  newRecord,
} from '../../lambdas/ledger/transitions.ts';
import { delivery, ENRICHED, ENTERPRISE, NOT_ENRICHED, NOW, subject } from '../support/factories.ts';

const SECOND = 1000;
const LEASE = { ms: 40 * SECOND, claimedBy: 'stream-2' };
const at = (seconds: number) => new Date(NOW + seconds * SECOND).toISOString();

/** A record in a state, in generation 1, claimed before. */
function record(state: DeliveryState, overrides: Partial<LedgerRecord> = {}): LedgerRecord {
  const accepted = newRecord(subject({ generation: 1, accepted_at: at(-60) }), NOW);
  const times = { ...accepted.times, [state]: at(-30) };
  return { ...accepted, state, times, enrichment: ENRICHED, attempt: 1, version: 3, ...overrides };
}

const copyOf = (generation: number, token?: string): Delivery => ({
  ...delivery(ENRICHED, { generation }),
  ...(token !== undefined && { token }),
});

function claimed(standing: LedgerRecord | undefined, copy: Delivery): LedgerRecord {
  const decision = decideClaim(standing, copy, LEASE, NOW);
  if (decision.verdict !== 'claimed') throw new Error(`it is ${decision.verdict}`);
  return decision.record;
}

describe('permission to claim a delivery', () => {
  const ANY = [copyOf(0), copyOf(1), copyOf(2), copyOf(1, 'g1'), copyOf(1, 'g1-a1'), copyOf(99)];
  const carriers = (...tokens: string[]) => tokens.map((token) => copyOf(1, token));
  const waiting = (['scheduled', 'parked'] as const).flatMap((state): [string, LedgerRecord, Delivery[], string][] => [
    [`${state}: its carrier, in any generation`, record(state, { token: 'g1-a1' }), ANY.slice(4, 5), 'claimed'],
    [`${state}: its carrier, as a copy`, record(state, { token: 'g1-a1' }), [copyOf(0, 'g1-a1')], 'claimed'],
    [`${state}: a later generation`, record(state, { token: 'g1-a1' }), [copyOf(2)], 'claimed'],
    [`${state}: no copy of it`, record(state, { token: 'g1-a1' }), [copyOf(0), copyOf(1)], 'done'],
    [
      `${state}: a carrier further on, whose outcome the table did not take`,
      record(state, { token: 'g1-a1-d1-m' }),
      carriers('g1-a1-d2-m', 'g1-a1-d1', 'g1-a2'),
      'claimed',
    ],
    [
      `${state}: no carrier that is behind`,
      record(state, { token: 'g1-a1-d1-m' }),
      carriers('g1-a1', 'g1-d2-m', 'g1', 'g0-a2'),
      'done',
    ],
  ]);

  test.each<[string, LedgerRecord | undefined, Delivery[], string]>([
    ['never claimed: any function', undefined, ANY, 'claimed'],
    ['accepted: any function', record('accepted'), ANY, 'claimed'],
    ['delivering, its lease ended: any function', record('delivering', { lease_until: at(0) }), ANY, 'claimed'],
    ['delivering: none', record('delivering', { lease_until: at(0.001), token: 'g1' }), ANY, 'busy'],
    ...waiting,
    ['parked in the ledger, without a token: no copy', record('parked'), [copyOf(1)], 'done'],
    ['dead: a later generation', record('dead', { token: 'g1-a1' }), [copyOf(2)], 'claimed'],
    ['dead: no copy, nor its carrier', record('dead', { token: 'g1-a1' }), [copyOf(0), ...ANY.slice(4, 5)], 'done'],
    ...(['delivered', 'filtered', 'cancelled'] as const).map((state): [string, LedgerRecord, Delivery[], string] => [
      `${state}: none`,
      record(state, { token: 'g1-a1' }),
      ANY,
      'done',
    ]),
  ])('%s', (_, standing, copies, verdict) => {
    for (const copy of copies) expect(decideClaim(standing, copy, LEASE, NOW).verdict).toBe(verdict);
  });

  test('the execution that carried a dead delivery gets its record: it may have to send the dead-letter message', () => {
    const standing = record('dead', { token: 'g1-a1' });
    const done = { verdict: 'done', state: 'dead' };
    expect(decideClaim(standing, copyOf(1, 'g1-a1'), LEASE, NOW)).toEqual({ ...done, deadRecord: standing });
    expect(decideClaim(standing, copyOf(1, 'g1-a2'), LEASE, NOW)).toEqual(done);
    expect(decideClaim(record('dead'), copyOf(1), LEASE, NOW)).toEqual(done);
  });
});

describe('a claim', () => {
  test('of a delivery without a record writes its first version, as it was accepted', () => {
    const after = claimed(undefined, { ...copyOf(0), accepted_at: at(-5) });
    const counts = { version: 1, generation: 0, attempt: 0, attempts: [] };
    expect(after).toMatchObject({ ...counts, state: 'delivering', accepted_at: at(-5) });
    expect(after.times).toEqual({ accepted: at(-5), delivering: at(0) });
  });

  test('has the end of its lease and its writer, and neither token nor scheduled time', () => {
    const standing = record('scheduled', { claimed_by: 'stream-1', token: 'g1-a1', due_at: at(-1) });
    const after = claimed(standing, copyOf(1, 'g1-a1'));
    expect(after).toMatchObject({ lease_until: at(40), claimed_by: 'stream-2', version: 4 });
    expect(after).not.toHaveProperty('token');
    expect(after).not.toHaveProperty('due_at');
  });

  test('keeps attempts, times and `parked_since`', () => {
    const attempts = [{ at: at(-30), status: 503, duration_ms: 12, error: '503' }];
    const standing = record('accepted', { attempts, parked_since: at(-30), resent: 2 });
    expect(claimed(standing, copyOf(1))).toMatchObject({ attempts, parked_since: at(-30), resent: 2 });
    expect(claimed(standing, copyOf(1)).times).toEqual({ accepted: at(-30), delivering: at(0) });
  });

  test('of a copy joins the generation, and the attempts, of its record', () => {
    const after = claimed(record('accepted', { attempt: 2 }), copyOf(0));
    expect(after).toMatchObject({ generation: 1, attempt: 2 });
    expect(asClaimed(copyOf(0), after)).toMatchObject({ generation: 1, progress: { attempt: 2 } });
  });

  test('counts the attempts in its message if the ledger missed some', () => {
    const copy = delivery(ENRICHED, { generation: 1 }, { attempt: 5 });
    expect(claimed(record('accepted', { attempt: 2 }), copy).attempt).toBe(5);
  });

  test('by a later generation counts attempts from 0', () => {
    expect(claimed(record('dead', { attempt: 9 }), copyOf(2))).toMatchObject({ generation: 2, attempt: 0 });
  });

  test('records the learning time that the copy will send', () => {
    expect(claimed(record('accepted'), delivery(NOT_ENRICHED, { generation: 1 })).enrichment).toEqual(NOT_ENRICHED);
  });
});

describe('a lease', () => {
  test('is longer than DeliverBatch may run, and than an attempt of its integration may take', () => {
    expect([0, 5, 20, 21, 300].map((seconds) => leaseMs(seconds * SECOND) / SECOND)).toEqual([40, 40, 40, 41, 320]);
  });

  test('ends at 0 in every other state, and without an end time', () => {
    for (const state of DELIVERY_STATES.filter((one) => one !== 'delivering')) {
      expect(leaseEndMs(record(state, { lease_until: at(40) }))).toBe(0);
    }
    expect(leaseEndMs(record('delivering'))).toBe(0);
  });
});

test('a copy of an event is forwarded if it has no record, or is accepted or delivering', () => {
  expect(needsNoCopy(undefined)).toBe(false);
  expect(DELIVERY_STATES.filter((state) => !needsNoCopy(record(state)))).toEqual(['accepted', 'delivering']);
});

describe('the initial record of a delivery', () => {
  test('has the event’s fields, and was never written', () => {
    const accepted = subject({ accepted_at: at(-60), generation: 2 });
    expect(newRecord(accepted, NOW)).toEqual({
      webhook_id: accepted.webhook_id,
      integration_id: 'acme',
      enterprise_customer_uuid: ENTERPRISE,
      event_id: 'event-1',
      event_type: 'course_completion',
      occurred_at: '2026-01-15T11:59:58Z',
      accepted_at: at(-60),
      state: 'accepted',
      generation: 2,
      times: { accepted: at(-60) },
      attempt: 0,
      attempts: [],
      version: 0,
    });
  });

  test('entered its state at the recorded time, or else at its acceptance', () => {
    expect(changedAt(record('scheduled'))).toBe(at(-30));
    expect(changedAt({ ...record('scheduled'), times: {} })).toBe(at(-60));
  });
});
