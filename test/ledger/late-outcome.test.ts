import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Progress } from '../../lambdas/events/delivery.ts';
import { decideLate, factsOf } from '../../lambdas/ledger/late-outcome.ts';
import { DELIVERY_STATES, type LedgerRecord } from '../../lambdas/ledger/record.ts';
import { newRecord } from '../../lambdas/ledger/transitions.ts';
import type { UnsettledOutcome } from '../../lambdas/ledger/unsettled-outcome.ts';
import { delivery, ENRICHED, NOW, subject } from '../support/factories.ts';

const MINUTE = 60_000;
const at = (minutes: number) => new Date(NOW + minutes * MINUTE).toISOString();

/** An outcome of a delivery, `minutes` after NOW. */
function outcomeOf(
  outcome: Progress['outcome'],
  minutes = 0,
  {
    lease = { kind: 'unseen' },
    token,
    carrier,
    generation = 1,
  }: {
    readonly lease?: UnsettledOutcome['lease'];
    readonly token?: string;
    readonly carrier?: string;
    readonly generation?: number;
  } = {},
): UnsettledOutcome {
  const facts = factsOf(delivery(ENRICHED, { generation }));
  return {
    schema_version: 1,
    at: at(minutes),
    delivery: { ...facts, ...(carrier !== undefined && { token: carrier }) },
    lease,
    settlement: {
      progress: { enrichment: ENRICHED, attempt: 1, due_at: null, outcome },
      ...(token !== undefined && { token }),
    },
  };
}

/** A record that entered its state `minutes` after NOW. */
function standing(state: LedgerRecord['state'], minutes: number, overrides: Partial<LedgerRecord> = {}): LedgerRecord {
  const accepted = newRecord(subject({ generation: 1, accepted_at: at(-60) }), NOW);
  return { ...accepted, state, times: { ...accepted.times, [state]: at(minutes) }, version: 3, ...overrides };
}

const decide = (record: LedgerRecord | undefined, outcome: UnsettledOutcome, minutes = 60) =>
  decideLate(record, outcome, 'settler', NOW + minutes * MINUTE);
const claimedAs = (record: LedgerRecord) => ({ lease: { kind: 'claimed', record } }) as const;

describe('a delivered outcome', () => {
  test.each(DELIVERY_STATES.filter((state) => state !== 'delivered'))(
    'replaces %s, even if that came later',
    (state) => {
      const later = standing(state, 5, { generation: 4, token: 'g4-a1', lease_until: at(90), attempt: 2 });
      for (const lease of [
        { kind: 'unseen' },
        { kind: 'unclaimed' },
        claimedAs(standing('delivering', -1)).lease,
      ] as const) {
        const decision = decide(later, outcomeOf('delivered', 0, { lease }));
        expect(decision).toMatchObject({ to: 'write', record: { state: 'delivered', generation: 4, version: 4 } });
        expect(decision).toMatchObject({ record: { times: { delivered: at(0) } } });
        expect(decision).not.toHaveProperty('record.token');
        expect(decision).not.toHaveProperty('record.lease_until');
      }
    },
  );

  test('is known if the record has it', () => {
    expect(decide(standing('delivered', 5), outcomeOf('delivered'))).toEqual({ to: 'known' });
  });

  test('that comes twice does not undo the replay in between', () => {
    const replayed = standing('accepted', 30, { generation: 2 });
    const knew = { ...replayed, times: { ...replayed.times, delivered: at(0) } };
    expect(decide(knew, outcomeOf('delivered', 0))).toEqual({ to: 'known' });
    // Delivered twice before the operator replayed it, with one delivery known.
    expect(decide(knew, outcomeOf('delivered', 1))).toEqual({ to: 'known' });
    // Of the replay, or of a function with the previous generation.
    for (const [minutes, generation] of [
      [29, 2],
      [31, 1],
      [31, 2],
    ] as const) {
      expect(decide(knew, outcomeOf('delivered', minutes, { generation }))).toMatchObject({ to: 'write' });
    }
  });

  test('creates the record if there is none', () => {
    const decision = decide(undefined, outcomeOf('delivered', 0, { generation: 2 }));
    expect(decision).toMatchObject({
      record: { state: 'delivered', generation: 2, version: 1, claimed_by: 'settler' },
    });
  });
});

