import { DAY_MS } from '../../shared/durations.ts';
import { IO_DEADLINES } from '../../shared/io-deadlines.ts';
import type { ListedWebhook } from '../ports.ts';
import type { WebhookState } from '../record.ts';
import { lineOf } from './ledger-items.ts';
import { dayQueries } from './ledger-lists.ts';
import { queryFirstPage, type TableAddress } from './table-calls.ts';

/**
 * Lines read of each of a day's sixteen partitions, the latest accepted first. A failure with many more accepted after it
 * is not found and not reported; the bound keeps the list of a busy day, of a million lines, from being read each minute.
 */
const LINES_OF_PARTITION = 100;

/** Today and two days before: attempts go on for 23.6 hours by default, and those of the last 24 hours are meant. */
const DAYS = 3;

const UNDELIVERED: readonly WebhookState[] = ['dead', 'scheduled', 'parked'];

export interface FailureSearchOptions extends TableAddress {
  readonly searchTimeoutMs?: number;
}

/** Webhooks that are not delivered, of the latest day that has any. @throws LedgerUnavailable */
export type FailureSearch = (integrationId: string, nowMs: number) => Promise<readonly ListedWebhook[]>;

/** Finds them in the index alone: it needs no permission for the table. */
export function createFailureSearch({
  searchTimeoutMs = IO_DEADLINES.failureSearch.searchTimeoutMs,
  ...table
}: FailureSearchOptions): FailureSearch {
  return async (integrationId, nowMs) => {
    const abortSignal = AbortSignal.timeout(searchTimeoutMs);
    for (let daysAgo = 0; daysAgo < DAYS; daysAgo += 1) {
      const day = new Date(nowMs - daysAgo * DAY_MS).toISOString().slice(0, 10);
      const queries = dayQueries({ integrationId, day }, 'state', undefined, { states: UNDELIVERED });
      const found = await Promise.all(
        queries.map(async (query) => {
          const bounded = { ...query, ScanIndexForward: false, Limit: LINES_OF_PARTITION };
          return (await queryFirstPage('latestFailures', bounded, table, { abortSignal })).map(lineOf);
        }),
      );
      if (found.flat().length > 0) return found.flat();
    }
    return [];
  };
}
