import { expect, test } from '@jest/globals';
import { startLedgerServer } from '../support/dynamodb.ts';
import { EXPECTED, readsAfter } from '../support/reconcile-reads.ts';

test('a run reads as many units after 10 and 100 times the history', async () => {
  const reads: number[] = [];
  for (const closed of [5, 50, 500]) {
    const server = await startLedgerServer();
    try {
      const { report, units } = await readsAfter(closed, server);
      expect(report).toMatchObject(EXPECTED);
      reads.push(units);
    } finally {
      await server.close();
    }
  }
  const [first = 0, ...others] = reads;
  expect(first).toBeGreaterThan(20);
  for (const other of others) expect(Math.abs(other - first)).toBeLessThanOrEqual(1);
}, 60_000);
