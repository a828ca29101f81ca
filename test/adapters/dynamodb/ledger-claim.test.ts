import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { claimWebhook } from '../../../lambdas/adapters/dynamodb/ledger-claim.ts';
import { createLedgerTable } from '../../../lambdas/adapters/dynamodb/ledger-table.ts';
import type { Delivery, Progress } from '../../../lambdas/contract/delivery.ts';
import type { LedgerRecord } from '../../../lambdas/contract/ledger.ts';
import type { Claim, Hold, LedgerTable } from '../../../lambdas/contract/ledger-ports.ts';
import { newRecord } from '../../../lambdas/domain/ledger.ts';
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
function newDelivery(overrides: Partial<Delivery> = {}, progress: Partial<Progress> = {}): Delivery {
  made += 1;
  return delivery(ENRICHED, { event_id: `event-${made}`, ...overrides }, progress);
}

const claim = (one: Delivery, leaseMs = LEASE_MS) =>
  claimWebhook(one, leaseMs, { table, claimedBy: 'stream-1', now: () => nowMs });

function holdOf(claimed: Claim): Hold & { readonly record: LedgerRecord } {
  if (claimed.verdict !== 'mine' || claimed.hold.record === undefined) throw new Error(`it is ${claimed.verdict}`);
  return { ...claimed.hold, record: claimed.hold.record };
}
const operations = () => front.calls.map(({ operation }) => operation);

async function standing(one: Delivery, overrides: Partial<LedgerRecord>): Promise<LedgerRecord> {
  const record = { ...newRecord(one, NOW), version: 1, ...overrides };
  await table.overwrite(record);
  front.calls.length = 0;
  return record;
}

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
    expect(await table.record(one.webhook_id)).toEqual(record);
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

describe('a claim of what somebody has in hand', () => {
  test('is busy until that lease ends', async () => {
    const one = newDelivery();
    holdOf(await claim(one));
    expect(await claim(one)).toEqual({ verdict: 'busy', untilMs: NOW + LEASE_MS });
  });

  test('takes it over when the lease has ended, and keeps what was known', async () => {
    const one = newDelivery();
    const before = holdOf(await claim(one)).record;
    nowMs = NOW + LEASE_MS;
    const after = holdOf(await claim(one)).record;
    expect(after).toMatchObject({ version: 2, state: 'delivering', times: { accepted: before.times.accepted } });
    expect(after.claimed_by).not.toBe(before.claimed_by);
  });
});

describe('a claim of what is known', () => {
  test.each(['delivered', 'unwanted', 'cancelled', 'dead', 'scheduled', 'parked'] as const)(
    'is done where it is %s',
    async (state) => {
      const one = newDelivery();
      const before = await standing(one, { state });
      expect(await claim(one)).toEqual({ verdict: 'done', state });
      expect(await table.record(one.webhook_id)).toEqual(before);
    },
  );

  test('is granted to whoever carries it on', async () => {
    const one = newDelivery();
    await standing(one, { state: 'scheduled', token: 'g0-a1', attempt: 1 });
    expect(await claim({ ...one, token: 'g0-d1-m' })).toMatchObject({ verdict: 'done' });
    const { record, delivery: held } = holdOf(await claim({ ...one, token: 'g0-a1' }));
    expect(record).toMatchObject({ state: 'delivering', version: 2, attempt: 1 });
    expect(held.progress.attempt).toBe(1);
  });

  test('goes on in the generation of its record', async () => {
    const one = newDelivery();
    await standing(one, { state: 'accepted', generation: 3 });
    const { delivery: held, record } = holdOf(await claim(one));
    expect(held.generation).toBe(3);
    expect(record.generation).toBe(3);
  });
});

describe('claims of one webhook at the same time', () => {
  const verdicts = async (one: Delivery, count: number) => {
    const claims = await Promise.all(Array.from({ length: count }, () => claim(one)));
    const mine = claims.filter(({ verdict }) => verdict === 'mine');
    expect(claims.filter(({ verdict }) => verdict === 'busy')).toEqual(
      Array(count - mine.length).fill({ verdict: 'busy', untilMs: nowMs + LEASE_MS }),
    );
    return mine;
  };

  test('are one’s alone, when it was never claimed', async () => {
    expect(await verdicts(newDelivery(), 50)).toHaveLength(1);
  });

  test('are one’s alone, when its lease has ended', async () => {
    const one = newDelivery();
    holdOf(await claim(one));
    nowMs = NOW + LEASE_MS;
    expect(await verdicts(one, 50)).toHaveLength(1);
  });

  test('are one’s alone, when all carry its token', async () => {
    const one = newDelivery({}, { attempt: 1 });
    await standing(one, { state: 'scheduled', token: 'g0-a1' });
    expect(await verdicts({ ...one, token: 'g0-a1' }, 50)).toHaveLength(1);
  });
});

describe('an answer that was lost', () => {
  test('leaves a claim that is known as one’s own when the SDK repeats it', async () => {
    const one = newDelivery();
    front.decide((_, position) => (position === 0 ? 'lose' : 'pass'));
    const { record } = holdOf(await claim(one));
    expect(operations()).toEqual(['PutItem', 'PutItem', 'GetItem']);
    expect(await table.record(one.webhook_id)).toEqual(record);
  });

  test('is not taken for one’s own where another claim of the same function stands', async () => {
    const one = newDelivery();
    holdOf(await claim(one));
    front.calls.length = 0;
    front.decide((_, position) => (position === 0 ? 'lose' : 'pass'));
    expect(await claim(one)).toMatchObject({ verdict: 'busy' });
  });
});

test('a record that changes each time it was read counts as busy', async () => {
  const one = newDelivery();
  const changing: Pick<LedgerTable, 'record' | 'replace'> = {
    record: async () => ({ ...newRecord(one, NOW), version: 5 }),
    replace: async () => false,
  };
  const claimed = await claimWebhook(one, LEASE_MS, { table: changing, claimedBy: 'stream-1', now: () => nowMs });
  expect(claimed).toEqual({ verdict: 'busy', untilMs: NOW });
});
