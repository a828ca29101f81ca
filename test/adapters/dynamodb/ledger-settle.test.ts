import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { claimWebhook } from '../../../lambdas/adapters/dynamodb/ledger-claim.ts';
import { noteUnclaimed, settleHeld, settleLate } from '../../../lambdas/adapters/dynamodb/ledger-settle.ts';
import { createLedgerTable } from '../../../lambdas/adapters/dynamodb/ledger-table.ts';
import type { Delivery, Progress } from '../../../lambdas/contract/delivery.ts';
import type { LedgerRecord, WebhookState } from '../../../lambdas/contract/ledger.ts';
import type { Ending, LedgerTable } from '../../../lambdas/contract/ledger-ports.ts';
import type { UnsettledOutcome } from '../../../lambdas/contract/unsettled-outcome.ts';
import { factsOf } from '../../../lambdas/domain/late-outcome.ts';
import { newRecord, reopened } from '../../../lambdas/domain/ledger.ts';
import {
  clientOf,
  type LedgerServer,
  startLedgerServer,
  startTableFront,
  type TableFront,
} from '../../support/dynamodb.ts';
import { delivery, ENRICHED, NOW } from '../../support/factories.ts';

const LEASE_MS = 40_000;

let server: LedgerServer;
let front: TableFront;
let table: LedgerTable;
let nowMs = NOW;
beforeAll(async () => {
  server = await startLedgerServer();
  front = await startTableFront(server.endpoint);
  const client = clientOf(front.endpoint, { maxAttempts: 2 });
  table = createLedgerTable({ client, tableName: 'ledger', payloadDays: 30, factsDays: 400 });
});
beforeEach(() => {
  nowMs = NOW;
  front.decide(() => 'pass');
  front.calls.length = 0;
});
afterAll(async () => {
  await front.close();
  await server.close();
});

let made = 0;
function newDelivery(overrides: Parameters<typeof delivery>[1] = {}): Delivery {
  made += 1;
  return delivery(ENRICHED, { event_id: `event-${made}`, ...overrides });
}
const options = () => ({ table, claimedBy: 'stream-1', now: () => nowMs });
const stateOf = async ({ webhook_id }: Delivery) => (await table.record(webhook_id))?.state;
const operations = () => front.calls.map(({ operation }) => operation);

const ended = (outcome: Progress['outcome'], more: Partial<Progress> = {}, token?: string): Ending => ({
  progress: { enrichment: ENRICHED, attempt: 1, due_at: null, ...(outcome && { outcome }), ...more },
  ...(token !== undefined && { token }),
});
const unseen = (one: Delivery, ending: Ending): UnsettledOutcome => ({
  ...{ schema_version: 1, at: new Date(nowMs).toISOString(), delivery: factsOf(one), hold: { kind: 'unseen' }, ending },
});
const DELIVERED = ended('delivered');
const SCHEDULED = ended('retry', { due_at: new Date(NOW + 60_000).toISOString() }, 'g0-a1');

async function claimed(one: Delivery): Promise<LedgerRecord> {
  const claim = await claimWebhook(one, LEASE_MS, options());
  front.calls.length = 0;
  if (claim.verdict !== 'mine' || claim.hold.record === undefined) throw new Error(`it is ${claim.verdict}`);
  return claim.hold.record;
}

async function standing(one: Delivery, overrides: Partial<LedgerRecord>): Promise<LedgerRecord> {
  const record = { ...newRecord(one, NOW), version: 1, ...overrides };
  await table.overwrite(record);
  front.calls.length = 0;
  return record;
}

describe('what was claimed', () => {
  test('is settled as delivered in a call that it shares with others', async () => {
    const deliveries = Array.from({ length: 10 }, () => newDelivery());
    const records = await Promise.all(deliveries.map(claimed));
    const settlements = records.map((record) => settleHeld(record, DELIVERED, nowMs, options()));
    expect(new Set(await Promise.all(settlements))).toEqual(new Set(['written']));
    expect(operations()).toEqual(['BatchWriteItem']);
    expect(await table.record(records[0]?.webhook_id ?? '')).toMatchObject({ state: 'delivered', attempt: 1 });
  });

  test.each<[WebhookState, Ending]>([
    ['scheduled', SCHEDULED],
    ['parked', ended('parked', { parked_for: 'paused', reason: 'integration acme is paused' })],
    ['dead', ended('dead', { reason: 'answered 404' })],
    ['unwanted', ended('unwanted')],
  ])('is settled as %s if it still is as it was claimed', async (state, ending) => {
    const one = newDelivery();
    const record = await claimed(one);
    expect(await settleHeld(record, ending, nowMs, options())).toBe('written');
    expect(operations()).toEqual(['PutItem']);
    expect(await table.record(one.webhook_id)).toMatchObject({ state, version: 2 });
  });

  test('and was taken over meanwhile is left as it is', async () => {
    const one = newDelivery();
    const before = await claimed(one);
    nowMs += LEASE_MS;
    const after = await claimed(one);
    expect(await settleHeld(before, SCHEDULED, nowMs, options())).toBe('lost');
    expect(await table.record(one.webhook_id)).toEqual(after);
  });

  test('and whose settlement’s answer was lost counts as written', async () => {
    const one = newDelivery();
    const record = await claimed(one);
    front.decide((_, position) => (position === 0 ? 'lose' : 'pass'));
    expect(await settleHeld(record, SCHEDULED, nowMs, options())).toBe('written');
    expect(await stateOf(one)).toBe('scheduled');
  });

  test('and sent anew by an operator meanwhile is not taken for one’s own settlement', async () => {
    const one = newDelivery();
    const record = await claimed(one);
    nowMs += LEASE_MS;
    await table.replace(reopened(record, 'replay', nowMs) as LedgerRecord);
    expect(await settleHeld(record, SCHEDULED, nowMs, options())).toBe('lost');
    expect(await stateOf(one)).toBe('accepted');
  });
});

