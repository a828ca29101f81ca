import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { billOfQueues, billOfWorkflow, totalOf } from '../../bench/cost/bill.ts';

/** `test/workflow` pins the states of such an execution, and `ledger.test.ts` the units. */
const counted = { transitions: 7, ledgerWriteUnits: 7, ledgerReadUnits: 1 };

describe('the bill for a million events', () => {
  test('is what docs/costs.md says, to a cent for each of its lines', () => {
    const [, total] =
      /\*\*a million events\*\* \| \| \*\*([\d.]+)\*\*/.exec(readFileSync('docs/costs.md', 'utf8')) ?? [];
    expect(Math.abs(totalOf(billOfQueues(counted)) - Number(total))).toBeLessThan(0.1);
  });

  test('through the workflow grows by a transition’s price for each event', () => {
    const more = billOfWorkflow({ ...counted, transitions: 8 });
    expect(totalOf(more) - totalOf(billOfWorkflow(counted))).toBeCloseTo(25);
  });
});
