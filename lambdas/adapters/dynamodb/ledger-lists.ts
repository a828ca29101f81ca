import { type AttributeValue, QueryCommand, type QueryCommandInput } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { LEDGER_TABLE } from '../../contract/ledger.ts';
import type { LedgerDay, LedgerTable, ListedWebhook, Span } from '../../contract/ledger-ports.ts';
import type { TableAddress } from './batch-write.ts';
import { dayQueries, directoryQuery } from './index-queries.ts';
import type { Item } from './item-size.ts';
import { acceptedAtOf, lineOf } from './listed-items.ts';
import { sideBySide } from './side-by-side.ts';
import { reach } from './unavailable.ts';

type Lists = Pick<LedgerTable, 'days' | 'listRecords' | 'listEvents' | 'countEvents' | 'latestRecords'>;

/**
 * Lists out of the index, which lags behind the table for some milliseconds. Its sixteen partitions of a day are read
 * side by side.
 *
 * @param heldSince events accepted before that moment have expired; ISO 8601, UTC
 */
export function createLists({ client, tableName }: TableAddress, heldSince: () => string): Lists {
  async function* pages(operation: string, query: Partial<QueryCommandInput>) {
    let next: Record<string, AttributeValue> | undefined;
    do {
      const command = new QueryCommand({ TableName: tableName, ...query, ExclusiveStartKey: next });
      const page = await reach(operation, () => client.send(command));
      yield page;
      next = page.LastEvaluatedKey;
    } while (next !== undefined);
  }

  async function* items(operation: string, query: Partial<QueryCommandInput>): AsyncGenerator<Item[]> {
    for await (const { Items = [] } of pages(operation, query)) yield Items.map((item) => unmarshall(item));
  }

  async function latestOf(query: Partial<QueryCommandInput>, atMost: number): Promise<ListedWebhook[]> {
    const found: ListedWebhook[] = [];
    for await (const page of items('latestRecords', { ...query, ScanIndexForward: false, Limit: atMost })) {
      found.push(...page.map(lineOf));
      if (found.length >= atMost) break;
    }
    return found;
  }

  /** @returns undefined where nothing can be within it: DynamoDB refuses a range that ends before it begins */
  function held(span: Span): Span | undefined {
    const since = heldSince();
    return inOrder({ from: span.from > since ? span.from : since, until: span.until });
  }

  return {
    async days(span) {
      const days: LedgerDay[] = [];
      if (inOrder(span) === undefined) return days;
      for await (const page of items('days', directoryQuery(span))) days.push(...page.map(entryOf));
      return days;
    },
    async *listRecords(day, span, filter) {
      if (inOrder(span) === undefined || filter?.states?.length === 0) return;
      const queries = dayQueries(day, 'state', span, filter);
      for await (const page of sideBySide(queries.map((query) => items('listRecords', query)))) {
        yield* page.map(lineOf);
      }
    },
    async *listEvents(day, span) {
      const range = held(span);
      if (range === undefined) return;
      const queries = dayQueries(day, 'event', range);
      for await (const page of sideBySide(queries.map((query) => items('listEvents', query)))) {
        for (const item of page) {
          yield { webhook_id: String(item[LEDGER_TABLE.partitionKey]), accepted_at: acceptedAtOf(item) };
        }
      }
    },
    async countEvents(day, span) {
      const range = held(span);
      if (range === undefined) return 0;
      const queries = dayQueries(day, 'event', range).map((query) => ({ ...query, Select: 'COUNT' as const }));
      let count = 0;
      for await (const { Count = 0 } of sideBySide(queries.map((query) => pages('countEvents', query)))) count += Count;
      return count;
    },
    async latestRecords(day, atMost) {
      if (atMost < 1) return [];
      const found = await Promise.all(dayQueries(day, 'state').map((query) => latestOf(query, atMost)));
      const latestFirst = (one: ListedWebhook, other: ListedWebhook) => (one.accepted_at < other.accepted_at ? 1 : -1);
      return found.flat().toSorted(latestFirst).slice(0, atMost);
    },
  };
}

function inOrder(span: Span): Span | undefined {
  return span.from > span.until ? undefined : span;
}

/** A directory entry's sort key is `<day>#<integration>`. */
function entryOf(item: Item): LedgerDay {
  const [day = '', ...rest] = String(item[LEDGER_TABLE.sortKey]).split('#');
  return { day, integrationId: rest.join('#') };
}
