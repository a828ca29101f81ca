import type { LedgerTable, Span } from '../../lambdas/ledger/ports.ts';
import type { REPLAYED_STATES } from '../replay/option-values.ts';
import { findDays } from './find-deliveries.ts';
import { createReasonGroups, type GroupedReasons } from './group-reasons.ts';

export interface ReasonFilter {
  readonly state: (typeof REPLAYED_STATES)[number];
  /** Undefined: of all. */
  readonly integrationId: string | undefined;
  /** By when they were accepted. */
  readonly span: Span;
}

/** The groups, and how far the ledger was read. */
export interface FoundReasons extends GroupedReasons {
  readonly days_read: number;
  readonly days: number;
  /** Rows that DynamoDB read, and bills; most of them may be in another state. */
  readonly rows_read: number;
}

export interface ReasonWatch {
  /** Called after each page. @param found makes the groups of what was read so far */
  report?(rowsRead: number, found: () => FoundReasons): void;
  /** Ends it with what was read so far. */
  readonly signal?: AbortSignal;
}

/**
 * Groups the deliveries in one state by their reasons.
 *
 * @param atMost groups that are returned
 * @throws LedgerUnavailable
 */
export async function findReasons(
  table: Pick<LedgerTable, 'days' | 'listRecords'>,
  { state, integrationId, span }: ReasonFilter,
  atMost: number,
  { report, signal }: ReasonWatch = {},
): Promise<FoundReasons> {
  const { days } = await findDays(table, span, integrationId);
  const groups = createReasonGroups();
  let rowsRead = 0;
  let daysRead = 0;
  const found = () => ({
    ...groups.grouped(atMost),
    ...{ days_read: daysRead, days: days.length, rows_read: rowsRead },
  });
  const watch = {
    ...(signal !== undefined && { signal }),
    report(rows: number) {
      rowsRead += rows;
      report?.(rowsRead, found);
    },
  };
  for (const day of days) {
    for await (const delivery of table.listRecords(day, span, { states: [state] }, watch)) groups.add(delivery);
    if (!signal?.aborted) daysRead += 1;
  }
  return found();
}
