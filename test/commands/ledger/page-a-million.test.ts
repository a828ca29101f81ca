import { describe, expect, test } from '@jest/globals';
import { parseCursor } from '../../../commands/ledger/page-cursor.ts';
import { type DeliveriesPage, PAGE_SIZE, pageDeliveries } from '../../../commands/ledger/page-deliveries.ts';
import type { LedgerRecord } from '../../../lambdas/ledger/record.ts';
import type { ListPages, PartEntry } from '../../../lambdas/ledger/table/list-pages.ts';

const ALWAYS = { from: '1970-01-01T00:00:00.000Z', until: '9999-12-31T23:59:59.999Z' };
const DAY_MS = 24 * 3600_000;

/** An id whose partition is evenly distributed. */
const idOf = (number: number) => `wh_${(number % 16).toString(16)}${number.toString(16).padStart(39, '0')}`;

describe('a million deliveries of one day', () => {
  const MILLION = 1_000_000;
  const begin = Date.parse('2026-01-15T00:00:00.000Z');
  /** Every 86 ms one; in each partition every sixteenth. */
  const atOf = (number: number) => new Date(begin + Math.floor((number * DAY_MS) / MILLION)).toISOString();
  const numberAt = (time: string) => Math.ceil(((Date.parse(time) - begin) * MILLION) / DAY_MS);
  const asked = { queries: 0, rows: 0 };

  /** The index's rows as they are asked for: none is held. Their payloads have expired. */
  const lists: ListPages = {
    async *days() {
      yield [{ integrationId: 'acme', day: '2026-01-15' }];
    },
    async page({ part: { hexDigit, kind }, span, limit, startKey }, { onRead }) {
      asked.queries += 1;
      if (kind === 'event') return { entries: [] };
      const digit = Number.parseInt(hexDigit, 16);
      const last = span.until.startsWith('2026-01-15') ? Math.min(MILLION - 1, numberAt(span.until)) : MILLION - 1;
      let next = startKey === undefined ? last - ((last - digit + 16) % 16) : Number(startKey.key.number?.N) - 16;
      const entries: PartEntry[] = [];
      for (; next >= 0 && entries.length < limit; next -= 16) {
        const accepted_at = atOf(next);
        if (accepted_at > span.until) continue;
        const own = { webhook_id: idOf(next), integration_id: 'acme', event_type: 'lead', state: 'delivered' as const };
        entries.push({ kind, ...own, accepted_at, changed_at: accepted_at, generation: 0, attempt: 1 });
      }
      asked.rows += entries.length;
      onRead({ rows: entries.length, units: 0.5 });
      const end = entries.at(-1);
      if (end === undefined || entries.length < limit) return { entries };
      return { entries, end: { acceptedAt: end.accepted_at, key: { number: { N: String(next + 16) } } } };
    },
  };
  const table = { records: async () => new Map<string, LedgerRecord>() };

  test('are read page by page, each once, with a fixed number of rows and queries for each page', async () => {
    let next: string | undefined;
    let number = MILLION;
    let pages = 0;
    do {
      asked.queries = 0;
      asked.rows = 0;
      const cursor = next === undefined ? undefined : parseCursor(next);
      const page: DeliveriesPage = await pageDeliveries(
        { span: ALWAYS, cursor },
        { lists, table },
        { onRead: () => {} },
      );
      for (const { webhook_id } of page.deliveries) {
        number -= 1;
        if (webhook_id !== idOf(number)) throw new Error(`${webhook_id} instead of number ${number}`);
      }
      pages += 1;
      next = page.older;
      if (asked.queries > 32 || asked.rows > 16 * 13) throw new Error(`page ${pages} asked ${JSON.stringify(asked)}`);
    } while (next !== undefined);
    expect({ number, pages }).toEqual({ number: 0, pages: MILLION / PAGE_SIZE });
  });

  test('are found where few match, and each is reported once, in order, before the page ends', async () => {
    const rare = Array.from({ length: 100 }, (_, at) => idOf((200 - at) * 4999));
    const reported: string[] = [];
    const page = await pageDeliveries(
      { span: ALWAYS, state: 'delivered' },
      {
        lists: {
          ...lists,
          async page(query, options) {
            const read = await lists.page(query, options);
            return { ...read, entries: read.entries.filter(({ webhook_id }) => rare.includes(webhook_id)) };
          },
        },
        table,
      },
      {
        onRead: () => {},
        onProgress: async ({ added }) => void reported.push(...added.map(({ webhook_id }) => webhook_id)),
      },
    );
    expect(page.deliveries.map(({ webhook_id }) => webhook_id)).toEqual(rare);
    expect(reported).toEqual(rare);
  });

  test('are read over for a state that none has, with a fixed number of rows held, until the queries are spent', async () => {
    let added = 0;
    const read = { rows: 0 };
    const page = await pageDeliveries(
      { span: ALWAYS, state: 'dead' },
      {
        lists: { ...lists, page: async (query, options) => ({ ...(await lists.page(query, options)), entries: [] }) },
        table,
      },
      {
        maxQueries: 500,
        onRead: ({ rows }) => {
          read.rows += rows;
        },
        onProgress: async (one) => {
          added += one.added.length;
        },
      },
    );
    expect(page.deliveries).toEqual([]);
    expect(added).toBe(0);
    expect(read.rows).toBeLessThanOrEqual(516 * 1000);
    expect(read.rows).toBeGreaterThanOrEqual(500 * 1000);
    // Half of the day was read over: the next page begins there.
    expect(page.readTo?.slice(0, 13)).toBe('2026-01-15T11');
    expect(page.older).toBeDefined();
  });
});
