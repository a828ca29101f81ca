import {
  LEDGER_TABLE,
  type LedgerEvent,
  type LedgerRecord,
  ledgerEventSchema,
  ledgerRecordSchema,
} from '../../contract/ledger.ts';
import { changedAt } from '../../domain/ledger.ts';
import { compactTime, timeText } from './compact-time.ts';
import type { Item } from './item-size.ts';

const { partitionKey, sortKey, expiry, index } = LEDGER_TABLE;
const DAY_MS = 24 * 3600_000;

/** Sort keys of a webhook's items. */
export const SORT_KEYS = { state: 'state', event: 'event', answer: 'answer' } as const;

/** Partition of the list of integrations and days. */
export const DIRECTORY = 'directory';

/** The primary key of one of a webhook's items. */
export function keyOf(webhookId: string, sort: keyof typeof SORT_KEYS): Readonly<Record<string, string>> {
  return { [partitionKey]: webhookId, [sortKey]: SORT_KEYS[sort] };
}

/** The UTC day of a time, `YYYY-MM-DD`. */
export function dayOf(acceptedAt: string): string {
  return acceptedAt.slice(0, 10);
}

/** An index partition: one of sixteen for each integration and day. */
export function listingOf(integrationId: string, day: string, hexDigit: string): string {
  return `${integrationId}#${day}#${hexDigit}`;
}

function listed(kind: 'event' | 'state', subject: LedgerEvent | LedgerRecord): Item {
  const { integration_id, accepted_at, webhook_id } = subject;
  return {
    [index.partitionKey]: listingOf(integration_id, dayOf(accepted_at), webhook_id.charAt('wh_'.length)),
    [index.sortKey]: `${kind}#${accepted_at}`,
  };
}

/** Epoch seconds. */
function expiresAt(acceptedAt: string, days: number): number {
  return Math.floor((Date.parse(acceptedAt) + days * DAY_MS) / 1000);
}

/**
 * A state item. A webhook's very first claim is not listed: its event lists it until the next write, which saves a write
 * unit of the index.
 */
export function stateItem(record: LedgerRecord, factsDays: number): Item {
  const { webhook_id, times, accepted_at, lease_until, due_at, parked_since, ...rest } = record;
  const isFirstClaim = record.version === 1 && record.state === 'delivering';
  return {
    ...keyOf(webhook_id, 'state'),
    ...rest,
    accepted_at: compactTime(accepted_at),
    times: Object.fromEntries(Object.entries(times).map(([state, at]) => [state, compactTime(at)])),
    attempts: record.attempts.map((attempt) => ({ ...attempt, at: compactTime(attempt.at) })),
    lease_until: lease_until && compactTime(lease_until),
    due_at: due_at && compactTime(due_at),
    parked_since: parked_since && compactTime(parked_since),
    [expiry]: expiresAt(accepted_at, factsDays),
    ...(!isFirstClaim && { ...listed('state', record), changed_at: compactTime(changedAt(record)) }),
  };
}

/** @returns undefined where it does not fit the schema */
export function recordOf(item: Item): LedgerRecord | undefined {
  const { [partitionKey]: webhook_id, times, attempts } = item;
  return ledgerRecordSchema.safeParse({
    ...item,
    webhook_id,
    ...timesIn(item, ['accepted_at', 'lease_until', 'due_at', 'parked_since']),
    times: isMap(times) ? timesIn(times, Object.keys(times)) : times,
    attempts: Array.isArray(attempts)
      ? attempts.map((one) => isMap(one) && { ...one, ...timesIn(one, ['at']) })
      : attempts,
  }).data;
}

/** Those of an item's times that it has, as text. */
function timesIn(item: Item, names: readonly string[]): Item {
  return Object.fromEntries(names.filter((name) => name in item).map((name) => [name, timeText(item[name])]));
}

export function eventItem(event: LedgerEvent, payloadDays: number): Item {
  const { webhook_id, ...rest } = event;
  return {
    ...keyOf(webhook_id, 'event'),
    ...rest,
    [expiry]: expiresAt(event.accepted_at, payloadDays),
    ...listed('event', event),
  };
}

/** @returns undefined where it does not fit the schema */
export function eventOfItem(item: Item): LedgerEvent | undefined {
  return ledgerEventSchema.safeParse({ ...item, webhook_id: item[partitionKey] }).data;
}

export function answerItem(webhookId: string, acceptedAt: string, answer: string, payloadDays: number): Item {
  return { ...keyOf(webhookId, 'answer'), answer, [expiry]: expiresAt(acceptedAt, payloadDays) };
}

/** It stays until the last record of its day may be gone. */
export function directoryItem(day: string, integrationId: string, factsDays: number): Item {
  return {
    [partitionKey]: DIRECTORY,
    [sortKey]: `${day}#${integrationId}`,
    [expiry]: expiresAt(`${day}T00:00:00.000Z`, factsDays + 1),
  };
}

/** Whether an item is held no longer, although DynamoDB, which takes up to 48 hours for it, has not deleted it yet. */
export function hasExpired(item: Item, nowMs: number): boolean {
  const at = item[expiry];
  return typeof at === 'number' && at * 1000 <= nowMs;
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
