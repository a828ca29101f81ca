import { beforeEach, describe, expect, test } from '@jest/globals';
import type { DeliveryState } from '../../../lambdas/ledger/record.ts';
import {
  createListPages,
  type ListPages,
  type ListPart,
  type PartEnd,
  type PartEntry,
  type PartQuery,
  partsOf,
} from '../../../lambdas/ledger/table/list-pages.ts';
import { eventOf, newRecord } from '../../../lambdas/ledger/transitions.ts';
import { NOW, subject } from '../../support/factories.ts';
import { sharedLedgerTable } from '../../support/ledger-table.ts';

const DAY = '2026-01-15';
const ALWAYS = { from: '1970-01-01T00:00:00.000Z', until: '9999-12-31T23:59:59.999Z' };
const at = (minute: number) => new Date(Date.UTC(2026, 0, 15, 9, minute)).toISOString();

const ledger = sharedLedgerTable();

let integrationId = 'pages-';
let lists: ListPages;
const read = { rows: 0, units: 0 };
const options = {
  onRead(one: { rows: number; units: number }) {
    read.rows += one.rows;
    read.units += one.units;
  },
};

beforeEach(() => {
  integrationId += 'i';
  Object.assign(read, { rows: 0, units: 0 });
  const retainedSince = () => new Date(ledger.nowMs - 30 * 24 * 3600_000).toISOString();
  lists = createListPages({ client: ledger.client, tableName: ledger.server.tableName }, retainedSince);
});

const subjectAt = (accepted_at: string, name: string) =>
  subject({ integration_id: integrationId, event_id: name, accepted_at });

async function store(count: number, state: DeliveryState = 'delivered'): Promise<void> {
  const all = Array.from({ length: count }, (_, minute) => subjectAt(at(minute % 50), `${state}-${minute}`));
  await ledger.table.putEvents(all.map((one) => eventOf(one, NOW)));
  await Promise.all(all.map((one) => ledger.table.overwrite({ ...newRecord(one, NOW), state, version: 2 })));
}

/** All pages of every partition. */
async function readAll(query: Omit<PartQuery, 'part' | 'startKey'>, kinds: readonly PartEntry['kind'][]) {
  const pages: PartEntry[][] = [];
  for (const part of partsOf({ integrationId, day: DAY }, kinds)) {
    let startKey: PartQuery['startKey'];
    do {
      const page = await lists.page({ ...query, part, ...(startKey !== undefined && { startKey }) }, options);
      pages.push([...page.entries]);
      startKey = page.end;
    } while (startKey !== undefined);
  }
  return pages;
}

describe('a page of a partition', () => {
  test.each(['newest first', 'oldest first'] as const)(
    'has at most its limit, %s, and its end begins the next',
    async (order) => {
      await store(60);
      const pages = await readAll({ span: ALWAYS, order, limit: 2 }, ['record', 'event']);
      expect(Math.max(...pages.map((page) => page.length))).toBe(2);
      expect(new Set(pages.flat().map(({ kind, webhook_id }) => `${kind} ${webhook_id}`)).size).toBe(120);
      for (const page of pages) {
        const times = page.map(({ accepted_at }) => accepted_at).toSorted();
        expect(page.map(({ accepted_at }) => accepted_at)).toEqual(
          order === 'oldest first' ? times : times.toReversed(),
        );
      }
    },
  );

  test('has only what its filter matches, and goes on behind what it does not', async () => {
    await store(40);
    await store(3, 'dead');
    const filter = { states: ['dead'] as const };
    const pages = await readAll({ span: ALWAYS, order: 'newest first', limit: 1, filter }, ['record']);
    expect(pages.flat()).toHaveLength(3);
    // What DynamoDB has read is counted, whether or not it matched.
    expect(read.rows).toBe(43);
    expect(read.units).toBeGreaterThanOrEqual(43 * 0.5);
  });

  test('has only those of its span', async () => {
    await store(30);
    const span = { from: at(10), until: at(12) };
    const pages = await readAll({ span, order: 'newest first', limit: 100 }, ['record']);
    expect(
      pages
        .flat()
        .map(({ accepted_at }) => accepted_at)
        .toSorted(),
    ).toEqual([at(10), at(11), at(12)]);
    expect(read.rows).toBe(3);
  });

  test('goes on after its end when events have expired since', async () => {
    await store(40);
    ledger.nowMs = Date.parse(at(0)) + 30 * 24 * 3600_000;
    const [part] = partsOf({ integrationId, day: DAY }, ['event']).slice(4);
    const query = { part: part as ListPart, span: ALWAYS, order: 'oldest first', limit: 1 } as const;
    const { end } = await lists.page(query, options);
    const endAt = end?.acceptedAt ?? '';
    ledger.nowMs = Date.parse(endAt) + 30 * 24 * 3600_000 + 1;
    const { entries } = await lists.page({ ...query, startKey: end as PartEnd }, options);
    expect(entries.map(({ accepted_at }) => accepted_at > endAt)).toEqual([true]);
  });

  test('has an event as a delivery that was not claimed, and none that has expired', async () => {
    await store(1);
    const query = { span: ALWAYS, order: 'newest first', limit: 5 } as const;
    const [entry] = (await readAll(query, ['event'])).flat();
    expect(entry).toMatchObject({ kind: 'event', integration_id: integrationId, state: 'accepted', attempt: 0 });
    ledger.nowMs += 31 * 24 * 3600_000;
    expect((await readAll(query, ['event'])).flat()).toEqual([]);
    expect((await readAll(query, ['record'])).flat()).toHaveLength(1);
  });

  test('stops when it is asked to', async () => {
    ledger.front.decide(() => 'hang');
    const stop = new AbortController();
    const [part] = partsOf({ integrationId, day: DAY }, ['record']);
    if (part === undefined) throw new Error('there is no part');
    const page = lists.page(
      { part, span: ALWAYS, order: 'newest first', limit: 1 },
      { ...options, abortSignal: stop.signal },
    );
    stop.abort();
    await expect(page).rejects.toThrow('page: AbortError');
  });
});

test('days come one by one, with all of their integrations, in the order that was asked for', async () => {
  const events = ['2026-01-13T10:00:00.000Z', '2026-01-15T10:00:00.000Z'].flatMap((time) =>
    ['a', 'b'].map((name) =>
      eventOf(subject({ integration_id: `${integrationId}${name}`, event_id: 'one', accepted_at: time }), NOW),
    ),
  );
  await ledger.table.putEvents(events);
  const read = async (order: 'newest first' | 'oldest first') => {
    const days = await Array.fromAsync(lists.days(ALWAYS, order, options));
    return days.flatMap((together) => {
      const own = together.filter(
        (one) => one.integrationId.startsWith(integrationId) && one.integrationId !== integrationId,
      );
      return own.length === 0 ? [] : [`${own[0]?.day} ${own.map((one) => one.integrationId.at(-1)).toSorted()}`];
    });
  };
  expect(await read('newest first')).toEqual(['2026-01-15 a,b', '2026-01-13 a,b']);
  expect(await read('oldest first')).toEqual(['2026-01-13 a,b', '2026-01-15 a,b']);
});
