import { beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { findByFilter, findById, type ReplayFilter } from '../../../commands/replay/find-deliveries.ts';
import { REPLAYED_STATES } from '../../../commands/replay/option-values.ts';
import { DELIVERY_STATES, type LedgerRecord } from '../../../lambdas/ledger/record.ts';
import { eventOf, newRecord } from '../../../lambdas/ledger/transitions.ts';
import { NOW, subject } from '../../support/factories.ts';
import { createMemoryLedger, type MemoryLedger } from '../../support/memory-ledger.ts';

const HOUR_MS = 3600_000;
const iso = (ms: number) => new Date(ms).toISOString();

let ledger: MemoryLedger;

beforeEach(() => {
  ledger = createMemoryLedger();
});

/** A delivery in the ledger. @returns its record */
async function put(event_id: string, hoursAgo: number, change: Partial<LedgerRecord>): Promise<LedgerRecord> {
  const accepted_at = iso(NOW - hoursAgo * HOUR_MS);
  const accepted = subject({ event_id, accepted_at, integration_id: change.integration_id ?? 'acme' });
  await ledger.putEvents([eventOf(accepted, NOW)]);
  const record = { ...newRecord(accepted, NOW), version: 2, ...change };
  await ledger.overwrite(record);
  return record;
}

describe('by a filter', () => {
  test('all that fit and nothing else, each once, the oldest first', async () => {
    const anyDelivery = fc.record({
      hoursAgo: fc.integer({ min: 0, max: 100 }),
      change: fc.record({
        integration_id: fc.constantFrom('acme', 'globex'),
        state: fc.constantFrom(...DELIVERY_STATES),
        reason: fc.constantFrom('HTTP 404', 'HTTP 410', 'no response: TIMEOUT'),
      }),
    });
    const anyFilter: fc.Arbitrary<ReplayFilter> = fc.record({
      integrationId: fc.constantFrom(undefined, 'acme', 'globex', 'unknown'),
      states: fc.subarray(REPLAYED_STATES.slice(), { minLength: 1 }),
      span: fc.tuple(fc.integer({ min: 0, max: 110 }), fc.integer({ min: 0, max: 110 })).map(([one, other]) => ({
        from: iso(NOW - Math.max(one, other) * HOUR_MS),
        until: iso(NOW - Math.min(one, other) * HOUR_MS),
      })),
      reason: fc.constantFrom(undefined, 'HTTP', '410', 'teapot'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(anyDelivery, { maxLength: 15 }), anyFilter, async (deliveries, filter) => {
        ledger = createMemoryLedger();
        const records: LedgerRecord[] = [];
        for (const [position, { hoursAgo, change }] of deliveries.entries()) {
          records.push(await put(`${position}`, hoursAgo, change));
        }
        const expected = records.filter((record) => fits(record, filter)).map(({ webhook_id }) => webhook_id);
        const found = await findByFilter(ledger, filter);
        expect(found.map(({ webhook_id }) => webhook_id).toSorted()).toEqual(expected.toSorted());
        const times = found.map(({ accepted_at }) => accepted_at);
        expect(times).toEqual(times.toSorted());
      }),
      { numRuns: 60 },
    );
  });

  test('one that its lists have twice, while they are read, is found once', async () => {
    await put('1', 2, { state: 'dead' });
    const { listRecords } = ledger;
    ledger.listRecords = async function* (...asked) {
      yield* listRecords(...asked);
      yield* listRecords(...asked);
    };
    const span = { from: iso(0), until: iso(NOW) };
    const found = await findByFilter(ledger, { integrationId: undefined, states: ['dead'], span, reason: undefined });
    expect(found).toHaveLength(1);
  });
});

function fits({ integration_id, state, accepted_at, reason = '' }: LedgerRecord, filter: ReplayFilter): boolean {
  return (
    [undefined, integration_id].includes(filter.integrationId) &&
    filter.states.includes(state) &&
    accepted_at >= filter.span.from &&
    accepted_at <= filter.span.until &&
    reason.includes(filter.reason ?? '')
  );
}

describe('by id', () => {
  test('in the order of the ids, each once, and whether it is in flight', async () => {
    const dead = await put('dead', 2, { state: 'dead' });
    const again = await put('again', 2, { state: 'accepted' });
    const held = await put('held', 2, { state: 'delivering', lease_until: iso(NOW + 1) });
    const lost = await put('lost', 2, { state: 'delivering', lease_until: iso(NOW) });
    const unclaimed = eventOf(subject({ event_id: 'unclaimed' }), NOW);
    await ledger.putEvents([unclaimed]);
    const asked = [lost, dead, unclaimed, held, again, dead].map(({ webhook_id }) => webhook_id);
    const found = await findById(ledger, asked, NOW);
    expect(found.map(({ webhook_id, state, isInFlight }) => [webhook_id, state, isInFlight])).toEqual([
      [lost.webhook_id, 'delivering', false],
      [dead.webhook_id, 'dead', false],
      [unclaimed.webhook_id, 'accepted', true],
      [held.webhook_id, 'delivering', true],
      [again.webhook_id, 'accepted', true],
    ]);
  });

  test('what can be no id is never looked up', async () => {
    ledger.records = async (ids) => {
      expect(ids).toEqual([]);
      return new Map();
    };
    await expect(findById(ledger, ['wh_1', `WH_${'A'.repeat(40)}`, ''], NOW)).rejects.toMatchObject({
      ...{ name: 'CommandFailed', message: expect.stringMatching(/^no deliveries have the ids wh_1, WH_A+, /) },
    });
  });
});
