import { describe, expect, test } from '@jest/globals';
import type { Delivery, Progress } from '../../../lambdas/events/delivery.ts';
import { factsOf } from '../../../lambdas/ledger/late-outcome.ts';
import type { LedgerTable, Settlement } from '../../../lambdas/ledger/ports.ts';
import type { LedgerRecord } from '../../../lambdas/ledger/record.ts';
import {
  claimDelivery,
  isReplaced,
  settleClaimed,
  settleLate,
} from '../../../lambdas/ledger/table/claim-and-settle.ts';
import { newRecord, reopened } from '../../../lambdas/ledger/transitions.ts';
import { delivery, ENRICHED, NOW } from '../../support/factories.ts';
import { sharedLedgerTable } from '../../support/ledger-table.ts';

/** Calls and races over a real table. What a claim or a late outcome decides is tested without one. */

const LEASE_MS = 40_000;

const ledger = sharedLedgerTable(2);

let made = 0;
function newDelivery(overrides: Partial<Delivery> = {}, progress: Partial<Progress> = {}): Delivery {
  made += 1;
  return delivery(ENRICHED, { event_id: `event-${made}`, ...overrides }, progress);
}
type RecordTable = Pick<LedgerTable, 'record' | 'replace' | 'putOpen'>;
const options = (table: RecordTable = ledger.table) => ({ table, claimedBy: 'stream-1', now: () => ledger.nowMs });
const claim = (one: Delivery, table?: RecordTable) => claimDelivery(one, LEASE_MS, options(table));
const settle = (record: LedgerRecord, settlement: Settlement) =>
  settleClaimed(record, settlement, ledger.nowMs, ledger.table);
const settleWithout = (kind: 'unseen' | 'unclaimed', one: Delivery, table?: RecordTable) => {
  const at = new Date(ledger.nowMs).toISOString();
  const outcome = { schema_version: 1, at, delivery: factsOf(one), lease: { kind }, settlement: SCHEDULED } as const;
  return settleLate(outcome, options(table));
};
const standing = ({ webhook_id }: Delivery) => ledger.table.record(webhook_id);
const operations = () => ledger.front.calls.map(({ operation }) => operation);
const loseResponse = (lost: number) => ledger.front.decide((_, position) => (position === lost ? 'lose' : 'pass'));

const progress = { enrichment: ENRICHED, attempt: 1, due_at: null };
const DELIVERED: Settlement = { progress: { ...progress, outcome: 'delivered' } };
const SCHEDULED: Settlement = { progress: { ...progress, outcome: 'retry' }, token: 'g0-a1' };

async function claimed(one: Delivery): Promise<LedgerRecord> {
  const result = await claim(one);
  if (result.verdict !== 'claimed' || result.lease.record === undefined) throw new Error(`it is ${result.verdict}`);
  ledger.front.calls.length = 0;
  return result.lease.record;
}

