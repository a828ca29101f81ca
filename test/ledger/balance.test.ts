import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { ParkedFor } from '../../lambdas/events/delivery.ts';
import {
  isParkedTooLong,
  mayRelease,
  releasePlan,
  type Sighting,
  sightingOf,
  standingOf,
} from '../../lambdas/ledger/balance.ts';
import { DELIVERY_STATES, type LedgerRecord } from '../../lambdas/ledger/record.ts';
import type { Integration } from '../../lambdas/partners/integration.ts';
import { integration, NOW } from '../support/factories.ts';
import { DAY, HOUR, isoAgo, MINUTE, recordOf } from '../support/reconcile-fixture.ts';

const BOUND = 30 * MINUTE;
const standing = (seen: Sighting, boundMs = BOUND) => standingOf(seen, boundMs, NOW);
const seen = (state: Sighting['state'], agoMs: number, more: Partial<Sighting> = {}): Sighting => ({
  state,
  changedAt: isoAgo(agoMs),
  ...more,
});

/** Ages in milliseconds, of past and future times. */
const age = fc.integer({ min: -2 * DAY, max: 20 * DAY });
const sightings = fc.record(
  {
    state: fc.constantFrom(...DELIVERY_STATES),
    changedAt: age.map(isoAgo),
    dueAt: age.map(isoAgo),
    leaseEndMs: age.map((ageMs) => NOW - ageMs),
    resent: fc.nat(60),
  },
  { requiredKeys: ['state', 'changedAt'] },
);
const bounds = fc.integer({ min: 0, max: 7 * DAY });

describe('the balance', () => {
  test('never counts a leased delivery as stuck', () => {
    fc.assert(
      fc.property(sightings, bounds, fc.integer({ min: 1, max: DAY }), (one, boundMs, leftMs) => {
        const held = { ...one, state: 'delivering', leaseEndMs: NOW + leftMs } as const;
        expect(standing(held, boundMs)).toEqual({ kind: 'in_flight' });
      }),
    );
  });

  test('never counts as stuck what is younger than the bound, has ended, or is parked in the ledger', () => {
    fc.assert(
      fc.property(sightings, bounds, (one, boundMs) => {
        const found = standing(one, boundMs);
        if (found.kind !== 'stuck') return;
        expect(NOW - Date.parse(found.since)).toBeGreaterThanOrEqual(boundMs);
        expect([one.changedAt, one.dueAt]).toContain(found.since);
        expect(['accepted', 'delivering', 'scheduled', 'parked']).toContain(one.state);
      }),
    );
  });

  test.each<[string, Sighting, object]>([
    ...(['delivered', 'dead', 'filtered', 'cancelled'] as const).map((state): [string, Sighting, object] => [
      `${state}: counted at any age`,
      seen(state, 300 * DAY, { dueAt: isoAgo(200 * DAY) }),
      { kind: 'counted', state },
    ]),
    ...(['accepted', 'delivering'] as const).flatMap((state): [string, Sighting, object][] => [
      [`${state}: in flight for less than the bound`, seen(state, BOUND - 1), { kind: 'in_flight' }],
      [`${state}: then stuck`, seen(state, BOUND), { kind: 'stuck', since: isoAgo(BOUND) }],
    ]),
    ...(['scheduled', 'parked'] as const).flatMap((state): [string, Sighting, object][] => [
      [`${state}: counted`, seen(state, 9 * DAY, { dueAt: isoAgo(BOUND - 1) }), { kind: 'counted', state }],
      [`${state}: overdue by the bound`, seen(state, 9 * DAY, { dueAt: isoAgo(BOUND) }), { since: isoAgo(BOUND) }],
    ]),
    ['parked in the ledger: counted at any age', seen('parked', 9 * DAY), { kind: 'counted', state: 'parked' }],
    ['scheduled without a time: counted', seen('scheduled', BOUND - 1), { kind: 'counted', state: 'scheduled' }],
    ['scheduled without a time: stuck', seen('scheduled', BOUND), { kind: 'stuck', since: isoAgo(BOUND) }],
  ])('%s', (_, one, expected) => {
    expect(standing(one)).toMatchObject(expected);
  });

  test.each([
    [1, HOUR],
    [2, 2 * HOUR],
    [5, 16 * HOUR],
    [6, DAY],
    [2_000, DAY],
  ])('the bound doubles with each resend, up to a day: after %i', (resent, boundMs) => {
    expect(standing(seen('accepted', boundMs - 1, { resent })).kind).toBe('in_flight');
    expect(standing(seen('accepted', boundMs, { resent })).kind).toBe('stuck');
  });

  test('a bound of more than a day is not shortened by a republication', () => {
    expect(standing(seen('accepted', 3 * DAY - 1, { resent: 1 }), 3 * DAY).kind).toBe('in_flight');
  });

  test('reads a record: its lease only while it is delivering', () => {
    const lease_until = isoAgo(-MINUTE);
    const delivering = recordOf('a', { agoMs: DAY, state: 'delivering', changedAgoMs: HOUR, record: { lease_until } });
    expect(sightingOf(delivering)).toMatchObject({ changedAt: isoAgo(HOUR), leaseEndMs: NOW + MINUTE });
    expect(sightingOf({ ...delivering, state: 'accepted' }).leaseEndMs).toBe(0);
  });
});

