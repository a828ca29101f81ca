import { expect, test } from '@jest/globals';
import { METRICS } from '../../lambdas/contract/metrics.ts';
import type { Timer } from '../../lambdas/contract/timer.ts';
import { newRecord } from '../../lambdas/domain/ledger.ts';
import { measureTimers } from '../../lambdas/operations/measure-timers.ts';
import { fakeCounter, fakeLog, NOW, subject } from '../support/factories.ts';
import { createMemoryLedger } from '../support/memory-ledger.ts';
import { HOUR, isoAgo, MINUTE } from '../support/reconcile-world.ts';

const timer = (name: string, dueAgoMs?: number): Timer => ({
  key: `timer_${name}`,
  webhook_id: `wh_${name}`,
  integration_id: 'acme',
  latest_at: isoAgo(2 * HOUR),
  ...(dueAgoMs !== undefined && { due_at: isoAgo(dueAgoMs) }),
  generation: 0,
});

function world() {
  const table = createMemoryLedger();
  const services = { table, log: fakeLog(), counter: fakeCounter(), now: () => NOW };
  return { ...services, measure: (isDryRun = false) => measureTimers(services, isDryRun) };
}

test('measures how many events wait, and how many of these have been due for over an hour', async () => {
  const { table, counter, measure } = world();
  const dueAgo = { later: -HOUR, 'just due': MINUTE, 'almost late': 59 * MINUTE, late: 61 * MINUTE };
  for (const [name, agoMs] of Object.entries(dueAgo)) await table.keepTimer(timer(name, agoMs));
  await table.keepTimer(timer('woken'));
  await measure();
  expect(counter.measured).toEqual([
    [METRICS.timerWaiting, 4],
    [METRICS.timerOverdue, 1],
  ]);
});

test('takes off the list what is overdue and has ended: the ledger did not respond when it woke', async () => {
  const { table, counter, measure } = world();
  const states = ['delivered', 'cancelled', 'dead', 'unwanted', 'scheduled', 'parked', 'delivering'] as const;
  for (const state of states) {
    await table.keepTimer(timer(state, 61 * MINUTE));
    await table.overwrite({ ...newRecord(subject(), NOW), webhook_id: `wh_${state}`, state, version: 2 });
  }
  await table.keepTimer(timer('unknown', 61 * MINUTE));
  // Due for less than an hour: it may be on its way.
  await table.keepTimer({ ...timer('recent', 59 * MINUTE), webhook_id: 'wh_delivered' });
  const measured = (waiting: number, overdue: number) => [
    [METRICS.timerWaiting, waiting],
    [METRICS.timerOverdue, overdue],
  ];
  await measure(true);
  expect(counter.measured).toEqual(measured(9, 8));
  await measure();
  expect(counter.measured.slice(2)).toEqual(measured(5, 4));
  // It cancels what is older still.
  expect((await table.timers(['timer_delivered'])).get('timer_delivered')).toEqual(timer('delivered'));
});

test('measures nothing that waits as 0: whoever looks knows that it was counted', async () => {
  const { counter, measure } = world();
  await measure();
  expect(counter.measured.map(([, value]) => value)).toEqual([0, 0]);
});

test('says so where the ledger does not answer, and stops nobody', async () => {
  const { table, counter, log, measure } = world();
  table.isDown = true;
  await measure();
  expect(counter.measured).toEqual([]);
  expect(log.only('timers.uncounted')).toMatchObject({ error: 'LedgerUnavailable' });
});
