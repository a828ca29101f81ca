import { marshall } from '@aws-sdk/util-dynamodb';
import { describe, expect, test } from '@jest/globals';
import { createCapacityMeter } from '../../bench/ledger/capacity.ts';
import { formatLedger } from '../../bench/ledger/format.ts';
import { measureLedger } from '../../bench/ledger/measure.ts';
import { ratiosOf } from '../../bench/ledger/report.ts';
import { itemBytes } from '../../lambdas/adapters/dynamodb/item-size.ts';

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

test('both sides are measured through real processes, and an event takes the units that docs/costs.md says', async () => {
  const report = await measureLedger({ rounds: 2, seconds: 0.1, batchesAtOnce: 2 });
  for (const side of [report.on, report.off]) expect(side.perSecond.min).toBeGreaterThan(0);
  // From claim to settlement a delivery is longer than its partner takes.
  expect(report.off.p50Ms).toBeGreaterThan(49);
  expect(report.table.p50Ms).toBeGreaterThanOrEqual(5);
  const units = Object.values(report.units).flatMap((step) => Object.values(step));
  const total = (name: 'writes' | 'reads') => units.reduce((sum, one) => sum + one[name], 0);
  expect([total('writes'), total('reads')]).toEqual([7, 1]);
  expect(formatLedger(report)).toContain('deliver: PutItem');
}, 60_000);
