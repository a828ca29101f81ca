import { type DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { IO_DEADLINES } from '../../contract/io-deadlines.ts';
import type { WebhookState } from '../../contract/ledger.ts';
import type { ListedWebhook } from '../../contract/ledger-ports.ts';
import { dayQueries } from './index-queries.ts';
import { lineOf } from './listed-items.ts';
import { reach } from './unavailable.ts';

/**
 * Lines that are looked at in each of a day's sixteen partitions, the latest accepted first. With many more accepted
 * after a failure it is not found, which is told as no error; the bound is what keeps a busy day's list, of a million
 * lines, from being read each minute.
 */
const LINES_OF_PARTITION = 100;

/** Today and two days before: tries go on for 23.6 hours by default, and those of the last 24 hours are meant. */
const DAYS = 3;
const DAY_MS = 24 * 3600_000;

const UNDELIVERED: readonly WebhookState[] = ['dead', 'scheduled', 'parked'];

export interface FailureSearchOptions {
  readonly client: DynamoDBClient;
  readonly tableName: string;
  readonly searchTimeoutMs?: number;
}

/** Webhooks that are not delivered, of the latest day that has any. @throws LedgerUnavailable */
export type FailureSearch = (integrationId: string, nowMs: number) => Promise<readonly ListedWebhook[]>;

/** Finds them in the index alone: it needs no permission for the table. */
export function createFailureSearch({
  client,
  tableName,
  searchTimeoutMs = IO_DEADLINES.failureSearch.searchTimeoutMs,
}: FailureSearchOptions): FailureSearch {
  return async (integrationId, nowMs) => {
    const abortSignal = AbortSignal.timeout(searchTimeoutMs);
    for (let daysAgo = 0; daysAgo < DAYS; daysAgo += 1) {
      const day = new Date(nowMs - daysAgo * DAY_MS).toISOString().slice(0, 10);
      const queries = dayQueries({ integrationId, day }, 'state', undefined, { states: UNDELIVERED });
      const found = await Promise.all(
        queries.map(async (query) => {
          const bounds = { TableName: tableName, ScanIndexForward: false, Limit: LINES_OF_PARTITION };
          const command = new QueryCommand({ ...query, ...bounds });
          const { Items = [] } = await reach('latestFailures', () => client.send(command, { abortSignal }));
          return Items.map((item) => lineOf(unmarshall(item)));
        }),
      );
      if (found.flat().length > 0) return found.flat();
    }
    return [];
  };
}
