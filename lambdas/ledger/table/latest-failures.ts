import { DAY_MS } from '../../shared/durations.ts';
import { IO_DEADLINES } from '../../shared/io-deadlines.ts';
import type { ListedDelivery } from '../ports.ts';
import type { DeliveryState } from '../record.ts';
import { lineOf } from './ledger-items.ts';
import { dayQueries } from './ledger-lists.ts';
import { queryFirstPage, type TableAddress } from './table-calls.ts';

/**
 * Entries read from each of a day's sixteen partitions, the latest accepted first. Older failures are not reported.
 * Without a bound, the million entries of a busy day would be read every minute.
 */
const ENTRIES_OF_PARTITION = 100;

/**
 * Today and the two days before: the default policy retries for 23.6 hours, and failures of the last 24 hours count.
 */
const DAYS = 3;

const UNDELIVERED: readonly DeliveryState[] = ['dead', 'scheduled', 'parked'];

export interface FailureSearchOptions extends TableAddress {
  readonly searchTimeoutMs?: number;
}

/** Finds the deliveries that failed or wait, of the latest day that has any. @throws LedgerUnavailable */
export type FailureSearch = (integrationId: string, nowMs: number) => Promise<readonly ListedDelivery[]>;

/** Creates the search. It reads the index only, and so needs no permission for the table. */
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
          const bounded = { ...query, ScanIndexForward: false, Limit: ENTRIES_OF_PARTITION };
          return (await queryFirstPage('latestFailures', bounded, table, { abortSignal })).map(lineOf);
        }),
      );
      if (found.flat().length > 0) return found.flat();
    }
    return [];
  };
}
