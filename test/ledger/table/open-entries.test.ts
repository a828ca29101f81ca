import { beforeEach, describe, expect, test } from '@jest/globals';
import { webhookId } from '../../../lambdas/events/identity.ts';
import type { OpenEntry } from '../../../lambdas/ledger/ports.ts';
import { LEDGER_TABLE } from '../../../lambdas/ledger/record.ts';
import { sharedLedgerTable } from '../../support/ledger-table.ts';

const ledger = sharedLedgerTable();
const ACCEPTED_AT = '2026-01-15T10:00:00.000Z';

const entry = (eventId: string, since = ACCEPTED_AT): OpenEntry => ({
  ...{ webhook_id: webhookId('acme', eventId), integration_id: 'acme', accepted_at: ACCEPTED_AT, since },
});
const partitionOf = ({ webhook_id }: OpenEntry) => `open#${webhook_id.charAt(3)}`;

async function all(): Promise<OpenEntry[]> {
  const found = await Promise.all(
    LEDGER_TABLE.openPartitions.map((partition) => Array.fromAsync(ledger.table.openEntries(partition))),
  );
  return found.flat(2);
}

beforeEach(async () => {
  await ledger.table.removeOpen(await all());
  ledger.front.calls.length = 0;
});

describe('the list of open deliveries', () => {
  test('has one entry for each delivery and time, however often it is written, until it is removed', async () => {
    const entries = [entry('a'), entry('b'), entry('a', '2026-01-15T12:00:00.000Z')];
    await ledger.table.putAllOpen(entries);
    await ledger.table.putAllOpen(entries.slice(0, 2));
    await ledger.deliveryTable().putOpen(entries[2] as OpenEntry);
    expect((await all()).toSorted(bySince)).toEqual(entries.toSorted(bySince));

    await ledger.table.removeOpen([entry('a')]);
    expect((await all()).toSorted(bySince)).toEqual(entries.slice(1).toSorted(bySince));
  });

  test('is spread over sixteen partitions, each oldest first, over all pages', async () => {
    const entries = Array.from({ length: 200 }, (_, at) =>
      entry(`e${at}`, new Date((at * 7919_000) % 1e9).toISOString()),
    );
    await ledger.table.putAllOpen(entries);
    ledger.front.decide(({ operation, input }) => (operation === 'Query' ? { input: { ...input, Limit: 3 } } : 'pass'));
    expect(new Set(entries.map(partitionOf)).size).toBe(16);
    for (const partition of LEDGER_TABLE.openPartitions) {
      const found = (await Array.fromAsync(ledger.table.openEntries(partition))).flat();
      expect(found).toEqual(entries.filter((one) => partitionOf(one) === partition).toSorted(bySince));
    }
  });

  test('is read with strong consistency: a run reads what it has just written', async () => {
    await all();
    expect(ledger.front.calls).toHaveLength(16);
    for (const { input } of ledger.front.calls) expect(input).toMatchObject({ ConsistentRead: true });
  });

  test('expires with the records: a payload expires earlier, and its delivery may still be open', async () => {
    await ledger.table.putOpen(entry('a', '2026-02-01T00:00:00.000Z'));
    const item = await ledger.server.item(partitionOf(entry('a')), `2026-02-01T00:00:00.000Z#${entry('a').webhook_id}`);
    expect(item?.expires_at).toBe(Date.parse(ACCEPTED_AT) / 1000 + 400 * 24 * 3600);
  });

  test('that is not written or not read is LedgerUnavailable', async () => {
    ledger.front.decide(() => ({ status: 500, answer: { __type: 'InternalServerError' } }));
    for (const call of [
      () => ledger.table.putOpen(entry('a')),
      () => ledger.table.putAllOpen([entry('a')]),
      () => ledger.table.removeOpen([entry('a')]),
      all,
    ]) {
      await expect(call()).rejects.toMatchObject({ name: 'LedgerUnavailable' });
    }
  });
});

function bySince(one: OpenEntry, other: OpenEntry): number {
  return `${one.since}${one.webhook_id}` < `${other.since}${other.webhook_id}` ? -1 : 1;
}
