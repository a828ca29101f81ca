import { describe, expect, test } from '@jest/globals';
import type { Delivery, Progress } from '../../../lambdas/events/delivery.ts';
import { factsOf } from '../../../lambdas/ledger/late-outcome.ts';
import type { Claim, LedgerTable, Settlement } from '../../../lambdas/ledger/ports.ts';
import type { LedgerRecord } from '../../../lambdas/ledger/record.ts';
import { claimWebhook, settleClaimed, settleLate } from '../../../lambdas/ledger/table/claim-and-settle.ts';
import { newRecord, reopened } from '../../../lambdas/ledger/transitions.ts';
import type { UnsettledOutcome } from '../../../lambdas/ledger/unsettled-outcome.ts';
import { delivery, ENRICHED, NOW } from '../../support/factories.ts';
import { sharedLedgerTable } from '../../support/ledger-table.ts';

const LEASE_MS = 40_000;

const ledger = sharedLedgerTable(2);

let made = 0;
function newDelivery(overrides: Partial<Delivery> = {}, progress: Partial<Progress> = {}): Delivery {
  made += 1;
  return delivery(ENRICHED, { event_id: `event-${made}`, ...overrides }, progress);
}
const options = (table: Pick<LedgerTable, 'record' | 'replace'> = ledger.table) => ({
  ...{ table, claimedBy: 'stream-1', now: () => ledger.nowMs },
});
const claim = (one: Delivery, table?: Parameters<typeof options>[0]) => claimWebhook(one, LEASE_MS, options(table));
function recordOf(claimed: Claim): LedgerRecord {
  if (claimed.verdict !== 'claimed' || claimed.lease.record === undefined) throw new Error(`it is ${claimed.verdict}`);
  return claimed.lease.record;
}
const settleHeld = (record: LedgerRecord, settlement: Settlement) =>
  settleClaimed(record, settlement, ledger.nowMs, ledger.table);
const stateOf = async ({ webhook_id }: Delivery) => (await ledger.table.record(webhook_id))?.state;
const operations = () => ledger.front.calls.map(({ operation }) => operation);

const ended = (outcome: Progress['outcome'], more: Partial<Progress> = {}, token?: string): Settlement => ({
  progress: { enrichment: ENRICHED, attempt: 1, due_at: null, ...(outcome && { outcome }), ...more },
  ...(token !== undefined && { token }),
});
const outcome = (one: Delivery, settlement: Settlement, kind: 'unseen' | 'unclaimed'): UnsettledOutcome => ({
  ...{
    schema_version: 1,
    at: new Date(ledger.nowMs).toISOString(),
    delivery: factsOf(one),
    lease: { kind },
    settlement,
  },
});
const DELIVERED = ended('delivered');
const SCHEDULED = ended('retry', { due_at: new Date(NOW + 60_000).toISOString() }, 'g0-a1');

async function claimed(one: Delivery): Promise<LedgerRecord> {
  const record = recordOf(await claim(one));
  ledger.front.calls.length = 0;
  return record;
}

async function standing(one: Delivery, overrides: Partial<LedgerRecord>): Promise<LedgerRecord> {
  const record = { ...newRecord(one, NOW), version: 1, ...overrides };
  await ledger.table.overwrite(record);
  ledger.front.calls.length = 0;
  return record;
}

