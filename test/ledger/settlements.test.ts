import { describe, expect, test } from '@jest/globals';
import { type Delivery, deliverySchema, type Progress } from '../../lambdas/events/delivery.ts';
import type { Settlement } from '../../lambdas/ledger/ports.ts';
import {
  type Attempt,
  DELIVERY_STATES,
  type LedgerEvent,
  type LedgerRecord,
  ledgerEventSchema,
  ledgerRecordSchema,
  MAX_ATTEMPT_ERROR_CHARACTERS,
  MAX_LEDGER_REASON_CHARACTERS,
  RECORDED_ATTEMPTS,
} from '../../lambdas/ledger/record.ts';
import { type Cause, deliveryOf, eventOf, newRecord, reopened, settled } from '../../lambdas/ledger/transitions.ts';
import { delivery, ENRICHED, NOT_ENRICHED, NOW, subject, TRACE } from '../support/factories.ts';

const at = (seconds: number) => new Date(NOW + seconds * 1000).toISOString();
const CAUSES: readonly Cause[] = ['replay', 'release', 'resend'];

/** A record as it was claimed 10 s ago. */
function held(overrides: Partial<LedgerRecord> = {}): LedgerRecord {
  const accepted = newRecord(subject({ generation: 1, accepted_at: at(-60) }), NOW);
  return {
    ...accepted,
    state: 'delivering',
    times: { accepted: at(-60), delivering: at(-10) },
    enrichment: ENRICHED,
    lease_until: at(30),
    claimed_by: 'stream-1',
    version: 2,
    ...overrides,
  };
}

function left(
  progress: Partial<Progress>,
  settlement: Omit<Settlement, 'progress'> = {},
  before = held(),
): LedgerRecord {
  const whole = { enrichment: ENRICHED, attempt: 1, due_at: null, ...progress };
  const after = settled(before, { ...settlement, progress: whole }, NOW);
  expect(ledgerRecordSchema.parse(after)).toEqual(after);
  return after;
}

describe('a delivery is settled', () => {
  test.each([
    ['delivered', { outcome: 'delivered' }],
    ['dead', { outcome: 'dead' }],
    ['filtered', { outcome: 'filtered' }],
    ['parked', { outcome: 'parked' }],
    ['scheduled', { outcome: 'retry' }],
    ['scheduled', {}],
    ['scheduled', { outcome: 'retry', park_count: 0 }],
    ['parked', { outcome: 'retry', park_count: 1 }],
  ] as const)('%s after %j', (state, progress) => {
    const after = left(progress, { token: 'g1-a1' });
    expect(after).toMatchObject({ state, generation: 1, version: 3, claimed_by: 'stream-1' });
    expect(after.times).toEqual({ accepted: at(-60), delivering: at(-10), [state]: at(0) });
    expect(after).not.toHaveProperty('lease_until');
  });

  test('not as a duplicate, which is another function’s delivery', () => {
    expect(() => left({ outcome: 'duplicate' })).toThrow('is not recorded');
  });

  test('with its carrier’s token and due time', () => {
    const waits = { outcome: 'retry', due_at: at(60) } as const;
    expect(left(waits, { token: 'g1-a1' })).toMatchObject({ token: 'g1-a1', due_at: at(60) });
    expect(left({ ...waits, park_count: 2 }, { token: 'g1-a1' })).toMatchObject({ token: 'g1-a1', due_at: at(60) });
  });

  test('without token or scheduled time if it has ended or is parked in the ledger', () => {
    for (const outcome of ['delivered', 'dead', 'filtered', 'parked'] as const) {
      const before = held({ token: 'g1', due_at: at(-1) });
      const after = left({ outcome, due_at: at(60) }, {}, before);
      expect(after).not.toHaveProperty('token');
      expect(after).not.toHaveProperty('due_at');
    }
    expect(left({ outcome: 'delivered', due_at: at(60) }, { token: 'g1' })).not.toHaveProperty('token');
  });

  test('dead, to the execution that sends its dead-letter message afterwards, if there is one', () => {
    expect(left({ outcome: 'dead', due_at: at(60) }, { token: 'g1' })).toMatchObject({ state: 'dead', token: 'g1' });
    expect(left({ outcome: 'dead', due_at: at(60) }, { token: 'g1' })).not.toHaveProperty('due_at');
  });

  test('with its attempt among the last ones, oldest first', () => {
    const attempts = [1, 2, 3, 4, 5, 6].map(
      (second): Attempt => ({ at: at(second), status: 503, duration_ms: second }),
    );
    const after = attempts.reduce((before, attempt) => left({ outcome: 'retry' }, { attempt }, before), held());
    expect(after.attempts).toEqual(attempts.slice(-RECORDED_ATTEMPTS));
    expect(left({ outcome: 'retry' }, {}, after).attempts).toEqual(after.attempts);
  });

  test('with truncated errors and reasons', () => {
    const attempt = { at: at(0), duration_ms: 1, error: 'e'.repeat(500) };
    const after = left({ outcome: 'dead', reason: 'r'.repeat(500) }, { attempt });
    expect(after.attempts[0]?.error).toHaveLength(MAX_ATTEMPT_ERROR_CHARACTERS);
    expect(after.reason).toHaveLength(MAX_LEDGER_REASON_CHARACTERS);
  });

  test('without the last reason if it has none', () => {
    expect(left({ outcome: 'delivered' }, {}, held({ reason: 'it answered 503' }))).not.toHaveProperty('reason');
  });

  test('with no fewer attempts than the ledger has, and the learning time that was sent', () => {
    const after = left({ outcome: 'retry', attempt: 2, enrichment: NOT_ENRICHED }, {}, held({ attempt: 4 }));
    expect(after).toMatchObject({ attempt: 4, enrichment: NOT_ENRICHED });
    expect(left({ outcome: 'retry', attempt: 5 }, {}, held({ attempt: 4 })).attempt).toBe(5);
  });
});