describe('a parked delivery in the balance', () => {
  const parked = (record: object = {}) =>
    recordOf('a', { agoMs: 5 * DAY, state: 'parked', changedAgoMs: HOUR, record });

  test('has 72 hours since it was first parked, in a workflow or in the ledger', () => {
    expect(isParkedTooLong(parked({ parked_since: isoAgo(72 * HOUR) }), NOW)).toBe(false);
    expect(isParkedTooLong(parked({ parked_since: isoAgo(72 * HOUR + 1) }), NOW)).toBe(true);
    expect(isParkedTooLong(parked({ parked_since: isoAgo(72 * HOUR + 1), token: 'g0' }), NOW)).toBe(true);
    expect(isParkedTooLong({ ...parked({ parked_since: isoAgo(90 * HOUR) }), state: 'delivering' }, NOW)).toBe(false);
  });
});

describe('a release', () => {
  const parked = (parked_for: ParkedFor, record: object = {}) =>
    recordOf('a', {
      agoMs: DAY,
      state: 'parked',
      changedAgoMs: 2 * HOUR,
      record: { parked_for, parked_since: isoAgo(5 * HOUR), ...record },
    });
  const resumed = (agoMs: number) => integration({ resumed_at: isoAgo(agoMs) });
  const attempted = (agoMs: number) => ({ attempts: [{ at: isoAgo(agoMs), status: 410, duration_ms: 9 }] });

  test.each<[string, LedgerRecord, Integration, string | undefined, string]>([
    ['gone, and the partner took another one', parked('gone'), integration(), isoAgo(0), 'no'],
    ['gone since the resumption', parked('gone'), resumed(6 * HOUR), isoAgo(0), 'no'],
    ['gone, and resumed', parked('gone'), resumed(HOUR), undefined, 'yes'],
    ['parked again by a function with an older configuration', parked('gone'), resumed(3 * HOUR), undefined, 'yes'],
    ['attempted before the resumption', parked('gone', attempted(4 * HOUR)), resumed(3 * HOUR), undefined, 'yes'],
    ['attempted since the resumption', parked('gone', attempted(2 * HOUR)), resumed(3 * HOUR), undefined, 'no'],
    ['failing since the resumption', parked('failing', attempted(2 * HOUR)), resumed(3 * HOUR), undefined, 'as_probe'],
    ['failing', parked('failing'), integration(), undefined, 'as_probe'],
    // The partner renews it, without an operator of ours.
    ['of a certificate that expired', parked('certificate_expired'), integration(), undefined, 'as_probe'],
    ['of a certificate that was renewed', parked('certificate_expired'), integration(), isoAgo(HOUR), 'yes'],
    ['failing, and the partner took one before', parked('failing'), integration(), isoAgo(3 * HOUR), 'as_probe'],
    ['failing, and the partner took one since', parked('failing'), integration(), isoAgo(HOUR), 'yes'],
    ['failing, and resumed', parked('failing'), resumed(HOUR), undefined, 'yes'],
  ])('of a delivery that is %s', (_, record, entry, lastDeliveredAt, verdict) => {
    expect(mayRelease(record, entry, lastDeliveredAt)).toBe(verdict);
  });

  test('releases the rate limit of 15 minutes, or 6,000 without a limit', () => {
    expect(releasePlan(integration()).atMost).toBe(6_000);
    expect(releasePlan(integration({ max_requests_per_minute: 2 })).atMost).toBe(30);
  });

  test('spreads them over SQS’s longest delay, within the rate limit of each minute', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60_000 }), fc.nat(), (max_requests_per_minute, chance) => {
        const { atMost, delaySeconds } = releasePlan(integration({ max_requests_per_minute }));
        expect(delaySeconds(0)).toBe(0);
        expect(delaySeconds(atMost - 1)).toBeLessThanOrEqual(899);
        const position = chance % atMost;
        expect(delaySeconds(position + max_requests_per_minute)).toBe(delaySeconds(position) + 60);
      }),
    );
  });
});