describe('a delivery', () => {
  test('is written although the webhook was taken over meanwhile', async () => {
    const one = newDelivery();
    const before = await claimed(one);
    nowMs += LEASE_MS;
    await claimed(one);
    expect(await settleHeld(before, DELIVERED, nowMs, options())).toBe('written');
    expect(await stateOf(one)).toBe('delivered');
  });

  test('is undone by nobody who took the webhook over, once or often', async () => {
    const one = newDelivery();
    const first = await claimed(one);
    let latest = first;
    for (let takeover = 0; takeover < 3; takeover += 1) {
      nowMs += LEASE_MS;
      latest = await claimed(one);
    }
    await settleHeld(first, DELIVERED, nowMs, options());
    expect(await settleHeld(latest, SCHEDULED, nowMs, options())).toBe('lost');
    expect(await stateOf(one)).toBe('delivered');
  });
});

describe('what was sent while the table did not answer', () => {
  const settle = (one: Delivery, ending: Ending) => settleLate(unseen(one, ending), options());

  test.each<[WebhookState, Ending]>([
    ['delivered', DELIVERED],
    ['scheduled', SCHEDULED],
    ['dead', ended('dead')],
  ])('is written as %s where nothing is known', async (state, ending) => {
    const one = newDelivery();
    expect(await settle(one, ending)).toBe('written');
    expect(await table.record(one.webhook_id)).toMatchObject({ state, version: 1, attempt: 1 });
    expect(await table.record(one.webhook_id)).not.toHaveProperty('lease_until');
  });

  test('is written where it could be claimed now', async () => {
    const one = newDelivery({ generation: 2 });
    await standing(one, { state: 'scheduled', generation: 1, version: 7, attempt: 3 });
    expect(await settle(one, ended('dead'))).toBe('written');
    expect(await table.record(one.webhook_id)).toMatchObject({ state: 'dead', generation: 2, version: 8, attempt: 1 });
  });

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
    expect(await settleHeld(other, SCHEDULED, nowMs, options())).toBe('lost');
    expect(await stateOf(one)).toBe('delivered');
  });

  test('is not written where it is known as delivered already', async () => {
    const one = newDelivery();
    const before = await standing(one, { state: 'delivered', reason: 'answered 200' });
    expect(await settle(one, DELIVERED)).toBe('written');
    expect(await settle(one, ended('dead'))).toBe('lost');
    expect(await table.record(one.webhook_id)).toEqual(before);
  });

  test('counts as written where its answer was lost', async () => {
    const one = newDelivery();
    front.decide(({ operation }, position) => (operation === 'PutItem' && position === 1 ? 'lose' : 'pass'));
    expect(await settle(one, SCHEDULED)).toBe('written');
    expect(operations()).toEqual(['GetItem', 'PutItem', 'PutItem', 'GetItem']);
    expect(await stateOf(one)).toBe('scheduled');
  });

  test('is left for later where others keep changing it', async () => {
    const one = newDelivery();
    const changing = { ...table, record: async () => undefined, replace: async () => false };
    expect(await settleLate(unseen(one, SCHEDULED), { ...options(), table: changing })).toBe('busy');
  });
});

describe('a note on what nobody claimed', () => {
  const note = (one: Delivery, ending: Ending = SCHEDULED) => noteUnclaimed(one, ending, nowMs, options());

  test('is one conditional write', async () => {
    const one = newDelivery();
    expect(await note(one)).toBe('written');
    expect(operations()).toEqual(['PutItem']);
    expect(await table.record(one.webhook_id)).toMatchObject({ state: 'scheduled', token: 'g0-a1', version: 1 });
  });

  test('replaces an acceptance, and a claim whose lease has ended', async () => {
    const [accepted, abandoned] = [newDelivery({ generation: 1 }), newDelivery()];
    await standing(accepted, { state: 'accepted', generation: 1, version: 4 });
    await claimed(abandoned);
    nowMs += LEASE_MS;
    for (const one of [accepted, abandoned]) {
      expect(await note(one)).toBe('written');
      expect(await stateOf(one)).toBe('scheduled');
    }
    expect(await table.record(abandoned.webhook_id)).not.toHaveProperty('lease_until');
  });

  test('raises the generation, and then begins to count tries anew', async () => {
    const one = newDelivery({ generation: 2 });
    await standing(one, { state: 'accepted', generation: 1, attempt: 4 });
    expect(await note(one)).toBe('written');
    expect(await table.record(one.webhook_id)).toMatchObject({ generation: 2, attempt: 1 });
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
    expect(await table.record(one.webhook_id)).toEqual(before);
  });

  test('whose answer was lost is written once', async () => {
    const one = newDelivery();
    front.decide((_, position) => (position === 0 ? 'lose' : 'pass'));
    await note(one);
    expect(await table.record(one.webhook_id)).toMatchObject({ state: 'scheduled', version: 1 });
  });

  test('is given up where others keep changing it', async () => {
    const one = newDelivery();
    const changing = { ...table, record: async () => undefined, replace: async () => false };
    expect(await noteUnclaimed(one, SCHEDULED, nowMs, { ...options(), table: changing })).toBe('lost');
  });
});
