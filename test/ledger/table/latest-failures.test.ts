import { beforeEach, describe, expect, test } from '@jest/globals';
import { type DeliveryState, LEDGER_TABLE, type LedgerRecord } from '../../../lambdas/ledger/record.ts';
import { createFailureSearch } from '../../../lambdas/ledger/table/latest-failures.ts';
import { newRecord } from '../../../lambdas/ledger/transitions.ts';
import { LedgerUnavailable } from '../../../lambdas/shared/errors.ts';
import { NOW, subject } from '../../support/factories.ts';
import { sharedLedgerTable } from '../../support/ledger-table.ts';

const DAY_MS = 24 * 3600_000;

const ledger = sharedLedgerTable();
const search: ReturnType<typeof createFailureSearch> = (...asked) =>
  createFailureSearch({ client: ledger.client, tableName: 'ledger' })(...asked);

/** Each test has an integration of its own. */
let integrationId = 'integration-';
beforeEach(() => {
  integrationId += 'i';
});

async function write(state: DeliveryState, acceptedMs: number, changes: Partial<LedgerRecord> = {}): Promise<string> {
  const accepted_at = new Date(acceptedMs).toISOString();
  const event_id = `${accepted_at}-${state}`.replaceAll(/[:.]/g, '');
  const one = { ...subject({ integration_id: integrationId, event_id }), accepted_at };
  const record = { ...newRecord(one, NOW), state, times: { [state]: accepted_at }, version: 2, ...changes };
  await ledger.table.overwrite(record);
  return record.webhook_id;
}

const found = async () => (await search(integrationId, NOW)).map(({ webhook_id }) => webhook_id).toSorted();

describe('the latest failures of an integration', () => {
  test('are today’s dead, scheduled and parked deliveries, with state, time and reason', async () => {
    await write('delivered', NOW - 1000);
    await write('filtered', NOW - 1000);
    const ids = [
      await write('dead', NOW - 3000, { reason: 'HTTP 400' }),
      await write('scheduled', NOW - 2000, { reason: 'HTTP 503' }),
      await write('parked', NOW - 1000),
    ];
    expect(await found()).toEqual(ids.toSorted());
    expect(await search(integrationId, NOW)).toContainEqual(
      expect.objectContaining({
        state: 'scheduled',
        reason: 'HTTP 503',
        changed_at: new Date(NOW - 2000).toISOString(),
      }),
    );
  });

  test('are those of one of the two days before, if later days have none', async () => {
    await write('delivered', NOW - 1000);
    const oldest = await write('dead', NOW - 2 * DAY_MS);
    expect(await found()).toEqual([oldest]);
    const yesterday = await write('dead', NOW - DAY_MS);
    expect(await found()).toEqual([yesterday]);
  });

  test('are none if they are older, or another integration’s', async () => {
    await write('dead', NOW - 3 * DAY_MS);
    expect(await found()).toEqual([]);
    await write('dead', NOW - 1000);
    expect(await search('another', NOW)).toEqual([]);
  });

  test('are read from the index only, with at most 48 queries of a hundred entries', async () => {
    expect(await found()).toEqual([]);
    expect(ledger.front.calls).toHaveLength(48);
    for (const { operation, input } of ledger.front.calls) {
      expect(operation).toBe('Query');
      expect(input).toMatchObject({ IndexName: LEDGER_TABLE.index.name, Limit: 100, ScanIndexForward: false });
    }
  });

  test('are found within the entries that are read, and not beyond', async () => {
    // All in the partition of the digit 0.
    const idOf = (index: number) => `wh_0${String(index).padStart(39, '0')}`;
    const writeAt = (index: number, state: DeliveryState, acceptedMs: number) =>
      write(state, acceptedMs, { webhook_id: idOf(index) });
    await writeAt(0, 'dead', NOW - 10_000);
    await Promise.all(Array.from({ length: 99 }, (_, index) => writeAt(index + 1, 'delivered', NOW - index)));
    expect(await found()).toEqual([idOf(0)]);
    await writeAt(100, 'delivered', NOW - 5000);
    expect(await found()).toEqual([]);
  });
});

describe('a table that does not respond', () => {
  test('is LedgerUnavailable', async () => {
    ledger.front.decide(() => ({ status: 400, answer: { __type: 'x#AccessDeniedException', message: 'no' } }));
    await expect(search(integrationId, NOW)).rejects.toThrow(LedgerUnavailable);
  });

  test('is waited for until the timeout', async () => {
    ledger.front.decide(() => 'hang');
    const hurried = createFailureSearch({ client: ledger.client, tableName: 'ledger', searchTimeoutMs: 50 });
    await expect(hurried(integrationId, NOW)).rejects.toThrow(LedgerUnavailable);
  });
});