describe('a parked delivery', () => {
  test('has its cause, and since when it is parked', () => {
    const after = left({ outcome: 'parked', parked_for: 'failing' });
    expect(after).toMatchObject({ parked_for: 'failing', parked_since: at(0) });
    expect(left({ outcome: 'parked' }).parked_for).toBe('paused');
  });

  test('is parked since the first time, after any number of releases', () => {
    const before = held({ parked_since: at(-3600), parked_for: 'paused' });
    expect(left({ outcome: 'retry', park_count: 3 }, { token: 'g1' }, before).parked_since).toBe(at(-3600));
    expect(left({ outcome: 'parked' }, {}, before).parked_since).toBe(at(-3600));
  });

  test('ends being parked after an attempt, or at its end', () => {
    const before = held({ parked_since: at(-3600), parked_for: 'paused' });
    for (const outcome of ['retry', 'delivered', 'dead', 'filtered'] as const) {
      const after = left({ outcome }, { attempt: { at: at(0), duration_ms: 1 } }, before);
      expect(after).not.toHaveProperty('parked_since');
      expect(after).not.toHaveProperty('parked_for');
    }
  });
});

describe('a delivery that is resent', () => {
  const ended = (overrides: Partial<LedgerRecord> = {}) =>
    held({
      state: 'dead',
      attempt: 9,
      reason: '400',
      token: 'g1-a1',
      due_at: at(9),
      parked_since: at(-50),
      ...overrides,
    });

  test.each(CAUSES)('%s: is accepted in the next generation, with all its earlier attempts', (cause) => {
    const after = reopened(ended(), cause, NOW) as LedgerRecord;
    expect(ledgerRecordSchema.parse(after)).toEqual(after);
    expect(after).toMatchObject({ state: 'accepted', generation: 2, attempt: 0, version: 3, enrichment: ENRICHED });
    // The acceptance time determines where it is listed.
    expect(after.accepted_at).toBe(at(-60));
    expect(after.times).toEqual({ accepted: at(0), delivering: at(-10) });
    for (const gone of ['lease_until', 'token', 'due_at', 'reason', 'parked_for'])
      expect(after).not.toHaveProperty(gone);
  });

  test.each(CAUSES)('%s: from any state, but not during a lease', (cause) => {
    for (const state of DELIVERY_STATES)
      expect(reopened(ended({ state, lease_until: at(0) }), cause, NOW)).toBeDefined();
    expect(reopened(ended({ state: 'delivering', lease_until: at(0.001) }), cause, NOW)).toBeUndefined();
  });

  test('by an operator: resets the parking time; by the reconciler: is counted', () => {
    const [replayed, released, resent] = CAUSES.map((cause) =>
      reopened(ended({ state: 'parked', resent: 1 }), cause, NOW),
    );
    expect(replayed).toMatchObject({ resent: 1 });
    expect(replayed).not.toHaveProperty('parked_since');
    expect(released).toMatchObject({ parked_since: at(-50), resent: 1 });
    expect(resent).toMatchObject({ parked_since: at(-50), resent: 2 });
  });
});

describe('an event, as the ledger stores it', () => {
  const TRACEPARENT = { traceparent: TRACE.traceparent };
  const carried: Delivery = {
    ...delivery(ENRICHED, { generation: 3, accepted_at: at(-60), ...TRACEPARENT }),
    token: 'g3',
  };

  test('is the LMS’s event, without progress', () => {
    const kept = eventOf(carried, NOW);
    expect(ledgerEventSchema.strict().parse(kept)).toEqual(kept);
    const { schema_version, generation, progress, token, ...event } = carried;
    expect(kept).toEqual(event);
  });

  test('becomes a new delivery, in the generation of its record, with the known learning time', () => {
    const event: LedgerEvent = eventOf(carried, NOW);
    const resent = deliveryOf(
      event,
      held({ generation: 4, attempt: 7, enrichment: NOT_ENRICHED, config_version: 'v7' }),
      NOW,
      'replay',
    );
    expect(deliverySchema.strict().parse(resent)).toEqual(resent);
    const { token, ...untold } = carried;
    expect(resent).toEqual({
      ...untold,
      generation: 4,
      progress: { enrichment: NOT_ENRICHED, config_version: 'v7', attempt: 0, due_at: null },
    });
  });
});
