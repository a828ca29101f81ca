import { enrichmentSchema } from '../../events/delivery.ts';
import { DAY_MS } from '../../shared/durations.ts';
import { isRecord } from '../../shared/json.ts';
import type { ListedDelivery } from '../ports.ts';
import {
  DELIVERY_STATES,
  type DeliveryState,
  LEDGER_TABLE,
  type LedgerEvent,
  type LedgerRecord,
  ledgerEventSchema,
  ledgerRecordSchema,
} from '../record.ts';
import { changedAt, isFirstClaim } from '../transitions.ts';
import type { Item } from './table-calls.ts';

const { partitionKey, sortKey, expiry, index } = LEDGER_TABLE;

/** Sort keys of a delivery's items. */
export const SORT_KEYS = { state: 'state', event: 'event', response: 'response' } as const;

/** Partition of the list of integrations and days. */
export const DIRECTORY = 'directory';

/** Every list has one index partition per digit: DynamoDB writes at most 1,000 units a second to one partition. */
export const HEX_DIGITS = [...'0123456789abcdef'];

/** Sorts after every time, and after every character of an integration's id. */
export const AFTER_ALL = '~';

/** The primary key of one of a delivery's items. */
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

/** In epoch seconds. */
export function expiresAt(acceptedAt: string, days: number): number {
  return Math.floor((Date.parse(acceptedAt) + days * DAY_MS) / 1000);
}

/**
 * The state item of a record. A delivery's first claim is not in the index, which saves a write unit: its event lists
 * it until the next write.
 */
export function stateItem(record: LedgerRecord, factsDays: number): Item {
  const { webhook_id, accepted_at, times, attempts, ...rest } = record;
  return {
    ...keyOf(webhook_id, 'state'),
    ...rest,
    ...converted(record, TIME_NAMES, compactTime),
    times: converted(times, DELIVERY_STATES, compactTime),
    attempts: attempts.map((attempt) => ({ ...attempt, at: compactTime(attempt.at) })),
    [expiry]: expiresAt(accepted_at, factsDays),
    ...(!isFirstClaim(record) && { ...listed('state', record), changed_at: compactTime(changedAt(record)) }),
  };
}

/** @returns undefined if it does not match the schema */
export function recordOf(item: Item): LedgerRecord | undefined {
  const { [partitionKey]: webhook_id, times, attempts } = item;
  return ledgerRecordSchema.safeParse({
    ...item,
    webhook_id,
    ...converted(item, TIME_NAMES, timeText),
    times: isRecord(times) ? converted(times, Object.keys(times), timeText) : times,
    attempts: Array.isArray(attempts)
      ? attempts.map((one) => isRecord(one) && { ...one, ...converted(one, ['at'], timeText) })
      : attempts,
  }).data;
}

/** Attributes of a state item that are times. */
const TIME_NAMES = ['accepted_at', 'lease_until', 'due_at', 'parked_since'] as const;

/** The named attributes of an item, converted; absent ones are left out. */
function converted(item: Item, names: readonly string[], convert: (value: unknown) => unknown): Item {
  const copy: Record<string, unknown> = {};
  for (const name of names) if (item[name] !== undefined) copy[name] = convert(item[name]);
  return copy;
}

/**
 * A time as the table stores it: epoch milliseconds take 8 bytes, ISO 8601 takes 24, and a state item has 1,024 in
 * total. Other formats (with an offset, or without milliseconds) stay text, so that they are read as written.
 */
function compactTime(text: unknown): unknown {
  const ms = Date.parse(String(text));
  return Number.isFinite(ms) && new Date(ms).toISOString() === text ? ms : text;
}

/** Reverses `compactTime`. A value of another type is returned unchanged, so that the schema rejects it. */
function timeText(stored: unknown): unknown {
  return typeof stored === 'number' && Math.abs(stored) <= 8.64e15 ? new Date(stored).toISOString() : stored;
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

/** @returns undefined if it does not match the schema */
export function eventOfItem(item: Item): LedgerEvent | undefined {
  return ledgerEventSchema.safeParse({ ...item, webhook_id: item[partitionKey] }).data;
}

export function responseItem(webhookId: string, acceptedAt: string, response: string, payloadDays: number): Item {
  return { ...keyOf(webhookId, 'response'), response, [expiry]: expiresAt(acceptedAt, payloadDays) };
}

/** The directory entry of a day and an integration. It expires after the last record of its day. */
export function directoryItem(day: string, integrationId: string, factsDays: number): Item {
  return {
    [partitionKey]: DIRECTORY,
    [sortKey]: `${day}#${integrationId}`,
    [expiry]: expiresAt(`${day}T00:00:00.000Z`, factsDays + 1),
  };
}

/** Whether an item has expired. DynamoDB may take up to 48 hours to delete it. */
export function hasExpired(item: Item, nowMs: number): boolean {
  const at = item[expiry];
  return typeof at === 'number' && at * 1000 <= nowMs;
}

/** The list entry of an item, as far as it can be read: an item of a newer version must not make the list fail. */
export function lineOf(item: Item): ListedDelivery {
  const acceptedAt = acceptedAtOf(item);
  const dueAt = textOf(timeText(item.due_at));
  const reason = textOf(item.reason);
  const enterprise = textOf(item.enterprise_customer_uuid);
  const { data: enrichment } = enrichmentSchema.safeParse(item.enrichment);
  return {
    webhook_id: textOf(item[partitionKey]) ?? '',
    integration_id: textOf(item.integration_id) ?? '',
    event_type: textOf(item.event_type) ?? '',
    accepted_at: acceptedAt,
    state: (textOf(item.state) ?? 'accepted') as DeliveryState,
    generation: wholeOf(item.generation),
    attempt: wholeOf(item.attempt),
    changed_at: textOf(timeText(item.changed_at)) ?? acceptedAt,
    ...(dueAt !== undefined && { due_at: dueAt }),
    ...(reason !== undefined && { reason }),
    ...(enterprise !== undefined && { enterprise_customer_uuid: enterprise }),
    ...(enrichment !== undefined && { enrichment }),
  };
}

/** The acceptance time, from the index's sort key `<kind>#<accepted at>`. */
export function acceptedAtOf(item: Item): string {
  const listedAt = textOf(item[index.sortKey]) ?? '';
  return listedAt.slice(listedAt.indexOf('#') + 1);
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function wholeOf(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}
