import { describe, expect, test } from '@jest/globals';
import { claimWebhook } from '../../../lambdas/adapters/dynamodb/ledger-claim.ts';
import { noteUnclaimed, settleHeld, settleLate } from '../../../lambdas/adapters/dynamodb/ledger-settle.ts';
import type { Delivery, Progress } from '../../../lambdas/contract/delivery.ts';
import type { LedgerRecord } from '../../../lambdas/contract/ledger.ts';
import type { Ending } from '../../../lambdas/contract/ledger-ports.ts';
import type { UnsettledOutcome } from '../../../lambdas/contract/unsettled-outcome.ts';
import { factsOf } from '../../../lambdas/domain/late-outcome.ts';
import { newRecord, reopened } from '../../../lambdas/domain/ledger.ts';
import { delivery, ENRICHED, NOW } from '../../support/factories.ts';
import { sharedLedgerTable } from '../../support/ledger-table.ts';

const LEASE_MS = 40_000;

const ledger = sharedLedgerTable(2);

let made = 0;
function newDelivery(overrides: Parameters<typeof delivery>[1] = {}): Delivery {
  made += 1;
  return delivery(ENRICHED, { event_id: `event-${made}`, ...overrides });
}
const options = (table = ledger.table) => ({ table, claimedBy: 'stream-1', now: () => ledger.nowMs });
const stateOf = async ({ webhook_id }: Delivery) => (await ledger.table.record(webhook_id))?.state;
const operations = () => ledger.front.calls.map(({ operation }) => operation);

const ended = (outcome: Progress['outcome'], more: Partial<Progress> = {}, token?: string): Ending => ({
  progress: { enrichment: ENRICHED, attempt: 1, due_at: null, ...(outcome && { outcome }), ...more },
  ...(token !== undefined && { token }),
});
const unseen = (one: Delivery, ending: Ending): UnsettledOutcome => ({
  ...{
    schema_version: 1,
    at: new Date(ledger.nowMs).toISOString(),
    delivery: factsOf(one),
    hold: { kind: 'unseen' },
    ending,
  },
});
const DELIVERED = ended('delivered');
const SCHEDULED = ended('retry', { due_at: new Date(NOW + 60_000).toISOString() }, 'g0-a1');

async function claimed(one: Delivery): Promise<LedgerRecord> {
  const claim = await claimWebhook(one, LEASE_MS, options());
  ledger.front.calls.length = 0;
  if (claim.verdict !== 'mine' || claim.hold.record === undefined) throw new Error(`it is ${claim.verdict}`);
  return claim.hold.record;
}

async function standing(one: Delivery, overrides: Partial<LedgerRecord>): Promise<LedgerRecord> {
  const record = { ...newRecord(one, NOW), version: 1, ...overrides };
  await ledger.table.overwrite(record);
  ledger.front.calls.length = 0;
  return record;
}

describe('what was claimed', () => {
  test('is settled as delivered in a call that it shares with others', async () => {
    const deliveries = Array.from({ length: 10 }, () => newDelivery());
    const records = await Promise.all(deliveries.map(claimed));
    const settlements = records.map((record) => settleHeld(record, DELIVERED, ledger.nowMs, options()));
    expect(new Set(await Promise.all(settlements))).toEqual(new Set(['written']));
    expect(operations()).toEqual(['BatchWriteItem']);
    expect(await ledger.table.record(records[0]?.webhook_id ?? '')).toMatchObject({ state: 'delivered', attempt: 1 });
  });

  test('is settled as anything else if it still is as it was claimed', async () => {
    const one = newDelivery();
    const record = await claimed(one);
    expect(await settleHeld(record, SCHEDULED, ledger.nowMs, options())).toBe('written');
    expect(operations()).toEqual(['PutItem']);
    expect(await ledger.table.record(one.webhook_id)).toMatchObject({ state: 'scheduled', version: 2 });
  });

  test('and was taken over meanwhile is left as it is', async () => {
    const one = newDelivery();
    const before = await claimed(one);
    ledger.nowMs += LEASE_MS;
    const after = await claimed(one);
    expect(await settleHeld(before, SCHEDULED, ledger.nowMs, options())).toBe('lost');
    expect(await ledger.table.record(one.webhook_id)).toEqual(after);
  });

  test('and whose settlement’s answer was lost counts as written', async () => {
    const one = newDelivery();
    const record = await claimed(one);
    ledger.front.decide((_, position) => (position === 0 ? 'lose' : 'pass'));
    expect(await settleHeld(record, SCHEDULED, ledger.nowMs, options())).toBe('written');
    expect(await stateOf(one)).toBe('scheduled');
  });

  test('and sent anew by an operator meanwhile is not taken for one’s own settlement', async () => {
    const one = newDelivery();
    const record = await claimed(one);
    ledger.nowMs += LEASE_MS;
    await ledger.table.replace(reopened(record, 'replay', ledger.nowMs) as LedgerRecord);
    expect(await settleHeld(record, SCHEDULED, ledger.nowMs, options())).toBe('lost');
    expect(await stateOf(one)).toBe('accepted');
  });
});