describe('a first claim', () => {
  test('is one conditional write, and nothing is read', async () => {
    const one = newDelivery();
    const record = recordOf(await claim(one));
    expect(operations()).toEqual(['PutItem']);
    expect(record).toMatchObject({
      state: 'delivering',
      version: 1,
      lease_until: new Date(NOW + LEASE_MS).toISOString(),
    });
    expect(await ledger.table.record(one.webhook_id)).toEqual(record);
  });

  test('has its writer’s name, which is unique per claim', async () => {
    const [one, other] = [await claimed(newDelivery()), await claimed(newDelivery())];
    expect(one.claimed_by).toMatch(/^stream-1#[0-9a-f]{6}$/);
    expect(other.claimed_by).not.toBe(one.claimed_by);
  });

  test.each<[string, Partial<Delivery>, Partial<Progress>]>([
    ['a token', { token: 'g0' }, {}],
    ['a later generation', { generation: 1 }, {}],
    ['a try that was made', {}, { attempt: 1 }],
    ['a deferral', {}, { deferrals: 1 }],
  ])('of a delivery with %s reads first, because there is a record', async (_, overrides, progress) => {
    await claim(newDelivery(overrides, progress));
    expect(operations()).toEqual(['GetItem', 'PutItem']);
  });
});

test('a claim of an accepted delivery takes the generation of its record', async () => {
  const one = newDelivery();
  await ledger.table.overwrite({ ...newRecord(one, NOW), version: 1, generation: 3 });
  const lease = { delivery: { generation: 3 }, record: { generation: 3 } };
  expect(await claim(one)).toMatchObject({ verdict: 'claimed', lease });
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
  const others = claims.filter(({ verdict }) => verdict !== 'claimed');
  expect(others).toEqual(Array(49).fill({ verdict: 'busy', untilMs: ledger.nowMs + LEASE_MS }));
});

describe('a lost response', () => {
  test('does not lose a claim: the writer recognizes it when the SDK repeats the write', async () => {
    const one = newDelivery();
    ledger.front.decide((_, position) => (position === 0 ? 'lose' : 'pass'));
    const record = recordOf(await claim(one));
    expect(operations()).toEqual(['PutItem', 'PutItem', 'GetItem']);
    expect(await ledger.table.record(one.webhook_id)).toEqual(record);
  });

  test('is not confused with another claim of the same function', async () => {
    const one = newDelivery();
    await claimed(one);
    ledger.front.decide((_, position) => (position === 0 ? 'lose' : 'pass'));
    expect(await claim(one)).toMatchObject({ verdict: 'busy' });
  });
});

describe('a claimed webhook', () => {
  test('is settled as delivered in a batch with others', async () => {
    const deliveries = Array.from({ length: 10 }, () => newDelivery());
    const records = await Promise.all(deliveries.map(claimed));
    const settlements = records.map((record) => settleHeld(record, DELIVERED));
    expect(new Set(await Promise.all(settlements))).toEqual(new Set(['written']));
    expect(operations()).toEqual(['BatchWriteItem']);
    expect(await ledger.table.record(records[0]?.webhook_id ?? '')).toMatchObject({ state: 'delivered', attempt: 1 });
  });

  test('is settled otherwise only if the claim is the last write', async () => {
    const one = newDelivery();
    const record = await claimed(one);
    expect(await settleHeld(record, SCHEDULED)).toBe('written');
    expect(operations()).toEqual(['PutItem']);
    expect(await ledger.table.record(one.webhook_id)).toMatchObject({ state: 'scheduled', version: 2 });
  });

  test('that another function has claimed since is not changed', async () => {
    const one = newDelivery();
    const before = await claimed(one);
    ledger.nowMs += LEASE_MS;
    const after = await claimed(one);
    expect(await settleHeld(before, SCHEDULED)).toBe('lost');
    expect(await ledger.table.record(one.webhook_id)).toEqual(after);
  });

  test('whose settlement’s response was lost counts as written', async () => {
    const one = newDelivery();
    const record = await claimed(one);
    ledger.front.decide((_, position) => (position === 0 ? 'lose' : 'pass'));
    expect(await settleHeld(record, SCHEDULED)).toBe('written');
    expect(await stateOf(one)).toBe('scheduled');
  });

  test('that an operator has replayed since is not confused with its own settlement', async () => {
    const one = newDelivery();
    const record = await claimed(one);
    ledger.nowMs += LEASE_MS;
    await ledger.table.replace(reopened(record, 'replay', ledger.nowMs) as LedgerRecord);
    expect(await settleHeld(record, SCHEDULED)).toBe('lost');
    expect(await stateOf(one)).toBe('accepted');
  });
});

test.each([1, 3])('a delivered outcome remains although %i functions claimed the delivery since', async (takeovers) => {
  const one = newDelivery();
  const first = await claimed(one);
  let latest = first;
  for (let takeover = 0; takeover < takeovers; takeover += 1) {
    ledger.nowMs += LEASE_MS;
    latest = await claimed(one);
  }
  expect(await settleHeld(first, DELIVERED)).toBe('written');
  expect(await settleHeld(latest, SCHEDULED)).toBe('lost');
  expect(await stateOf(one)).toBe('delivered');
});

describe('a webhook sent while the table did not respond', () => {
  const settle = (one: Delivery, settlement: Settlement) => settleLate(outcome(one, settlement, 'unseen'), options());

  test('is not changed if another function has a lease, or something carries it', async () => {
    const [busy, carried] = [newDelivery(), newDelivery()];
    await claimed(busy);
    await standing(carried, { state: 'scheduled', token: 'g0-a1' });
    expect(await settle(busy, SCHEDULED)).toBe('busy');
    expect(await settle(carried, ended('dead'))).toBe('lost');
    expect(await stateOf(busy)).toBe('delivering');
    expect(await stateOf(carried)).toBe('scheduled');
  });

  test('is written as delivered even then', async () => {
    const one = newDelivery();
    const other = await claimed(one);
    expect(await settle(one, DELIVERED)).toBe('written');
    expect(await settleHeld(other, SCHEDULED)).toBe('lost');
    expect(await stateOf(one)).toBe('delivered');
  });

  test('is not written if it is recorded as delivered', async () => {
    const one = newDelivery();
    const before = await standing(one, { state: 'delivered', reason: 'answered 200' });
    expect(await settle(one, DELIVERED)).toBe('written');
    expect(await settle(one, ended('dead'))).toBe('lost');
    expect(await ledger.table.record(one.webhook_id)).toEqual(before);
  });

  test('counts as written if the response was lost', async () => {
    const one = newDelivery();
    ledger.front.decide(({ operation }, position) => (operation === 'PutItem' && position === 1 ? 'lose' : 'pass'));
    expect(await settle(one, SCHEDULED)).toBe('written');
    expect(operations()).toEqual(['GetItem', 'PutItem', 'PutItem', 'GetItem']);
    expect(await stateOf(one)).toBe('scheduled');
  });
});

describe('an outcome without a claim', () => {
  const settle = (one: Delivery, settlement: Settlement = SCHEDULED) =>
    settleLate(outcome(one, settlement, 'unclaimed'), options());

  test('is one conditional write', async () => {
    const one = newDelivery();
    expect(await settle(one)).toBe('written');
    expect(operations()).toEqual(['PutItem']);
    expect(await ledger.table.record(one.webhook_id)).toMatchObject({ state: 'scheduled', token: 'g0-a1', version: 1 });
  });

  test('is decided again if there is a record', async () => {
    const one = newDelivery();
    const before = await standing(one, { state: 'delivered' });
    expect(await settle(one)).toBe('lost');
    expect(operations()).toEqual(['PutItem', 'GetItem']);
    expect(await ledger.table.record(one.webhook_id)).toEqual(before);
  });

  test('whose response was lost is written once', async () => {
    const one = newDelivery();
    ledger.front.decide((_, position) => (position === 0 ? 'lose' : 'pass'));
    await settle(one);
    expect(await ledger.table.record(one.webhook_id)).toMatchObject({ state: 'scheduled', version: 1 });
  });
});

test('a record that changes after every read counts as busy', async () => {
  const one = newDelivery();
  const table = { record: async () => ({ ...newRecord(one, NOW), version: 5 }), replace: async () => false };
  expect(await claim(one, table)).toEqual({ verdict: 'busy', untilMs: NOW });
  for (const kind of ['unseen', 'unclaimed'] as const) {
    expect(await settleLate(outcome(newDelivery(), SCHEDULED, kind), options(table))).toBe('busy');
  }
});