describe('another outcome', () => {
  const OTHERS = ['dead', 'filtered', 'cancelled', 'retry'] as const;
  const claim = standing('delivering', -1, { lease_until: at(1), claimed_by: 'holder' });
  const later = standing('delivering', -1, { generation: 2 });
  const [UNSEEN, UNCLAIMED] = [{ lease: { kind: 'unseen' } }, { lease: { kind: 'unclaimed' } }] as const;

  test.each<[string, LedgerRecord, Parameters<typeof outcomeOf>[2], 'write' | 'stale']>([
    ['of a claim that is the last write', claim, claimedAs(claim), 'write'],
    ['of a claim after which its delivery was claimed again', { ...claim, version: 4 }, claimedAs(claim), 'stale'],
    ['of a claim that was settled', { ...claim, state: 'scheduled', version: 4 }, claimedAs(claim), 'stale'],
    ['of a claim with another writer', { ...claim, claimed_by: 'another' }, claimedAs(claim), 'stale'],
    ['of a claim, in an earlier generation', later, claimedAs(claim), 'stale'],
    ['unseen, in an earlier generation', later, UNSEEN, 'stale'],
    ['unclaimed, in an earlier generation', standing('accepted', -1, { generation: 2 }), UNCLAIMED, 'stale'],
    ['unseen, before a change', standing('delivering', 1), UNSEEN, 'stale'],
    ['unseen, after a change', standing('delivering', -1), UNSEEN, 'write'],
    ['unclaimed, before a change', standing('delivering', 1), UNCLAIMED, 'stale'],
    ['unclaimed, after an acceptance', standing('accepted', -1, { version: 4 }), UNCLAIMED, 'write'],
    ['unclaimed, after a lease', standing('delivering', -1, { lease_until: at(0) }), UNCLAIMED, 'write'],
    ['unclaimed, during a lease', standing('delivering', -1, { lease_until: at(1) }), UNCLAIMED, 'stale'],
    ['unclaimed, of what is carried', standing('scheduled', -1, { token: 'g1-d1-m' }), UNCLAIMED, 'stale'],
    ['unclaimed, of what is parked', standing('parked', -1), UNCLAIMED, 'stale'],
    ['unseen, of what is delivered', standing('delivered', -1), UNSEEN, 'stale'],
    ['unseen, of what is filtered', standing('filtered', -1), UNSEEN, 'stale'],
    ['unseen, of what is cancelled', standing('cancelled', -1), UNSEEN, 'stale'],
    ['unseen, of what is dead', standing('dead', -1), UNSEEN, 'stale'],
  ])('%s', (_, record, options, to) => {
    const minutes = options === UNCLAIMED ? 0 : 60;
    for (const outcome of OTHERS) {
      const decision = decide(record, outcomeOf(outcome, 0, options), minutes);
      expect(decision.to).toBe(to);
      expect(decision).not.toHaveProperty('record.lease_until');
    }
  });

  test('of a claim is written during its lease too', () => {
    expect(decide(claim, outcomeOf('dead', 0, claimedAs(claim)), 0)).toMatchObject({
      to: 'write',
      record: { version: 4, claimed_by: 'holder' },
    });
  });

  test('of a later generation counts its attempts from 0', () => {
    const accepted = standing('accepted', -1, { attempt: 4 });
    const outcome = outcomeOf('retry', 0, { ...UNCLAIMED, generation: 2 });
    expect(decide(accepted, outcome)).toMatchObject({ record: { generation: 2, attempt: 1 } });
  });

  test('waits for the end of a lease that its own claim may have left', () => {
    const trace = standing('delivering', -1, { lease_until: at(1) });
    expect(decide(trace, outcomeOf('dead'), 0)).toEqual({ to: 'wait' });
    expect(decide(trace, outcomeOf('dead'), 2)).toMatchObject({ to: 'write', record: { state: 'dead' } });
  });

  test('is written if the record names its own carrier, or an earlier one', () => {
    const waits = standing('scheduled', -1, { token: 'g1-d1-m' });
    const toOf = (carrier: string | undefined) =>
      decide(waits, outcomeOf('retry', 0, { ...(carrier && { carrier }), token: 'g1-a2' })).to;
    expect(['g1-d1-m', 'g1-d2-m', 'g1-d1', 'g1-a1'].map(toOf)).toEqual(Array(4).fill('write'));
    expect(['g1', 'g1-m', 'g0-a9', undefined].map(toOf)).toEqual(Array(4).fill('stale'));
  });

  test('ends what waits for a carrier that ended with it, also after a later change', () => {
    const waits = standing('scheduled', 30, { token: 'g1-a1' });
    expect(decide(waits, outcomeOf('dead', 0, { carrier: 'g1-a1' }))).toMatchObject({ record: { state: 'dead' } });
    expect(decide(waits, outcomeOf('retry', 0, { carrier: 'g1-a1' }))).toEqual({ to: 'stale' });
    expect(decide(waits, outcomeOf('dead', 0, { carrier: 'g1-a2' }))).toEqual({ to: 'stale' });
  });
});

test('for any record: the next version is written, no generation falls, and the same outcome changes nothing more', () => {
  const generation = fc.nat(3);
  const token = fc.constantFrom('g1', 'g1-m', 'g1-a1', 'g1-d1-m', 'g2-a1');
  const minutes = fc.integer({ min: -3, max: 3 });
  const records = fc
    .record({
      state: fc.constantFrom(...DELIVERY_STATES),
      minutes,
      generation,
      version: fc.integer({ min: 1, max: 4 }),
      token,
    })
    .map(({ state, minutes: entered, ...rest }) => standing(state, entered, { ...rest, lease_until: at(1) }));
  const outcomes = fc
    .record({
      outcome: fc.constantFrom('delivered', 'dead', 'filtered', 'cancelled', 'retry'),
      minutes,
      generation,
      carrier: token,
      token,
      lease: fc.oneof(
        fc.constantFrom({ kind: 'unseen' } as const, { kind: 'unclaimed' } as const),
        records.map((record) => ({ kind: 'claimed', record: { ...record, state: 'delivering' } }) as const),
      ),
    })
    .map(({ outcome, minutes: ended, ...rest }) => outcomeOf(outcome as Progress['outcome'], ended, rest));
  fc.assert(
    fc.property(
      fc.option(records, { nil: undefined }),
      outcomes,
      fc.integer({ min: 0, max: 5 }),
      (record, outcome, nowMinutes) => {
        const decision = decide(record, outcome, nowMinutes);
        if (decision.to !== 'write') return;
        expect(decision.record.version).toBe((record?.version ?? 0) + 1);
        expect(decision.record.generation).toBe(Math.max(record?.generation ?? 0, outcome.delivery.generation));
        if (record?.state === 'delivered') throw new Error('a delivery was undone');
        expect(['known', 'stale']).toContain(decide(decision.record, outcome, nowMinutes).to);
      },
    ),
  );
});
