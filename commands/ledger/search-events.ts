import { DescribeTableCommand } from '@aws-sdk/client-dynamodb';
import type { EventSubject, LedgerTable, ScannedEvent } from '../../lambdas/ledger/ports.ts';
import { LEDGER_TABLE } from '../../lambdas/ledger/record.ts';
import type { Stage } from '../shared/stage.ts';
import { createLatestFound, type FoundDelivery, lineOf } from './find-deliveries.ts';
import { costOfBytes, costOfUnits, type ReadCost } from './read-cost.ts';

/** Deliveries that a search keeps at the most, the latest accepted. */
export const MAX_FOUND = 100;

/** What a search of the whole table has found so far, and what it has cost. */
export interface SearchProgress extends ReadCost {
  /** The latest accepted first, `MAX_FOUND` at the most. */
  readonly deliveries: readonly FoundDelivery[];
  /** How many were found in all. */
  readonly total: number;
}

export interface SearchOptions {
  onProgress(progress: SearchProgress): Promise<void>;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Searches events for a learner or a course. No index has them: it reads every item of the table, and keeps the latest
 * `MAX_FOUND` it finds.
 *
 * @throws LedgerUnavailable
 */
export async function searchEvents(
  subject: EventSubject,
  table: Pick<LedgerTable, 'eventsOf' | 'records'>,
  { onProgress, signal }: SearchOptions,
): Promise<SearchProgress> {
  const latest = createLatestFound<ScannedEvent>(MAX_FOUND);
  let cost: ReadCost = { rowsRead: 0, costUsd: 0 };
  let deliveries: readonly FoundDelivery[] = [];
  let shown = 0;
  let reporting: Promise<void> = Promise.resolve();
  const report = () => {
    const progress = { ...cost, deliveries, total: latest.total };
    reporting = reporting.then(() => onProgress(progress));
  };
  const events = table.eventsOf(subject, {
    abortSignal: signal,
    report(rowsRead, readUnits) {
      cost = { rowsRead, costUsd: costOfUnits(readUnits) };
      report();
    },
  });
  for await (const event of events) {
    latest.add(event);
    // The first ones are shown at once, further ones when there are some more.
    if (latest.total > 10 && latest.total < shown + MAX_FOUND) continue;
    shown = latest.total;
    deliveries = await standing(latest.latest(), table);
    report();
  }
  deliveries = await standing(latest.latest(), table);
  await reporting;
  return { ...cost, deliveries, total: latest.total };
}

async function standing(
  events: readonly ScannedEvent[],
  table: Pick<LedgerTable, 'records'>,
): Promise<readonly FoundDelivery[]> {
  if (events.length === 0) return [];
  const records = await table.records(events.map(({ webhook_id }) => webhook_id));
  return events.map((event) => {
    const record = records.get(event.webhook_id);
    if (record !== undefined) return lineOf(record);
    return { ...event, state: 'accepted', changed_at: event.accepted_at, generation: 0, attempt: 0 };
  });
}

/** What a search reads at the most. DynamoDB counts items about every six hours. */
export interface SearchEstimate extends ReadCost {
  readonly of: 'table' | 'index';
}

/** Estimates a search of the table, or of the index of deliveries, if all of it is read. @throws the client's errors */
export async function estimateSearch(stage: Stage, of: SearchEstimate['of']): Promise<SearchEstimate> {
  const command = new DescribeTableCommand({ TableName: stage.output('LedgerTableName') });
  const { Table } = await stage.dynamoDb.send(command);
  const index = Table?.GlobalSecondaryIndexes?.find(({ IndexName }) => IndexName === LEDGER_TABLE.index.name);
  const [rows, bytes] =
    of === 'table' ? [Table?.ItemCount, Table?.TableSizeBytes] : [index?.ItemCount, index?.IndexSizeBytes];
  return { of, rowsRead: rows ?? 0, costUsd: costOfBytes(bytes ?? 0) };
}
