import { marshall } from '@aws-sdk/util-dynamodb';
import { describe, expect, test } from '@jest/globals';
import { createLedger } from '../../../lambdas/ledger/dynamodb-ledger.ts';
import { itemBytes } from '../../../lambdas/ledger/table/item-size.ts';
import { createLedgerTable } from '../../../lambdas/ledger/table/ledger-table.ts';
import { createCapacityMeter } from '../../support/capacity-meter.ts';
import { startLedgerServer } from '../../support/dynamodb.ts';
import { delivery, fakeCounter, fakeLog } from '../../support/factories.ts';
import { UNGUARDED } from '../../support/open-ledger.ts';

const EVENTS = 10;
const PAYLOAD_BYTES = 2048;

test('an event takes the units that docs/costs.md lists: 7 writes and 1 read', async () => {
  const server = await startLedgerServer();
  try {
    const meter = createCapacityMeter();
    server.client.middlewareStack.add(
      (next, { commandName = '' }) =>
        async (args) => {
          const result = await next(args);
          meter.count({ name: commandName, input: args.input, output: result.output });
          return result;
        },
      { step: 'initialize' },
    );
    const ledger = createLedger({
      ...UNGUARDED,
      table: createLedgerTable({
        client: server.client,
        tableName: server.tableName,
        payloadDays: 30,
        factsDays: 400,
      }),
      claimedBy: '2026/01/10/[$LATEST]0123456789abcdef0123456789abcdef',
      log: fakeLog(),
      counter: fakeCounter(),
      now: Date.now,
    });
    const deliveries = Array.from({ length: EVENTS }, (_, index) =>
      delivery(undefined, {
        event_id: `event-${index}`,
        accepted_at: new Date().toISOString(),
        payload: JSON.stringify('x'.repeat(PAYLOAD_BYTES - 2)),
      }),
    );
    // The first event of an integration on a day also writes the integration's entry in the directory.
    await ledger.accept([delivery(undefined, { event_id: 'first', accepted_at: new Date().toISOString() })]);
    meter.take();
    await ledger.accept(deliveries);
    for (const one of deliveries) {
      const claim = await ledger.claim(one, 40_000);
      if (claim.verdict !== 'claimed') throw new Error(claim.verdict);
      await ledger.settle(claim.lease, { progress: { ...one.progress, attempt: 1, outcome: 'delivered' } });
    }
    const units = Object.values(meter.take());
    const perEvent = (of: (one: (typeof units)[number]) => number) =>
      units.reduce((sum, one) => sum + of(one), 0) / EVENTS;
    expect([perEvent(({ writes }) => writes), perEvent(({ reads }) => reads)]).toEqual([7, 1]);
  } finally {
    await server.close();
  }
});

describe('the capacity meter', () => {
  const keys = { pk: 'wh_1', sk: 'state' };
  const listing = { listing: 'partner#2026-01-10#0', listed_at: 'state#2026-01-10T00:00:00.000Z' };
  /** An item of exactly that many bytes. */
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
