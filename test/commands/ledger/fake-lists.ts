import { createHash } from 'node:crypto';
import type { LedgerDay, ListedDelivery } from '../../../lambdas/ledger/ports.ts';
import type { DeliveryState, LedgerRecord } from '../../../lambdas/ledger/record.ts';
import type { ListPages, ListPart, PartEntry, PartQuery } from '../../../lambdas/ledger/table/list-pages.ts';
import { newRecord } from '../../../lambdas/ledger/transitions.ts';
import { NOW, subject } from '../../support/factories.ts';

/** A delivery as the ledger has it: its event, its record, or both. */
export interface Stored {
  readonly webhook_id: string;
  readonly integration_id: string;
  /** When its event came last; undefined if the event was deleted. */
  readonly eventAt: string | undefined;
  /** When it came first; undefined before the first claim. */
  readonly recordAt: string | undefined;
  /** Whether the index lists its record: not after the first claim alone. */
  readonly isListed: boolean;
  readonly state: DeliveryState;
  readonly reason?: string;
}

/** The ledger's index over deliveries in memory. Of the same time it has them in an order of its own, as DynamoDB has. */
export function fakeLists(deliveries: () => readonly Stored[]): ListPages {
  let cached: { readonly of: readonly Stored[]; readonly parts: Map<string, PartEntry[]> } | undefined;
  const entriesOf = (part: ListPart): PartEntry[] => {
    if (cached?.of !== deliveries()) cached = { of: deliveries(), parts: new Map() };
    const name = JSON.stringify(part);
    const known = cached.parts.get(name) ?? findEntries(part);
    cached.parts.set(name, known);
    return known;
  };
  const findEntries = ({ integrationId, day, hexDigit, kind }: ListPart): PartEntry[] =>
    deliveries()
      .filter((one) => one.integration_id === integrationId && one.webhook_id.charAt(3) === hexDigit)
      .flatMap((one) => {
        const at = kind === 'event' ? one.eventAt : one.isListed ? one.recordAt : undefined;
        return at?.startsWith(day) ? [entryOf(one, kind, at)] : [];
      })
      .toSorted((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1));
  const lists: ListPages = {
    async *days({ from, until }, order) {
      const all = new Map<string, LedgerDay[]>();
      for (const { integration_id: integrationId, eventAt, recordAt } of deliveries()) {
        for (const at of [eventAt, recordAt]) {
          const day = at?.slice(0, 10);
          if (day === undefined || day < from.slice(0, 10) || day > until.slice(0, 10)) continue;
          const own = all.get(day) ?? [];
          if (!own.some((one) => one.integrationId === integrationId)) own.push({ integrationId, day });
          all.set(day, own);
        }
      }
      const days = [...all].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, own]) => own);
      yield* order === 'newest first' ? days.toReversed() : days;
    },
    async page({ part, span, order, filter, limit, startKey }: PartQuery, { onRead }) {
      const all = entriesOf(part).filter(({ accepted_at: at }) => at >= span.from && at <= span.until);
      const ordered = order === 'newest first' ? all.toReversed() : all;
      const begin = startKey === undefined ? 0 : ordered.findIndex((one) => keyOf(one) === startKey.key.key?.S) + 1;
      const read = ordered.slice(begin, begin + limit);
      onRead({ rows: read.length, units: 0.5 });
      const last = read.at(-1);
      const entries = read.filter(
        ({ state, reason = '' }) =>
          (filter?.states?.includes(state) ?? true) && (filter?.reason === undefined || reason.includes(filter.reason)),
      );
      // DynamoDB, too, returns a key when it has read its limit, whether or not more follows.
      if (last === undefined || read.length < limit) return { entries };
      return { entries, end: { acceptedAt: last.accepted_at, key: { key: { S: keyOf(last) } } } };
    },
  };
  return lists;
}

/** The records of deliveries in memory. */
export function fakeRecords(deliveries: () => readonly Stored[]) {
  return {
    async records(ids: readonly string[]): Promise<ReadonlyMap<string, LedgerRecord>> {
      const found = deliveries().filter((one) => ids.includes(one.webhook_id) && one.recordAt !== undefined);
      return new Map(found.map((one) => [one.webhook_id, recordOf(one)]));
    },
  };
}

function recordOf({ webhook_id, integration_id, recordAt, isListed, state, reason }: Stored): LedgerRecord {
  const before = newRecord({ ...subject(), webhook_id, integration_id, accepted_at: recordAt ?? '' }, NOW);
  return { ...before, state, version: isListed ? 2 : 1, ...(reason !== undefined && { reason }) };
}

function entryOf(one: Stored, kind: PartEntry['kind'], at: string): PartEntry {
  const line: ListedDelivery = {
    webhook_id: one.webhook_id,
    integration_id: one.integration_id,
    event_type: 'course_completion',
    accepted_at: at,
    changed_at: at,
    state: kind === 'event' ? 'accepted' : one.state,
    ...{ generation: 0, attempt: 0 },
    ...(kind === 'record' && one.reason !== undefined && { reason: one.reason }),
  };
  return { kind, ...line };
}

function keyOf({ accepted_at, webhook_id }: PartEntry): string {
  return `${accepted_at} ${createHash('md5').update(webhook_id).digest('hex')}`;
}
