import { errorFields } from '../contract/errors.ts';
import type { LedgerTable } from '../contract/ledger-ports.ts';
import type { Log } from '../contract/log.ts';
import { type Counter, METRICS } from '../contract/metrics.ts';
import { OVERDUE_AFTER_MS } from '../contract/timer.ts';

export interface MeasureTimersServices {
  readonly table: Pick<LedgerTable, 'countTimers'>;
  readonly log: Log;
  readonly counter: Counter;
  now(): number;
}

/** Measures how many events wait for their moment, and how many nobody woke. Never throws: a run has more to do. */
export async function measureTimers({ table, log, counter, now }: MeasureTimersServices): Promise<void> {
  try {
    const { waiting, overdue } = await table.countTimers(now() - OVERDUE_AFTER_MS);
    counter.measure(METRICS.timerWaiting, waiting);
    counter.measure(METRICS.timerOverdue, overdue);
    log.info('timers.counted', { waiting, overdue });
  } catch (thrown) {
    log.error('timers.uncounted', errorFields(thrown));
  }
}
