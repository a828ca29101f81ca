import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { formatCursor, parseCursor } from '../../../commands/ledger/page-cursor.ts';
import {
  type DeliveriesPage,
  type DeliveryQuery,
  PAGE_SIZE,
  type PageProgress,
  pageDeliveries,
} from '../../../commands/ledger/page-deliveries.ts';
import { fakeLists, fakeRecords, type Stored } from './fake-lists.ts';

const ALWAYS = { from: '1970-01-01T00:00:00.000Z', until: '9999-12-31T23:59:59.999Z' };

/** An id whose partition is evenly distributed. */
const idOf = (number: number) => `wh_${(number % 16).toString(16)}${number.toString(16).padStart(39, '0')}`;

/** Times so close to each other that many deliveries share one, on both sides of midnight. */
const timeOf = (tick: number) => new Date(Date.parse('2026-01-14T23:59:59.990Z') + tick * 2).toISOString();

const storedOf = (seed: { tick: number; again: number; integration: number; shape: number }, index: number): Stored => {
  const [eventAt, recordAt] = [timeOf(seed.tick + seed.again), timeOf(seed.tick)];
  const webhook_id = idOf(index);
  const integration_id = `integration-${seed.integration}`;
  const own = { webhook_id, integration_id };
  switch (seed.shape) {
    case 0: // Never claimed.
      return { ...own, eventAt, recordAt: undefined, isListed: false, state: 'accepted' };
    case 1: // Claimed for the first time.
      return { ...own, eventAt, recordAt, isListed: false, state: 'delivering' };
    case 2: // Its payload was deleted.
      return { ...own, eventAt: undefined, recordAt, isListed: true, state: 'dead', reason: 'HTTP 404' };
    case 3:
      return { ...own, eventAt, recordAt, isListed: true, state: 'dead', reason: 'HTTP 500' };
    default:
      return { ...own, eventAt, recordAt, isListed: true, state: 'delivered' };
  }
};

const seeds = fc.array(
  fc.record({
    tick: fc.integer({ min: 0, max: 12 }),
    // More often than not an event was published once.
    again: fc.constantFrom(0, 0, 0, 0, 3),
    integration: fc.integer({ min: 0, max: 2 }),
    shape: fc.integer({ min: 0, max: 8 }),
  }),
  { maxLength: 420, size: 'max' },
);

interface Read {
  readonly pages: readonly DeliveriesPage[];
  readonly ids: readonly string[];
}

function pager(stored: () => readonly Stored[], maxQueries?: number) {
  const lists = fakeLists(stored);
  const source = { lists, table: fakeRecords(stored) };
  const page = (query: Partial<DeliveryQuery>, cursor?: string, onProgress?: (one: PageProgress) => Promise<void>) =>
    pageDeliveries({ span: ALWAYS, ...query, cursor: cursor === undefined ? undefined : parseCursor(cursor) }, source, {
      onRead: () => {},
      ...(maxQueries !== undefined && { maxQueries }),
      ...(onProgress !== undefined && { onProgress }),
    });
  /** Every page from the newest on. */
  const readAll = async (query: Partial<DeliveryQuery> = {}): Promise<Read> => {
    const pages = [await page(query)];
    for (let next = pages[0]?.older; next !== undefined; next = pages.at(-1)?.older)
      pages.push(await page(query, next));
    return { pages, ids: pages.flatMap(idsOf) };
  };
  return { page, readAll };
}

function idsOf({ deliveries }: DeliveriesPage): string[] {
  return deliveries.map(({ webhook_id }) => webhook_id);
}

/** Where the list has a delivery. */
function placeOf({ isListed, eventAt, recordAt }: Stored): string {
  return (isListed ? recordAt : eventAt) ?? '';
}

function expected(stored: readonly Stored[], matches: (one: Stored) => boolean = () => true): string[] {
  return stored
    .filter(matches)
    .toSorted((one, other) => (placeOf(one) + one.webhook_id < placeOf(other) + other.webhook_id ? 1 : -1))
    .map(({ webhook_id }) => webhook_id);
}

