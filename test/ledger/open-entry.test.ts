import { describe, expect, test } from '@jest/globals';
import { LATE_AFTER_MS, LISTED_AFTER_MS, LISTED_AGAIN_MS, needsOpenEntry } from '../../lambdas/ledger/open-entry.ts';
import { reconcileInputSchema } from '../../lambdas/ledger/reconciliation.ts';
import { DELIVERY_STATES, type DeliveryState, type LedgerRecord } from '../../lambdas/ledger/record.ts';
import { newRecord } from '../../lambdas/ledger/transitions.ts';
import { NOW, subject } from '../support/factories.ts';

const FINAL: readonly DeliveryState[] = ['delivered', 'dead', 'filtered', 'cancelled'];
const OPEN = DELIVERY_STATES.filter((state) => !FINAL.includes(state));

const accepted = new Date(NOW).toISOString();
const record = (state: DeliveryState, version = 2): LedgerRecord => ({
  ...newRecord(subject({ accepted_at: accepted }), NOW),
  state,
  version,
});

describe('the writer of a record writes an open entry', () => {
  test.each(FINAL.flatMap((before) => OPEN.map((after) => [before, after] as const)))(
    'if it reopens the delivery: %s, %s',
    (before, after) => expect(needsOpenEntry(record(before), record(after, 3), NOW)).toBe(true),
  );

  test.each(OPEN)('if its record is listed late for the first time: %s', (after) => {
    const late = NOW + LATE_AFTER_MS;
    for (const before of [undefined, record('delivering', 1)]) {
      expect(needsOpenEntry(before, record(after), late)).toBe(false);
      expect(needsOpenEntry(before, record(after), late + 1)).toBe(true);
    }
  });

  test.each(OPEN)('not for a delivery that is open and listed: %s', (before) => {
    for (const after of OPEN)
      expect(needsOpenEntry(record(before), record(after, 3), NOW + 10 * LATE_AFTER_MS)).toBe(false);
  });

  test.each(FINAL)('never for one that closes: %s', (after) => {
    for (const before of [undefined, ...DELIVERY_STATES.map((state) => record(state))]) {
      expect(needsOpenEntry(before, record(after, 3), NOW + 10 * LATE_AFTER_MS)).toBe(false);
    }
  });
});

test('a delivery is listed before it can be stuck, and a late one writes its entry while the runs may still miss it', () => {
  const { in_flight_bound_seconds: stuckAfter } = reconcileInputSchema.parse({ incremental: true });
  expect(LISTED_AFTER_MS).toBeLessThan(stuckAfter * 1000);
  expect(LATE_AFTER_MS).toBeLessThan(LISTED_AFTER_MS + LISTED_AGAIN_MS);
});
