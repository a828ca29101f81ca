import { describe, expect, test } from '@jest/globals';
import type { Delivery } from '../../lambdas/contract/delivery.ts';
import {
  type LedgerRecord,
  ledgerRecordSchema,
  WEBHOOK_STATES,
  type WebhookState,
} from '../../lambdas/contract/ledger.ts';
import {
  asClaimed,
  changedAt,
  decideClaim,
  leaseEndMs,
  leaseMs,
  needsNoCopy,
  newRecord,
} from '../../lambdas/domain/ledger.ts';
import { delivery, ENRICHED, ENTERPRISE, NOW, PLAIN, subject } from '../support/factories.ts';

const SECOND = 1000;
const LEASE = { ms: 40 * SECOND, claimedBy: 'stream-2' };
const at = (seconds: number) => new Date(NOW + seconds * SECOND).toISOString();

/** A record in a state, in generation 1, claimed before. */
function record(state: WebhookState, overrides: Partial<LedgerRecord> = {}): LedgerRecord {
  const accepted = newRecord(subject({ generation: 1, accepted_at: at(-60) }), NOW);
  const times = { ...accepted.times, [state]: at(-30) };
  return { ...accepted, state, times, enrichment: ENRICHED, attempt: 1, version: 3, ...overrides };
}

const copyOf = (generation: number, token?: string): Delivery => ({
  ...delivery(ENRICHED, { generation }),
  ...(token !== undefined && { token }),
});

const verdictOn = (standing: LedgerRecord | undefined, copy: Delivery) =>
  decideClaim(standing, copy, LEASE, NOW).verdict;

function claimed(standing: LedgerRecord | undefined, copy: Delivery): LedgerRecord {
  const decision = decideClaim(standing, copy, LEASE, NOW);
  if (decision.verdict !== 'mine') throw new Error(`it is ${decision.verdict}`);
  return decision.record;
}

describe('who may claim a webhook', () => {
  test('anyone, where nobody ever has', () => {
    expect(verdictOn(undefined, copyOf(0))).toBe('mine');
    expect(verdictOn(undefined, copyOf(3))).toBe('mine');
  });

  test.each(['accepted', 'delivering'] as const)('anyone, of any generation, while nobody has it: %s', (state) => {
    const standing = record(state, { lease_until: at(0) });
    for (const generation of [0, 1, 2]) expect(verdictOn(standing, copyOf(generation))).toBe('mine');
    expect(verdictOn(standing, copyOf(0, 'g0'))).toBe('mine');
  });

  test('nobody else while somebody has it in hand: not a later generation, nor the one that carries it', () => {
    const standing = record('delivering', { lease_until: at(0.001), token: 'g1' });
    for (const copy of [copyOf(0), copyOf(1), copyOf(2), copyOf(1, 'g1')]) {
      expect(decideClaim(standing, copy, LEASE, NOW)).toEqual({ verdict: 'busy', untilMs: NOW + 1 });
    }
  });

  test.each(['scheduled', 'parked'] as const)(
    '%s: who carries it on, by its token, in whatever generation',
    (state) => {
      const standing = record(state, { token: 'g1-a1' });
      expect(verdictOn(standing, copyOf(1, 'g1-a1'))).toBe('mine');
      expect(verdictOn(standing, copyOf(0, 'g1-a1'))).toBe('mine');
      expect(verdictOn(standing, copyOf(1))).toBe('done');
    },
  );

  test.each(['scheduled', 'parked'] as const)(
    '%s: a carrier that is further on, whose outcome the table did not take, and none that is behind',
    (state) => {
      const standing = record(state, { token: 'g1-a1-d1-m' });
      for (const token of ['g1-a1-d2-m', 'g1-a1-d1', 'g1-a2']) {
        expect(verdictOn(standing, copyOf(1, token))).toBe('mine');
      }
      for (const token of ['g1-a1', 'g1-d2-m', 'g1', 'g0-a2']) {
        expect(verdictOn(standing, copyOf(1, token))).toBe('done');
      }
    },
  );

  test.each(['scheduled', 'parked', 'dead'] as const)('%s: a later generation, and no copy of it', (state) => {
    const standing = record(state, { token: 'g1-a1' });
    expect(verdictOn(standing, copyOf(2))).toBe('mine');
    expect(decideClaim(standing, copyOf(1), LEASE, NOW)).toEqual({ verdict: 'done', state });
    expect(verdictOn(standing, copyOf(0))).toBe('done');
  });

  test('at rest, and so without a token: no copy has it either', () => {
    expect(verdictOn(record('parked'), copyOf(1))).toBe('done');
  });

  test('dead: not the execution that carried it, which may have its dead letter to send', () => {
    const standing = record('dead', { token: 'g1-a1' });
    const done = { verdict: 'done', state: 'dead' };
    expect(decideClaim(standing, copyOf(1, 'g1-a1'), LEASE, NOW)).toEqual({ ...done, deadRecord: standing });
    expect(decideClaim(standing, copyOf(1, 'g1-a2'), LEASE, NOW)).toEqual(done);
    expect(decideClaim(record('dead'), copyOf(1), LEASE, NOW)).toEqual(done);
  });

  test.each(['delivered', 'unwanted', 'cancelled'] as const)(
    '%s: a copy has nothing to do, in whatever generation, whoever carries it',
    (state) => {
      const standing = record(state, { token: 'g1-a1' });
      for (const copy of [copyOf(0), copyOf(1), copyOf(1, 'g1-a1'), copyOf(2), copyOf(99)]) {
        expect(decideClaim(standing, copy, LEASE, NOW)).toEqual({ verdict: 'done', state });
      }
    },
  );
});

