import { expect, test } from '@jest/globals';
import { createLedger } from '../../../lambdas/ledger/dynamodb-ledger.ts';
import { createDeliveryTable } from '../../../lambdas/ledger/table/ledger-table.ts';
import { itemsThroughSdk } from '../../../lambdas/ledger/table/table-calls.ts';
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
      table: createDeliveryTable({
        ...itemsThroughSdk({ client: server.client, tableName: server.tableName }),
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
    const claims = await Promise.all(deliveries.map((one) => ledger.claim(one, 40_000)));
    for (const claim of claims) {
      if (claim.verdict !== 'claimed') throw new Error(claim.verdict);
      const progress = { ...claim.lease.delivery.progress, attempt: 1, outcome: 'delivered' } as const;
      await ledger.settle(claim.lease, { progress });
    }
    expect(meter.take()).toEqual({ writes: 7 * EVENTS, reads: EVENTS });
  } finally {
    await server.close();
  }
});
