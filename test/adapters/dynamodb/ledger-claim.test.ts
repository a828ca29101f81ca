import { describe, expect, test } from '@jest/globals';
import { claimWebhook } from '../../../lambdas/adapters/dynamodb/ledger-claim.ts';
import type { Delivery, Progress } from '../../../lambdas/contract/delivery.ts';
import type { LedgerRecord } from '../../../lambdas/contract/ledger.ts';
import type { Claim, Hold, LedgerTable } from '../../../lambdas/contract/ledger-ports.ts';
import { newRecord } from '../../../lambdas/domain/ledger.ts';
import { delivery, ENRICHED, NOW } from '../../support/factories.ts';
import { sharedLedgerTable } from '../../support/ledger-table.ts';

const LEASE_MS = 40_000;

const ledger = sharedLedgerTable(2);

let made = 0;
function newDelivery(overrides: Partial<Delivery> = {}, progress: Partial<Progress> = {}): Delivery {
  made += 1;
  return delivery(ENRICHED, { event_id: `event-${made}`, ...overrides }, progress);
}

const claim = (one: Delivery, table: Pick<LedgerTable, 'record' | 'replace'> = ledger.table) =>
  claimWebhook(one, LEASE_MS, { table, claimedBy: 'stream-1', now: () => ledger.nowMs });

function holdOf(claimed: Claim): Hold & { readonly record: LedgerRecord } {
  if (claimed.verdict !== 'mine' || claimed.hold.record === undefined) throw new Error(`it is ${claimed.verdict}`);
  return { ...claimed.hold, record: claimed.hold.record };
}
const operations = () => ledger.front.calls.map(({ operation }) => operation);

describe('a first claim', () => {
  test('is one conditional write, and nothing is read', async () => {
    const one = newDelivery();
    const { record } = holdOf(await claim(one));
    expect(operations()).toEqual(['PutItem']);
    expect(record).toMatchObject({
      state: 'delivering',
      version: 1,
      lease_until: new Date(NOW + LEASE_MS).toISOString(),
    });
    expect(await ledger.table.record(one.webhook_id)).toEqual(record);
  });

  test('says who made it, and which of that function’s claims it is', async () => {
    const [one, other] = [holdOf(await claim(newDelivery())), holdOf(await claim(newDelivery()))];
    expect(one.record.claimed_by).toMatch(/^stream-1#[0-9a-f]{6}$/);
    expect(other.record.claimed_by).not.toBe(one.record.claimed_by);
  });

  test.each<[string, Partial<Delivery>, Partial<Progress>]>([
    ['a token', { token: 'g0' }, {}],
    ['a later generation', { generation: 1 }, {}],
    ['a try that was made', {}, { attempt: 1 }],
    ['a deferral', {}, { deferrals: 1 }],
  ])('of what comes with %s reads first: there is a record already', async (_, overrides, progress) => {
    holdOf(await claim(newDelivery(overrides, progress)));
    expect(operations()).toEqual(['GetItem', 'PutItem']);
  });
});

test('a claim of an accepted delivery goes on in the generation of its record', async () => {
  const one = newDelivery();
  await ledger.table.overwrite({ ...newRecord(one, NOW), version: 1, generation: 3 });
  const { delivery: held, record } = holdOf(await claim(one));
  expect([held.generation, record.generation]).toEqual([3, 3]);
});

test.each<[string, (one: Delivery) => Promise<Delivery>]>([
  ['that was never claimed', async (one) => one],
  [
    'whose lease has ended',
    async (one) => {
      await claim(one);
      ledger.nowMs += LEASE_MS;
      return one;
    },
  ],
  [
    'whose token all of them carry',
    async (one) => {
      await ledger.table.overwrite({ ...newRecord(one, NOW), version: 1, state: 'scheduled', token: 'g0-a1' });
      return { ...one, token: 'g0-a1' };
    },
  ],
])('of 50 claims of a delivery %s at the same time one is granted', async (_, before) => {
  const one = await before(newDelivery());
  const claims = await Promise.all(Array.from({ length: 50 }, () => claim(one)));
  const others = claims.filter(({ verdict }) => verdict !== 'mine');
  expect(others).toEqual(Array(49).fill({ verdict: 'busy', untilMs: ledger.nowMs + LEASE_MS }));
});

describe('an answer that was lost', () => {
  test('leaves a claim that is known as one’s own when the SDK repeats it', async () => {
    const one = newDelivery();
    ledger.front.decide((_, position) => (position === 0 ? 'lose' : 'pass'));
    const { record } = holdOf(await claim(one));
    expect(operations()).toEqual(['PutItem', 'PutItem', 'GetItem']);
    expect(await ledger.table.record(one.webhook_id)).toEqual(record);
  });

  test('is not taken for one’s own where another claim of the same function stands', async () => {
    const one = newDelivery();
    holdOf(await claim(one));
    ledger.front.calls.length = 0;
    ledger.front.decide((_, position) => (position === 0 ? 'lose' : 'pass'));
    expect(await claim(one)).toMatchObject({ verdict: 'busy' });
  });
});

test('a record that changes each time it was read counts as busy', async () => {
  const one = newDelivery();
  const changing: Pick<LedgerTable, 'record' | 'replace'> = {
    record: async () => ({ ...newRecord(one, NOW), version: 5 }),
    replace: async () => false,
  };
  expect(await claim(one, changing)).toEqual({ verdict: 'busy', untilMs: NOW });
});
