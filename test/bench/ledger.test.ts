import { marshall } from '@aws-sdk/util-dynamodb';
import { describe, expect, test } from '@jest/globals';
import { BATCH_SIZE, INTEGRATION_IDS } from '../../bench/delivery/loads.ts';
import { type Batch, createBatches } from '../../bench/ledger/batches.ts';
import { createCapacityMeter } from '../../bench/ledger/capacity.ts';
import { createCountedLedger } from '../../bench/ledger/ledgers.ts';
import { ratiosOf } from '../../bench/ledger/report.ts';
import { itemBytes } from '../../lambdas/adapters/dynamodb/item-size.ts';
import { startLedgerServer } from '../support/dynamodb.ts';
import { book, fakeCounter, fakeLog, integration } from '../support/factories.ts';
import { variablesOf, wearEnvironment } from '../support/handler-wiring.ts';

const delivered = (deliveries: number, elapsedMs: number, cpuMs: number) => ({
  deliveries,
  elapsedMs,
  cpuMs,
  deliveryMs: [],
  isGateLost: false,
});

test('ratios are with the ledger to without, taken in each round by itself', () => {
  const quiet = { on: delivered(800, 1000, 1600), off: delivered(1000, 1000, 1000) };
  const busy = { on: delivered(80, 1000, 320), off: delivered(100, 1000, 200) };
  const { throughput, cpu } = ratiosOf([quiet, busy]);
  expect([throughput.min, throughput.max]).toEqual([0.8, 0.8]);
  expect([cpu.min, cpu.max]).toEqual([2, 2]);
});

describe('the capacity meter', () => {
  const keys = { pk: 'wh_1', sk: 'state' };
  const listing = { listing: 'partner#2026-01-10#0', listed_at: 'state#2026-01-10T00:00:00.000Z' };
  /** An item of exactly so many bytes. */
  const sized = (bytes: number, item: object = keys) => {
    const text = 'x'.repeat(bytes - itemBytes({ ...item, text: '' }));
    return marshall({ ...item, text });
  };
  const put = (Item: object) => ({ name: 'PutItemCommand', input: { Item }, output: {} });

  test('takes a write unit for each KB begun, of the larger of an item and the one before it', () => {
    const meter = createCapacityMeter();
    const unitsOf = (bytes: number) => {
      meter.count(put(sized(bytes)));
      return meter.take().PutItemCommand?.writes;
    };
    expect([1024, 1025, 3000, 100, 100].map(unitsOf)).toEqual([1, 2, 3, 3, 1]);
  });

  test('counts an entry of the index where it changes, and twice where it moves', () => {
    const meter = createCapacityMeter();
    const indexWritesOf = (item: object) => {
      meter.count(put(marshall({ ...keys, ...item })));
      return meter.take().PutItemCommand?.indexWrites;
    };
    const steps = [
      {},
      { ...listing, state: 'accepted' },
      { ...listing, state: 'accepted', lease_until: 1 },
      { ...listing, state: 'delivered' },
      { ...listing, state: 'delivered', listed_at: 'state#2026-01-11T00:00:00.000Z' },
      {},
    ];
    expect(steps.map(indexWritesOf)).toEqual([0, 1, 0, 1, 2, 1]);
  });

  test('counts each write of a batch, and each key of a read, whether it is there or not', () => {
    const meter = createCapacityMeter();
    const writes = [keys, { pk: 'wh_2', sk: 'state' }].map((item) => ({ PutRequest: { Item: sized(1500, item) } }));
    meter.count({ name: 'BatchWriteItemCommand', input: { RequestItems: { ledger: writes } }, output: {} });
    const Keys = ['wh_1', 'wh_9'].map((pk) => marshall({ pk, sk: 'state' }));
    const read = (ConsistentRead: boolean) =>
      meter.count({
        name: 'BatchGetItemCommand',
        input: { RequestItems: { ledger: { Keys, ConsistentRead } } },
        output: { Responses: { ledger: [sized(4097)] } },
      });
    read(true);
    read(false);
    expect(meter.take()).toEqual({
      BatchWriteItemCommand: { calls: 1, writes: 4, indexWrites: 0, reads: 0 },
      BatchGetItemCommand: { calls: 2, writes: 0, indexWrites: 0, reads: 4.5 },
    });
    expect(meter.take()).toEqual({});
  });

  test('refuses a call that the happy path does not make', () => {
    const call = { name: 'QueryCommand', input: {}, output: {} };
    expect(() => createCapacityMeter().count(call)).toThrow('QueryCommand is not part of the happy path');
  });
});

test('an event takes the units that docs/costs.md lists: 7 writes and 1 read', async () => {
  const server = await startLedgerServer();
  wearEnvironment({ ...variablesOf(server.endpoint), AWS_ENDPOINT_URL_DYNAMODB: server.endpoint });
  try {
    const { ledger, take } = createCountedLedger({ log: fakeLog(), counter: fakeCounter(), now: Date.now });
    const next = createBatches(book(...INTEGRATION_IDS.map((id) => integration({ id }))));
    const accept = ({ deliveries }: Batch) => ledger.accept(deliveries);
    // The first event of an integration on a day also writes the integration's entry in the directory.
    for (let batch = 0; batch < INTEGRATION_IDS.length / BATCH_SIZE; batch += 1) await accept(next());
    take();
    const counted = next();
    await accept(counted);
    for (const delivery of counted.deliveries) {
      const claim = await ledger.claim(delivery, 40_000);
      if (claim.verdict !== 'mine') throw new Error(claim.verdict);
      await ledger.settle(claim.hold, { progress: { ...delivery.progress, attempt: 1, outcome: 'delivered' } });
    }
    const units = Object.values(take());
    const perEvent = (count: (one: (typeof units)[number]) => number) =>
      units.reduce((sum, one) => sum + count(one), 0) / BATCH_SIZE;
    expect([perEvent(({ writes }) => writes), perEvent(({ reads }) => reads)]).toEqual([7, 1]);
  } finally {
    await server.close();
  }
});
