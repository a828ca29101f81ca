import { beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { allDeliveries, createLatestFound, type FoundDelivery } from '../../../commands/ledger/find-deliveries.ts';
import type { ListedEvent, Span } from '../../../lambdas/ledger/ports.ts';
import type { DeliveryState } from '../../../lambdas/ledger/record.ts';
import { eventOf, newRecord } from '../../../lambdas/ledger/transitions.ts';
import { NOW, subject } from '../../support/factories.ts';
import { createMemoryLedger, type MemoryLedger } from '../../support/memory-ledger.ts';

const HOUR_MS = 3600_000;
const iso = (ms: number) => new Date(ms).toISOString();
const ALWAYS: Span = { from: iso(NOW - 20 * 24 * HOUR_MS), until: iso(NOW) };

let ledger: MemoryLedger;

beforeEach(() => {
  ledger = createMemoryLedger();
});

interface Life {
  readonly hoursAgo: number;
  /** Undefined if it was never claimed. */
  readonly record?: { readonly state: DeliveryState; readonly version: number } | undefined;
  /** When the LMS published it again. */
  readonly againHoursAgo?: number | undefined;
}

async function live(event_id: string, { hoursAgo, record, againHoursAgo }: Life): Promise<string> {
  const accepted_at = iso(NOW - hoursAgo * HOUR_MS);
  const published = subject({ event_id, accepted_at });
  await ledger.putEvents([eventOf(published, NOW)]);
  if (record !== undefined) await ledger.overwrite({ ...newRecord(published, NOW), ...record });
  if (againHoursAgo !== undefined) {
    await ledger.putEvents([eventOf({ ...published, accepted_at: iso(NOW - againHoursAgo * HOUR_MS) }, NOW)]);
  }
  return published.webhook_id;
}

async function all(span = ALWAYS): Promise<FoundDelivery[]> {
  const found: FoundDelivery[] = [];
  for (const day of await ledger.days(span))
    for await (const delivery of allDeliveries(ledger, day, span)) found.push(delivery);
  return found;
}

describe('every delivery is found once, in the state that its record has', () => {
  test('however many times and days apart the LMS published it', async () => {
    const life: fc.Arbitrary<Life> = fc.record({
      hoursAgo: fc.integer({ min: 24, max: 90 }),
      record: fc.option(
        fc.oneof(
          fc.constant({ state: 'delivering' as const, version: 1 }),
          fc.record({
            state: fc.constantFrom('accepted', 'delivering', 'scheduled', 'parked', 'delivered', 'dead'),
            version: fc.integer({ min: 2, max: 9 }),
          }) as fc.Arbitrary<{ state: DeliveryState; version: number }>,
        ),
        { nil: undefined },
      ),
      againHoursAgo: fc.option(fc.integer({ min: 0, max: 23 }), { nil: undefined }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(life, { maxLength: 12 }), async (lives) => {
        ledger = createMemoryLedger();
        const expected = await Promise.all(
          lives.map(async (one, position) => [await live(`${position}`, one), one.record?.state ?? 'accepted']),
        );
        const found = (await all()).map(({ webhook_id, state }) => [webhook_id, state]);
        expect(found.toSorted()).toEqual(expected.toSorted());
      }),
      { numRuns: 40 },
    );
  });

  test('and counts where its record says it was accepted first', async () => {
    await live('1', { hoursAgo: 48, record: { state: 'delivered', version: 2 }, againHoursAgo: 1 });
    expect(await all({ from: iso(NOW - 24 * HOUR_MS), until: iso(NOW) })).toEqual([]);
    expect(await all({ from: iso(NOW - 72 * HOUR_MS), until: iso(NOW - 24 * HOUR_MS) })).toHaveLength(1);
  });

  test('though the list of records lags behind', async () => {
    const id = await live('1', { hoursAgo: 2, record: { state: 'delivered', version: 2 } });
    ledger.listRecords = async function* () {};
    expect(await all()).toMatchObject([{ webhook_id: id, state: 'delivered', event_type: 'course_completion' }]);
  });

  test('more of them than are asked for together', async () => {
    const published = Array.from({ length: 205 }, (_, event) => subject({ event_id: `${event}` }));
    await ledger.putEvents(published.map((one) => eventOf(one, NOW)));
    const asked: number[] = [];
    const { records } = ledger;
    ledger.records = (ids) => {
      asked.push(ids.length);
      return records(ids);
    };
    expect(await all()).toHaveLength(205);
    expect(asked).toEqual([100, 100, 5]);
  });
});

test('the latest of many are kept, in their order, and all are counted', () => {
  const latest = createLatestFound<ListedEvent>(3);
  const times = Array.from({ length: 2500 }, (_, position) => iso(NOW + ((position * 7919) % 2500) * 1000));
  for (const accepted_at of times) latest.add({ webhook_id: 'wh', accepted_at });
  expect(latest.total).toBe(2500);
  expect(latest.latest().map(({ accepted_at }) => accepted_at)).toEqual(times.toSorted().toReversed().slice(0, 3));
});
