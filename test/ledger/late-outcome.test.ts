import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Progress } from '../../lambdas/events/delivery.ts';
import { decideLate, factsOf } from '../../lambdas/ledger/late-outcome.ts';
import { type LedgerRecord, WEBHOOK_STATES } from '../../lambdas/ledger/record.ts';
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
  test.each(WEBHOOK_STATES.filter((state) => state !== 'delivered'))('wins over %s, whatever came later', (state) => {
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
  });

  test('is known where the record says so', () => {
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

  test('makes the record where there is none', () => {
    const decision = decide(undefined, outcomeOf('delivered', 0, { generation: 2 }));
    expect(decision).toMatchObject({
      record: { state: 'delivered', generation: 2, version: 1, claimed_by: 'settler' },
    });
  });
});

describe('another outcome', () => {
  const OTHERS = ['dead', 'filtered', 'cancelled', 'retry'] as const;

  test.each(OTHERS)('(%s) of a claim is written where that claim stands, under its lease or not', (outcome) => {
    const claim = standing('delivering', -1, { lease_until: at(1), claimed_by: 'holder' });
    for (const minutes of [0, 60]) {
      expect(decide(claim, outcomeOf(outcome, 0, claimedAs(claim)), minutes)).toMatchObject({
        to: 'write',
        record: { version: 4, claimed_by: 'holder' },
      });
    }
  });

  test.each(OTHERS)('(%s) of a claim is stale where anything was written since, itself too', (outcome) => {
    const claim = standing('delivering', -1, { claimed_by: 'holder' });
    for (const state of ['delivering', 'scheduled', 'dead'] as const) {
      const since = standing(state, -1, { version: 4, claimed_by: 'holder' });
      expect(decide(since, outcomeOf(outcome, 0, claimedAs(claim)))).toEqual({ to: 'stale' });
    }
  });

  test.each(OTHERS)('(%s) never changes a later generation', (outcome) => {
    const claim = standing('delivering', -1);
    for (const state of ['accepted', 'delivering'] as const) {
      const later = standing(state, -1, { generation: 2 });
      for (const lease of [{ kind: 'unseen' }, { kind: 'unclaimed' }, claimedAs(claim).lease] as const) {
        expect(decide(later, outcomeOf(outcome, 0, { lease }))).toEqual({ to: 'stale' });
      }
    }
  });

  test.each(OTHERS)('(%s) gives way to a later change of its own generation', (outcome) => {
    for (const kind of ['unseen', 'unclaimed'] as const) {
      const lease = { lease: { kind } };
      expect(decide(standing('delivering', 1), outcomeOf(outcome, 0, lease))).toEqual({ to: 'stale' });
      expect(decide(standing('delivering', -1), outcomeOf(outcome, 0, lease))).toMatchObject({ to: 'write' });
    }
  });

  test.each(['delivered', 'filtered', 'cancelled', 'dead'] as const)('never changes what is %s', (state) => {
    for (const outcome of OTHERS) expect(decide(standing(state, -1), outcomeOf(outcome))).toEqual({ to: 'stale' });
  });

  test.each<[string, LedgerRecord, boolean]>([
    ['an acceptance', standing('accepted', -1, { version: 4 }), true],
    ['a lease that has ended', standing('delivering', -1, { lease_until: at(0) }), true],
    ['a lease that runs', standing('delivering', -1, { lease_until: at(1) }), false],
    ['what a message or an execution carries', standing('scheduled', -1, { token: 'g1-d1-m' }), false],
    ['what rests', standing('parked', -1), false],
  ])('without a claim, changes %s only where nothing holds or carries it: %j', (_, record, isChanged) => {
    const decision = decide(record, outcomeOf('retry', 0, { lease: { kind: 'unclaimed' } }), 0);
    expect(decision.to).toBe(isChanged ? 'write' : 'stale');
    expect(decision).not.toHaveProperty('record.lease_until');
  });

  test('of a later generation counts its attempts from 0', () => {
    const accepted = standing('accepted', -1, { attempt: 4 });
    const outcome = outcomeOf('retry', 0, { lease: { kind: 'unclaimed' }, generation: 2 });
    expect(decide(accepted, outcome)).toMatchObject({ record: { generation: 2, attempt: 1 } });
  });

  test('waits where the lease runs that its own claim may have left', () => {
    const trace = standing('delivering', -1, { lease_until: at(1) });
    expect(decide(trace, outcomeOf('dead'), 0)).toEqual({ to: 'wait' });
    expect(decide(trace, outcomeOf('dead'), 2)).toMatchObject({ to: 'write', record: { state: 'dead' } });
  });

  test('is written where its own carrier is named, or one before it', () => {
    const waits = standing('scheduled', -1, { token: 'g1-d1-m' });
    for (const carrier of ['g1-d1-m', 'g1-d2-m', 'g1-d1', 'g1-a1']) {
      const outcome = outcomeOf('retry', 0, { carrier, token: 'g1-a2' });
      expect(decide(waits, outcome)).toMatchObject({ to: 'write', record: { token: 'g1-a2' } });
    }
    for (const carrier of ['g1', 'g1-m', 'g0-a9', undefined]) {
      expect(decide(waits, outcomeOf('retry', 0, { ...(carrier && { carrier }), token: 'g1-a2' }))).toEqual({
        to: 'stale',
      });
    }
  });

  test('ends what waits for a carrier that ended with it, whenever that was written', () => {
    const waits = standing('scheduled', 30, { token: 'g1-a1' });
    expect(decide(waits, outcomeOf('dead', 0, { carrier: 'g1-a1' }))).toMatchObject({ record: { state: 'dead' } });
    expect(decide(waits, outcomeOf('retry', 0, { carrier: 'g1-a1' }))).toEqual({ to: 'stale' });
    expect(decide(waits, outcomeOf('dead', 0, { carrier: 'g1-a2' }))).toEqual({ to: 'stale' });
  });
});

test('whatever stands: what is written is the next version, no generation falls, and the same outcome changes nothing more', () => {
  const generation = fc.nat(3);
  const token = fc.constantFrom('g1', 'g1-m', 'g1-a1', 'g1-d1-m', 'g2-a1');
  const minutes = fc.integer({ min: -3, max: 3 });
  const records = fc
    .record({
      state: fc.constantFrom(...WEBHOOK_STATES),
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
