import { errorFields } from '../contract/errors.ts';
import type { LedgerTable } from '../contract/ledger-ports.ts';
import type { Log } from '../contract/log.ts';
import { type Counter, METRICS } from '../contract/metrics.ts';
import { OVERDUE_AFTER_MS } from '../contract/timer.ts';
import { isFinal } from '../domain/ledger.ts';
import { awake } from '../domain/timers.ts';

export interface MeasureTimersServices {
  readonly table: Pick<LedgerTable, 'countTimers' | 'overdueTimers' | 'records' | 'keepTimer'>;
  readonly log: Log;
  readonly counter: Counter;
  now(): number;
}

/**
 * Measures how many events wait for their moment, and how many nobody woke. Before, unless it is a dry run, it takes those off
 * the list whose delivery has ended: the ledger did not respond when they woke. Never throws: a run has more to do.
 */
export async function measureTimers(
  { table, log, counter, now }: MeasureTimersServices,
  isDryRun: boolean,
): Promise<void> {
  try {
    if (!isDryRun) await clearEnded(table, now() - OVERDUE_AFTER_MS);
    const { waiting, overdue } = await table.countTimers(now() - OVERDUE_AFTER_MS);
    counter.measure(METRICS.timerWaiting, waiting);
    counter.measure(METRICS.timerOverdue, overdue);
    log.info('timers.counted', { waiting, overdue });
  } catch (thrown) {
    log.error('timers.uncounted', errorFields(thrown));
  }
}

async function clearEnded(table: MeasureTimersServices['table'], dueBeforeMs: number): Promise<void> {
  const overdue = await table.overdueTimers(dueBeforeMs);
  const records = await table.records(overdue.map(({ webhook_id }) => webhook_id));
  const ended = overdue.filter(({ webhook_id }) => {
    const record = records.get(webhook_id);
    return record !== undefined && isFinal(record);
  });
  await Promise.all(ended.map((timer) => table.keepTimer(awake(timer))));
}