test.each([1, 3])('a delivered outcome stands although %i functions took the delivery over', async (takeovers) => {
  const one = newDelivery();
  const first = await claimed(one);
  let latest = first;
  for (let takeover = 0; takeover < takeovers; takeover += 1) {
    ledger.nowMs += LEASE_MS;
    latest = await claimed(one);
  }
  expect(await settleHeld(first, DELIVERED, ledger.nowMs, options())).toBe('written');
  expect(await settleHeld(latest, SCHEDULED, ledger.nowMs, options())).toBe('lost');
  expect(await stateOf(one)).toBe('delivered');
});

describe('what was sent while the table did not answer', () => {
  const settle = (one: Delivery, ending: Ending) => settleLate(unseen(one, ending), options());

  test('is left where somebody else has it in hand, or carries it', async () => {
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
    expect(await settleHeld(other, SCHEDULED, ledger.nowMs, options())).toBe('lost');
    expect(await stateOf(one)).toBe('delivered');
  });

  test('is not written where it is known as delivered already', async () => {
    const one = newDelivery();
    const before = await standing(one, { state: 'delivered', reason: 'answered 200' });
    expect(await settle(one, DELIVERED)).toBe('written');
    expect(await settle(one, ended('dead'))).toBe('lost');
    expect(await ledger.table.record(one.webhook_id)).toEqual(before);
  });

  test('counts as written where its answer was lost', async () => {
    const one = newDelivery();
    ledger.front.decide(({ operation }, position) => (operation === 'PutItem' && position === 1 ? 'lose' : 'pass'));
    expect(await settle(one, SCHEDULED)).toBe('written');
    expect(operations()).toEqual(['GetItem', 'PutItem', 'PutItem', 'GetItem']);
    expect(await stateOf(one)).toBe('scheduled');
  });
});

describe('a note on what nobody claimed', () => {
  const note = (one: Delivery, ending: Ending = SCHEDULED) => noteUnclaimed(one, ending, ledger.nowMs, options());

  test('is one conditional write', async () => {
    const one = newDelivery();
    expect(await note(one)).toBe('written');
    expect(operations()).toEqual(['PutItem']);
    expect(await ledger.table.record(one.webhook_id)).toMatchObject({ state: 'scheduled', token: 'g0-a1', version: 1 });
  });

  test('replaces an acceptance, and a claim whose lease has ended', async () => {
    const [accepted, abandoned] = [newDelivery({ generation: 1 }), newDelivery()];
    await standing(accepted, { state: 'accepted', generation: 1, version: 4 });
    await claimed(abandoned);
    ledger.nowMs += LEASE_MS;
    for (const one of [accepted, abandoned]) {
      expect(await note(one)).toBe('written');
      expect(await stateOf(one)).toBe('scheduled');
    }
    expect(await ledger.table.record(abandoned.webhook_id)).not.toHaveProperty('lease_until');
  });

  test('raises the generation, and then begins to count tries anew', async () => {
    const one = newDelivery({ generation: 2 });
    await standing(one, { state: 'accepted', generation: 1, attempt: 4 });
    expect(await note(one)).toBe('written');
    expect(await ledger.table.record(one.webhook_id)).toMatchObject({ generation: 2, attempt: 1 });
  });

  test.each<[string, Partial<LedgerRecord>]>([
    ['delivered', { state: 'delivered' }],
    ['carried by somebody', { state: 'scheduled', token: 'g0-d1-m' }],
    ['in hand', { state: 'delivering', lease_until: new Date(NOW + 1).toISOString() }],
    ['accepted in a later generation', { state: 'accepted', generation: 1 }],
  ])('leaves what is %s', async (_, overrides) => {
    const one = newDelivery();
    const before = await standing(one, overrides);
    expect(await note(one)).toBe('lost');
    expect(await ledger.table.record(one.webhook_id)).toEqual(before);
  });

  test('whose answer was lost is written once', async () => {
    const one = newDelivery();
    ledger.front.decide((_, position) => (position === 0 ? 'lose' : 'pass'));
    await note(one);
    expect(await ledger.table.record(one.webhook_id)).toMatchObject({ state: 'scheduled', version: 1 });
  });
});

test('what others keep changing is given up: a late outcome for later, a note for good', async () => {
  const changing = { ...ledger.table, record: async () => undefined, replace: async () => false };
  expect(await settleLate(unseen(newDelivery(), SCHEDULED), options(changing))).toBe('busy');
  expect(await noteUnclaimed(newDelivery(), SCHEDULED, ledger.nowMs, options(changing))).toBe('lost');
});