describe('a claim', () => {
  test('is one conditional write without a read, and names its writer uniquely', async () => {
    const one = newDelivery();
    await claim(one);
    expect(operations()).toEqual(['PutItem']);
    const [record, other] = [await standing(one), await claimed(newDelivery())];
    expect(record).toMatchObject({ state: 'delivering', version: 1, claimed_by: expect.stringMatching(/^stream-1#/) });
    expect(other.claimed_by).not.toBe(record?.claimed_by);
  });

  test.each<[string, Partial<Delivery>, Partial<Progress>]>([
    ['a token', { token: 'g0' }, {}],
    ['a later generation', { generation: 1 }, {}],
    ['an earlier attempt', {}, { attempt: 1 }],
    ['a deferral', {}, { deferrals: 1 }],
  ])('of a delivery with %s reads first, because there is a record', async (_, overrides, more) => {
    await claim(newDelivery(overrides, more));
    expect(operations()).toEqual(['GetItem', 'PutItem']);
  });

  test.each(['accepted', 'scheduled'] as const)('of 20 at the same time, one is granted: %s', async (state) => {
    const one = newDelivery({ token: 'g0-a1' });
    await ledger.table.overwrite({ ...newRecord(one, NOW), version: 1, state, token: 'g0-a1', generation: 3 });
    const claims = await Promise.all(Array.from({ length: 20 }, () => claim(one)));
    expect(claims).toContainEqual(
      expect.objectContaining({
        lease: { delivery: expect.objectContaining({ generation: 3 }), record: expect.anything() },
      }),
    );
    const others = claims.filter(({ verdict }) => verdict !== 'claimed');
    expect(others).toEqual(Array(19).fill({ verdict: 'busy', untilMs: ledger.nowMs + LEASE_MS }));
  });

  test('whose response was lost is recognized when the SDK repeats the write', async () => {
    const one = newDelivery();
    loseResponse(0);
    expect(await claim(one)).toMatchObject({ verdict: 'claimed' });
    expect(operations()).toEqual(['PutItem', 'PutItem', 'GetItem']);
  });

  test('is not confused with another one of the same function', async () => {
    const one = newDelivery();
    await claimed(one);
    loseResponse(0);
    expect(await claim(one)).toMatchObject({ verdict: 'busy' });
  });
});

describe('claims of a batch', () => {
  test('are one conditional call without a read, and each is granted by itself', async () => {
    const deliveries = Array.from({ length: 10 }, () => newDelivery());
    await claimed(deliveries[3] as Delivery);
    const table = ledger.deliveryTable();
    const claims = await Promise.all(deliveries.map((one) => claim(one, table)));
    expect(claims.map(({ verdict }) => verdict)).toEqual(deliveries.map((_, at) => (at === 3 ? 'busy' : 'claimed')));
    expect(operations()).toEqual(['BatchExecuteStatement', 'GetItem']);
  });

  test('of several functions at the same time are granted once each', async () => {
    const deliveries = Array.from({ length: 10 }, () => newDelivery());
    const functions = Array.from({ length: 4 }, (_, at) => ({
      table: ledger.deliveryTable(),
      claimedBy: `stream-${at}`,
    }));
    const claims = await Promise.all(
      functions.map(({ table, claimedBy }) =>
        Promise.all(deliveries.map((one) => claimDelivery(one, LEASE_MS, { ...options(table), claimedBy }))),
      ),
    );
    for (const [at, one] of deliveries.entries()) {
      const verdicts = claims.map((all) => all[at]);
      const granted = verdicts.filter((each) => each?.verdict === 'claimed');
      expect(verdicts.map((each) => each?.verdict).toSorted()).toEqual(['busy', 'busy', 'busy', 'claimed']);
      expect(granted).toMatchObject([{ lease: { record: await standing(one) } }]);
    }
  });

  test('of two copies of one delivery are granted once', async () => {
    const [one, other] = [newDelivery(), newDelivery()];
    const table = ledger.deliveryTable();
    const claims = await Promise.all([one, other, one].map((each) => claim(each, table)));
    expect(claims.map(({ verdict }) => verdict)).toEqual(['claimed', 'claimed', 'busy']);
  });

  test('whose response was lost are recognized when the call is repeated', async () => {
    const table = ledger.deliveryTable();
    loseResponse(0);
    const claims = await Promise.all([newDelivery(), newDelivery()].map((one) => claim(one, table)));
    expect(claims.map(({ verdict }) => verdict)).toEqual(['claimed', 'claimed']);
    expect(operations()).toEqual(['BatchExecuteStatement', 'BatchExecuteStatement', 'GetItem', 'GetItem']);
  });
});

describe('a claimed delivery', () => {
  test('is settled as delivered in a batch with others', async () => {
    const records = await Promise.all(Array.from({ length: 10 }, () => claimed(newDelivery())));
    expect(new Set(await Promise.all(records.map((record) => settle(record, DELIVERED))))).toEqual(
      new Set(['written']),
    );
    expect(operations()).toEqual(['BatchWriteItem']);
  });

  test('is settled otherwise only if the claim is the last write', async () => {
    const one = newDelivery();
    const before = await claimed(one);
    ledger.nowMs += LEASE_MS;
    const after = await claimed(one);
    expect(await settle(before, SCHEDULED)).toBe('lost');
    expect(await standing(one)).toEqual(after);
    expect(await settle(after, SCHEDULED)).toBe('written');
    expect(await standing(one)).toMatchObject({ state: 'scheduled', version: 3 });
  });

  test('whose settlement’s response was lost counts as written', async () => {
    const one = newDelivery();
    const record = await claimed(one);
    loseResponse(0);
    expect(await settle(record, SCHEDULED)).toBe('written');
    expect(await standing(one)).toMatchObject({ state: 'scheduled', version: 2 });
  });

  test('that an operator has replayed since is not confused with its own settlement', async () => {
    const one = newDelivery();
    const record = await claimed(one);
    ledger.nowMs += LEASE_MS;
    await ledger.table.replace(reopened(record, 'replay', ledger.nowMs) as LedgerRecord);
    expect(await settle(record, SCHEDULED)).toBe('lost');
  });

  test.each([1, 3])('remains delivered although %i functions claimed it since', async (takeovers) => {
    const one = newDelivery();
    const first = await claimed(one);
    let latest = first;
    for (let takeover = 0; takeover < takeovers; takeover += 1) {
      ledger.nowMs += LEASE_MS;
      latest = await claimed(one);
    }
    expect(await settle(first, DELIVERED)).toBe('written');
    expect(await settle(latest, SCHEDULED)).toBe('lost');
    expect(await standing(one)).toMatchObject({ state: 'delivered' });
  });
});

describe('the open entry of a delivery that no run of the reconciler would list', () => {
  const openOf = async ({ webhook_id }: Delivery) => {
    const pages = await Array.fromAsync(ledger.table.openEntries(`open#${webhook_id.charAt('wh_'.length)}`));
    return pages.flat().filter((entry) => entry.webhook_id === webhook_id);
  };
  const entryOf = ({ webhook_id, integration_id }: Delivery, acceptedMs: number) => ({
    ...{ webhook_id, integration_id, accepted_at: new Date(acceptedMs).toISOString() },
    since: new Date(ledger.nowMs).toISOString(),
  });

  test('is written before a dead-letter message that was redriven reopens it', async () => {
    const one = newDelivery({ generation: 1 });
    await ledger.table.overwrite({ ...newRecord(one, NOW), version: 1, state: 'dead', generation: 0 });
    ledger.front.calls.length = 0;
    await claim(one);
    expect(operations()).toEqual(['GetItem', 'PutItem', 'PutItem']);
    expect(await openOf(one)).toEqual([entryOf(one, NOW)]);
  });

  test('is written before a replay', async () => {
    const one = newDelivery();
    const delivered = { ...newRecord(one, NOW), version: 1, state: 'delivered' } as const;
    await ledger.table.overwrite(delivered);
    const after = { ...(reopened(delivered, 'replay', NOW) as LedgerRecord), claimed_by: 'replay#1' };
    await expect(
      isReplaced(delivered, after, NOW, { ...ledger.table, replace: () => Promise.reject(new Error('killed')) }),
    ).rejects.toThrow('killed');
    expect(await openOf(one)).toEqual([entryOf(one, NOW)]);
  });

  test('is written if the outcome comes an hour after the acceptance, of which there is no record', async () => {
    const one = newDelivery({ accepted_at: new Date(NOW).toISOString() });
    ledger.nowMs = NOW + 3600_000;
    await settleWithout('unseen', one);
    expect(await openOf(one)).toEqual([entryOf(one, NOW)]);
  });

  test('is not written on the way of most deliveries, nor when one waits for its next attempt', async () => {
    const [one, other] = [newDelivery(), newDelivery()];
    await settle(await claimed(one), DELIVERED);
    await settle(await claimed(other), SCHEDULED);
    await claim({ ...other, token: 'g0-a1' });
    expect([await openOf(one), await openOf(other)]).toEqual([[], []]);
  });
});

describe('an outcome', () => {
  test('without a claim is one conditional write', async () => {
    const one = newDelivery();
    expect(await settleWithout('unclaimed', one)).toBe('written');
    expect(operations()).toEqual(['PutItem']);
    expect(await standing(one)).toMatchObject({ state: 'scheduled', token: 'g0-a1', version: 1 });
  });

  test('is decided again if there is a record', async () => {
    const one = newDelivery();
    const before = { ...newRecord(one, NOW), version: 1, state: 'delivered' } as const;
    await ledger.table.overwrite(before);
    ledger.front.calls.length = 0;
    expect(await settleWithout('unclaimed', one)).toBe('lost');
    expect(operations()).toEqual(['PutItem', 'GetItem']);
    expect(await standing(one)).toEqual(before);
  });

  test('of a delivery that was sent without the table reads first, and counts as written if the response was lost', async () => {
    const one = newDelivery();
    loseResponse(1);
    expect(await settleWithout('unseen', one)).toBe('written');
    expect(operations()).toEqual(['GetItem', 'PutItem', 'PutItem', 'GetItem']);
    expect(await standing(one)).toMatchObject({ state: 'scheduled', version: 1 });
  });

  test('is busy while another function has a lease', async () => {
    const one = newDelivery();
    await claimed(one);
    expect(await settleWithout('unseen', one)).toBe('busy');
  });
});

test('a record that changes after every read counts as busy', async () => {
  const one = newDelivery();
  const table = {
    record: async () => ({ ...newRecord(one, NOW), version: 5 }),
    replace: async () => false,
    putOpen: async () => {},
  };
  expect(await claim(one, table)).toEqual({ verdict: 'busy', untilMs: NOW });
  for (const kind of ['unseen', 'unclaimed'] as const)
    expect(await settleWithout(kind, newDelivery(), table)).toBe('busy');
});
