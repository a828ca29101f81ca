import type { LedgerDay, LedgerTable, ListedDelivery, ListedEvent, Span } from '../../lambdas/ledger/ports.ts';
import type { DeliveryState, LedgerRecord } from '../../lambdas/ledger/record.ts';
import { changedAt } from '../../lambdas/ledger/transitions.ts';
import { formatSpan } from '../shared/time-span.ts';

/** A delivery as lists show it. Of what type it is, only a record says. */
export type FoundDelivery = Omit<ListedDelivery, 'event_type'> & {
  readonly event_type?: string;
  /** Why it is scheduled or parked, where its reason does not say it. */
  readonly cause?: string;
};

export type Lists = Pick<LedgerTable, 'days' | 'records' | 'listRecords' | 'listEvents' | 'latestRecords'>;

/** Records that are asked for together. */
const CHUNK = 100;

/** In these states only the event may be listed: the delivery was never claimed, or is claimed for the first time. */
export const IN_FLIGHT: readonly DeliveryState[] = ['accepted', 'delivering'];

export interface DeliveryFilter {
  readonly state: DeliveryState;
  /** A part of the reason. */
  readonly reason: string | undefined;
}

/** The deliveries of one day in one state, in no order. @throws LedgerUnavailable */
export async function* deliveriesIn(
  table: Lists,
  day: LedgerDay,
  span: Span,
  { state, reason }: DeliveryFilter,
): AsyncGenerator<FoundDelivery> {
  if (!IN_FLIGHT.includes(state)) {
    yield* table.listRecords(day, span, { states: [state], ...(reason !== undefined && { reason }) });
    return;
  }
  for await (const delivery of allDeliveries(table, day, span)) {
    if (delivery.state === state && (reason === undefined || delivery.reason?.includes(reason))) yield delivery;
  }
}

/** Every delivery of one day, once, in no order. @throws LedgerUnavailable */
export async function* allDeliveries(table: Lists, day: LedgerDay, span: Span): AsyncGenerator<FoundDelivery> {
  const listed = new Set<string>();
  for await (const delivery of table.listRecords(day, span)) {
    listed.add(delivery.webhook_id);
    yield delivery;
  }
  let events: ListedEvent[] = [];
  for await (const event of table.listEvents(day, span)) {
    if (listed.has(event.webhook_id)) continue;
    events.push(event);
    if (events.length < CHUNK) continue;
    yield* await unlistedDeliveries(table, day, span, events);
    events = [];
  }
  yield* await unlistedDeliveries(table, day, span, events);
}

/** Deliveries that no list of records had, as their records say how they stand. @throws LedgerUnavailable */
export async function unlistedDeliveries(
  table: Lists,
  day: LedgerDay,
  span: Span,
  events: readonly ListedEvent[],
): Promise<readonly FoundDelivery[]> {
  if (events.length === 0) return [];
  const records = await table.records(events.map(({ webhook_id }) => webhook_id));
  return events.flatMap((event) => {
    const record = records.get(event.webhook_id);
    if (record === undefined) return [unclaimed(day, event)];
    return isListedElsewhere(record, day, span) ? [] : [lineOf(record)];
  });
}

/** The LMS published it twice: its event is listed where it came last, its record where it came first. */
function isListedElsewhere(record: LedgerRecord, { day }: LedgerDay, { from, until }: Span): boolean {
  const isFirstClaim = record.version === 1 && record.state === 'delivering';
  const isHere = record.accepted_at.startsWith(day) && record.accepted_at >= from && record.accepted_at <= until;
  return !isFirstClaim && !isHere;
}

function unclaimed({ integrationId }: LedgerDay, { webhook_id, accepted_at }: ListedEvent): FoundDelivery {
  return {
    ...{ webhook_id, integration_id: integrationId, accepted_at, state: 'accepted', changed_at: accepted_at },
    ...{ generation: 0, attempt: 0 },
  };
}

/** A record as lists show it. */
export function lineOf(record: LedgerRecord): FoundDelivery {
  const { webhook_id, integration_id, event_type, accepted_at, state, generation, attempt, due_at, reason } = record;
  const { enterprise_customer_uuid, enrichment } = record;
  return {
    ...{ webhook_id, integration_id, event_type, accepted_at, state, generation, attempt },
    changed_at: changedAt(record),
    ...(due_at !== undefined && { due_at }),
    ...(reason !== undefined && { reason }),
    ...(enterprise_customer_uuid !== undefined && { enterprise_customer_uuid }),
    ...(enrichment !== undefined && { enrichment }),
  };
}

export interface FoundDays {
  /** Of the integration that was asked for, or of all; oldest first. */
  readonly days: readonly LedgerDay[];
  /** Every integration of which something was accepted in that time. */
  readonly integrationIds: readonly string[];
}

/** Which days of which integrations have to be looked at. @throws LedgerUnavailable */
export async function findDays(
  table: Pick<LedgerTable, 'days'>,
  span: Span,
  integrationId: string | undefined,
): Promise<FoundDays> {
  const all = await table.days(span);
  return {
    days: all.filter((day) => integrationId === undefined || day.integrationId === integrationId),
    integrationIds: [...new Set(all.map((day) => day.integrationId))].sort(),
  };
}

/** Why there is nothing to show: a misspelt id is seen at once. */
export function formatNone(
  what: string,
  stageName: string,
  span: Span,
  { days, integrationIds }: FoundDays,
  integrationId: string | undefined,
): string {
  const whose = integrationId === undefined ? '' : ` of integration ${integrationId}`;
  const none = `none: no ${what}${whose} of stage ${stageName} was accepted ${formatSpan(span)}`;
  if (days.length > 0 || integrationId === undefined) return none;
  const others = integrationIds.length === 0 ? 'nothing at all' : `deliveries of ${integrationIds.join(', ')}`;
  return `${none}\nthe ledger has ${others} from that time`;
}

/** The collected rows are truncated when they exceed the number asked for by this many. */
const SPARE = 1000;

/** Keeps the latest of many deliveries, and counts them all. */
export interface LatestFound<T> {
  add(delivery: T): void;
  /** By when they were accepted, latest first. */
  latest(): readonly T[];
  readonly total: number;
}

export function createLatestFound<T extends Pick<FoundDelivery, 'accepted_at'>>(atMost: number): LatestFound<T> {
  let kept: T[] = [];
  let total = 0;
  const cut = () => {
    kept = kept.toSorted((one, other) => (one.accepted_at < other.accepted_at ? 1 : -1)).slice(0, atMost);
    return kept;
  };
  return {
    add(delivery) {
      total += 1;
      if (kept.push(delivery) >= atMost + SPARE) cut();
    },
    latest: cut,
    get total() {
      return total;
    },
  };
}