describe('the pages of any deliveries', () => {
  test('have every delivery once, newest first, at most 100 a page', async () => {
    await fc.assert(
      fc.asyncProperty(seeds, async (all) => {
        const stored = all.map(storedOf);
        const { pages, ids } = await pager(() => stored).readAll();
        expect(ids).toEqual(expected(stored));
        for (const page of pages.slice(0, -1)) expect(page.deliveries).toHaveLength(PAGE_SIZE);
        expect(pages.every(({ readTo }) => readTo === undefined)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  test('are the same pages on the way back', async () => {
    await fc.assert(
      fc.asyncProperty(seeds, async (all) => {
        const stored = all.map(storedOf);
        const { page, readAll } = pager(() => stored);
        const { pages } = await readAll();
        for (const [at, one] of pages.entries()) {
          if (at === 0) expect(one.newer).toBeUndefined();
          else expect(idsOf(await page({}, one.newer))).toEqual(idsOf(pages[at - 1] as DeliveriesPage));
        }
      }),
      { numRuns: 25 },
    );
  });

  test.each([
    ['in a final state', { state: 'dead' }, (one: Stored) => one.state === 'dead'],
    ['in a state that an event alone may have', { state: 'accepted' }, (one: Stored) => one.state === 'accepted'],
    ['being sent', { state: 'delivering' }, (one: Stored) => one.state === 'delivering'],
    ['with a reason', { reason: '404' }, (one: Stored) => one.reason === 'HTTP 404'],
    ['of an integration', { integrationId: 'integration-1' }, (one: Stored) => one.integration_id === 'integration-1'],
  ] as const)('%s have every such delivery once, and no other', async (_name, query, matches) => {
    await fc.assert(
      fc.asyncProperty(seeds, async (all) => {
        const stored = all.map(storedOf);
        expect((await pager(() => stored).readAll(query)).ids).toEqual(expected(stored, matches));
      }),
      { numRuns: 15 },
    );
  });

  test('have only those of a span, both ends included', async () => {
    await fc.assert(
      fc.asyncProperty(
        seeds,
        fc.integer({ min: 0, max: 12 }),
        fc.integer({ min: 0, max: 6 }),
        async (all, from, ticks) => {
          const stored = all.map(storedOf);
          const span = { from: timeOf(from), until: timeOf(from + ticks) };
          const { ids } = await pager(() => stored).readAll({ span });
          expect(ids).toEqual(expected(stored, (one) => placeOf(one) >= span.from && placeOf(one) <= span.until));
        },
      ),
      { numRuns: 15 },
    );
  });

  test('lose and repeat nothing where each stops after a few queries, and what was reported is what it has', async () => {
    await fc.assert(
      fc.asyncProperty(seeds, fc.constantFrom('dead', 'accepted', undefined), async (all, state) => {
        const stored = all.map(storedOf);
        const { page } = pager(() => stored, 1);
        const ids: string[] = [];
        let next: string | undefined;
        do {
          const reported: string[] = [];
          let upTo: string | undefined;
          const one: DeliveriesPage = await page({ state }, next, async ({ added, cursor }) => {
            reported.push(...added.map(({ webhook_id }) => webhook_id));
            upTo = cursor;
          });
          expect(idsOf(one).slice(0, reported.length)).toEqual(reported.slice(0, PAGE_SIZE));
          if (one.readTo !== undefined) expect(upTo).toBe(one.older);
          ids.push(...idsOf(one));
          next = one.older;
        } while (next !== undefined);
        expect(ids).toEqual(expected(stored, (one) => state === undefined || one.state === state));
      }),
      { numRuns: 25 },
    );
  });
});

test('new deliveries shift no page, and the way back leads to them', async () => {
  const old = Array.from({ length: 250 }, (_, at) => storedOf({ tick: at, again: 0, integration: 0, shape: 5 }, at));
  let stored: readonly Stored[] = old;
  const { page } = pager(() => stored);
  const first = await page({});
  const second = await page({}, first.older);
  stored = [...old, ...[300, 301].map((at) => storedOf({ tick: at, again: 0, integration: 1, shape: 0 }, at))];
  expect(idsOf(await page({}, first.older))).toEqual(idsOf(second));
  const again = await page({}, second.newer);
  expect(idsOf(again)).toEqual(idsOf(first));
  const newest = await page({}, again.newer);
  expect(idsOf(newest)).toEqual([idOf(301), idOf(300)]);
  expect(newest.newer).toBeUndefined();
});

test('after the last one there is an empty page, whose way back leads to the last one', async () => {
  const stored = Array.from({ length: 3 }, (_, at) => storedOf({ tick: at, again: 0, integration: 0, shape: 5 }, at));
  const { page } = pager(() => stored);
  const empty = await page({}, formatCursor({ to: 'older', at: timeOf(0), id: idOf(0) }));
  expect(empty.deliveries).toEqual([]);
  expect(idsOf(await page({}, empty.newer))).toEqual([2, 1, 0].map(idOf));
});

describe('a cursor', () => {
  test('is read as it was written', () => {
    const cursor = { to: 'older', at: timeOf(1), id: idOf(1) } as const;
    expect(parseCursor(formatCursor(cursor))).toEqual(cursor);
  });

  test.each([
    'nonsense',
    '',
    Buffer.from('{}').toString('base64url'),
    Buffer.from('{"to":"older","at":"2026-01-15T00:00:00.000Z","id":"x"}').toString('base64url'),
    Buffer.from('{"to":"older","at":"yesterday","id":""}').toString('base64url'),
    Buffer.from('{"to":"elsewhere","at":"2026-01-15T00:00:00.000Z","id":""}').toString('base64url'),
    Buffer.from('{"to":"older","at":"2026-01-15T00:00:00.000Z","id":"","more":1}').toString('base64url'),
    'A'.repeat(5_000_000),
  ])('that was changed is refused', (text) => {
    expect(() => parseCursor(text)).toThrow('this is no cursor');
  });

  test('of any other text is refused', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(() => parseCursor(text)).toThrow('this is no cursor');
      }),
    );
  });
});