describe('a claim', () => {
  test('of a webhook that nobody knows writes its first version, as it was accepted', () => {
    const { version, state, times, generation, attempt, attempts, accepted_at } = claimed(undefined, {
      ...copyOf(0),
      accepted_at: at(-5),
    });
    expect({ version, state, generation, attempt, attempts, accepted_at }).toEqual({
      version: 1,
      state: 'delivering',
      generation: 0,
      attempt: 0,
      attempts: [],
      accepted_at: at(-5),
    });
    expect(times).toEqual({ accepted: at(-5), delivering: at(0) });
  });

  test('says until when nobody else may send, and whose it is', () => {
    const { lease_until, claimed_by, version } = claimed(record('accepted', { claimed_by: 'stream-1' }), copyOf(1));
    expect({ lease_until, claimed_by, version }).toEqual({ lease_until: at(40), claimed_by: 'stream-2', version: 4 });
  });

  test('takes the token from whoever carried it until then, and its moment', () => {
    const standing = record('scheduled', { token: 'g1-a1', due_at: at(-1) });
    const after = claimed(standing, copyOf(1, 'g1-a1'));
    expect(after).not.toHaveProperty('token');
    expect(after).not.toHaveProperty('due_at');
  });

  test('keeps what is remembered: tries, times, since when it is parked', () => {
    const attempts = [{ at: at(-30), status: 503, duration_ms: 12, error: '503' }];
    const standing = record('accepted', { attempts, parked_since: at(-30), republished: 2 });
    expect(claimed(standing, copyOf(1))).toMatchObject({ attempts, parked_since: at(-30), republished: 2 });
    expect(claimed(standing, copyOf(1)).times).toEqual({ accepted: at(-30), delivering: at(0) });
  });

  test('of a copy joins the generation, and the tries, of its record', () => {
    const after = claimed(record('accepted', { attempt: 2 }), copyOf(0));
    expect(after).toMatchObject({ generation: 1, attempt: 2 });
    expect(asClaimed(copyOf(0), after)).toMatchObject({ generation: 1, progress: { attempt: 2 } });
  });

  test('counts the tries that its message has made where the ledger missed some', () => {
    const copy = delivery(ENRICHED, { generation: 1 }, { attempt: 5 });
    expect(claimed(record('accepted', { attempt: 2 }), copy).attempt).toBe(5);
  });

  test('by a later generation begins the tries anew', () => {
    expect(claimed(record('dead', { attempt: 9 }), copyOf(2))).toMatchObject({ generation: 2, attempt: 0 });
  });

  test('writes down what the copy will send as learning time', () => {
    expect(claimed(record('accepted'), delivery(PLAIN, { generation: 1 })).enrichment).toEqual(PLAIN);
  });

  test.each(WEBHOOK_STATES)('leaves a record that the ledger can lease: %s', (state) => {
    const standing = record(state, { token: 'g1', lease_until: at(-1) });
    const decision = decideClaim(standing, copyOf(2), LEASE, NOW);
    if (decision.verdict === 'mine') expect(ledgerRecordSchema.parse(decision.record)).toEqual(decision.record);
    else expect(['delivered', 'unwanted', 'cancelled']).toContain(state);
  });
});

describe('a lease', () => {
  test('is longer than DeliverBatch may run, and than a try of its integration may take', () => {
    expect([0, 5, 20, 21, 300].map((seconds) => leaseMs(seconds * SECOND) / SECOND)).toEqual([40, 40, 40, 41, 320]);
  });

  test('is nobody’s in every other state, nor where it does not say until when', () => {
    for (const state of WEBHOOK_STATES.filter((one) => one !== 'delivering')) {
      expect(leaseEndMs(record(state, { lease_until: at(40) }))).toBe(0);
    }
    expect(leaseEndMs(record('delivering'))).toBe(0);
  });
});

describe('a copy that the LMS or the queue brings again', () => {
  test('is forwarded again where nobody knows it, or nobody has carried it to an end or a next moment', () => {
    expect(needsNoCopy(undefined)).toBe(false);
    const forwarded = WEBHOOK_STATES.filter((state) => !needsNoCopy(record(state)));
    expect(forwarded).toEqual(['accepted', 'delivering']);
  });
});

describe('the record of a webhook that has none', () => {
  test('says what its event says, and was never written', () => {
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

  test('was accepted now, where an older version did not say when', () => {
    expect(newRecord(subject(), NOW)).toMatchObject({ accepted_at: at(0), times: { accepted: at(0) } });
  });

  test('entered its state when its time says so; else as it was accepted', () => {
    expect(changedAt(record('scheduled'))).toBe(at(-30));
    expect(changedAt({ ...record('scheduled'), times: {} })).toBe(at(-60));
  });
});
