import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createLedgerTable } from '../../lambdas/ledger/table/ledger-table.ts';
import { createReconcileProgress } from '../../lambdas/ledger/table/reconcile-progress.ts';
import { eventOf } from '../../lambdas/ledger/transitions.ts';
import { NOW, subject } from './factories.ts';
import { DAY, HOUR, MINUTE, type Put, reconcileFixture, recordOf } from './reconcile-fixture.ts';

const NEW = 20;
const NEW_OPEN = 5;

/**
 * Runs the reconciler incrementally, twice: over a history of closed deliveries and then, an hour later, over some new ones.
 *
 * @param closed number of deliveries in the history, of a day
 * @returns the second run's report, and the read units that the table reports for it
 */
export async function readsAfter(
  closed: number,
  table: { readonly client: DynamoDBClient; readonly tableName: string },
) {
  const fixture = reconcileFixture();
  const now = () => fixture.clock.nowMs;
  const ledger = createLedgerTable({ ...table, payloadDays: 30, factsDays: 400, now });
  const progress = createReconcileProgress(table);
  Object.assign(fixture, { table: ledger, progress });
  const putAll = async (name: string, count: number, put: (at: number) => Put) => {
    const records = Array.from({ length: count }, (_, at) => recordOf(`${name}-${at}`, put(at)));
    await ledger.putEvents(
      records.map(({ event_id, accepted_at }) => eventOf(subject({ event_id, accepted_at, payload: '{"a":1}' }), NOW)),
    );
    await Promise.all(records.map((record) => ledger.overwrite(record)));
  };
  await putAll('closed', closed, (at) => ({ agoMs: 2 * HOUR + (at * DAY) / closed, state: 'delivered' }));
  const scheduled = { state: 'scheduled', record: { token: 'g0', due_at: new Date(NOW + DAY).toISOString() } } as const;
  await putAll('open', NEW_OPEN, (at) => ({ agoMs: 3 * HOUR + at, ...scheduled }));
  fixture.clock.nowMs = NOW - HOUR;
  await fixture.run({ incremental: true });

  fixture.clock.nowMs = NOW;
  await putAll('new', NEW, (at) => ({ agoMs: 30 * MINUTE + at, state: 'delivered' }));
  await putAll('new-open', NEW_OPEN, (at) => ({ agoMs: 30 * MINUTE + at, ...scheduled }));
  let units = 0;
  table.client.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (args) => {
        const isRead = ['Query', 'GetItem', 'BatchGetItem'].includes(commandName.replace(/Command$/, ''));
        if (!isRead) return next(args);
        const result = await next({ ...args, input: { ...args.input, ReturnConsumedCapacity: 'TOTAL' } });
        const { ConsumedCapacity } = result.output as { ConsumedCapacity?: { CapacityUnits?: number } | object[] };
        const all = [ConsumedCapacity ?? {}].flat() as { CapacityUnits?: number }[];
        units += all.reduce((sum, { CapacityUnits = 0 }) => sum + CapacityUnits, 0);
        return result;
      },
    { step: 'initialize', name: 'countsReads' },
  );
  try {
    return { report: await fixture.run({ incremental: true }), units };
  } finally {
    table.client.middlewareStack.remove('countsReads');
  }
}

/** The report of every second run: what is new, and what was open before. */
export const EXPECTED = { accepted: NEW + 2 * NEW_OPEN, states: { delivered: NEW, scheduled: 2 * NEW_OPEN } };
