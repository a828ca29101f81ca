import type { QueryCommandInput } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { LEDGER_TABLE, type WebhookState } from '../../contract/ledger.ts';
import type { LedgerDay, Span } from '../../contract/ledger-ports.ts';
import { DIRECTORY, dayOf, listingOf } from './ledger-items.ts';

const { partitionKey, sortKey, index } = LEDGER_TABLE;

/** Which states, and which part of a reason, a list is narrowed down to. */
export interface Filter {
  readonly states?: readonly WebhookState[];
  readonly reason?: string;
}

type Query = Omit<QueryCommandInput, 'TableName'>;

/** Sorts after every character that an integration's id may have. */
const AFTER_ALL = '~';

/** The directory's entries of some days. */
export function directoryQuery({ from, until }: Span): Query {
  return {
    KeyConditionExpression: '#pk = :pk AND #sk BETWEEN :from AND :until',
    ExpressionAttributeNames: { '#pk': partitionKey, '#sk': sortKey },
    ExpressionAttributeValues: marshall({ ':pk': DIRECTORY, ':from': dayOf(from), ':until': dayOf(until) + AFTER_ALL }),
  };
}

/** The sixteen queries that read one integration's events, or records, of one day. */
export function dayQueries(day: LedgerDay, kind: 'event' | 'state', span?: Span, filter: Filter = {}): Query[] {
  const { conditions, names, values } = conditionsOf(filter);
  const range = span === undefined ? 'begins_with(#sk, :from)' : '#sk BETWEEN :from AND :until';
  return [...'0123456789abcdef'].map((hexDigit) => ({
    IndexName: index.name,
    KeyConditionExpression: `#pk = :pk AND ${range}`,
    ...(conditions.length > 0 && { FilterExpression: conditions.join(' AND ') }),
    ExpressionAttributeNames: { '#pk': index.partitionKey, '#sk': index.sortKey, ...names },
    ExpressionAttributeValues: marshall({
      ':pk': listingOf(day.integrationId, day.day, hexDigit),
      ':from': `${kind}#${span?.from ?? ''}`,
      ...(span !== undefined && { ':until': `${kind}#${span.until}` }),
      ...values,
    }),
  }));
}

function conditionsOf({ states, reason }: Filter) {
  const names: Record<string, string> = {};
  const values: Record<string, string> = {};
  const conditions: string[] = [];
  if (states !== undefined) {
    names['#state'] = 'state';
    for (const [position, state] of states.entries()) values[`:state${position}`] = state;
    conditions.push(`#state IN (${states.map((_, position) => `:state${position}`).join(', ')})`);
  }
  if (reason !== undefined) {
    names['#reason'] = 'reason';
    values[':reason'] = reason;
    conditions.push('contains(#reason, :reason)');
  }
  return { conditions, names, values };
}
