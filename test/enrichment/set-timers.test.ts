import { describe, expect, test } from '@jest/globals';
import type { EnrichEventsServices } from '../../lambdas/enrichment/enrich-events.ts';
import { setTimers } from '../../lambdas/enrichment/set-timers.ts';
import type { Delivery } from '../../lambdas/events/delivery.ts';
import { executionToken } from '../../lambdas/events/identity.ts';
import { newDelivery } from '../../lambdas/events/progress.ts';
import type { DeliveryState, LedgerRecord } from '../../lambdas/ledger/record.ts';
import type { Timer } from '../../lambdas/ledger/timer.ts';
import { timerOf } from '../../lambdas/ledger/timer-rules.ts';
import { newRecord } from '../../lambdas/ledger/transitions.ts';
import { METRICS } from '../../lambdas/shared/metric-definitions.ts';
import { fakeCounter, fakeLog, NOT_ENRICHED, NOW, subject } from '../support/factories.ts';
import { openLedger } from '../support/open-ledger.ts';

const at = (ms: number) => new Date(NOW + ms).toISOString();

function lead(eventId: string, occurredMs: number, dueMs?: number, overrides: object = {}): Delivery {
  const kind = dueMs === undefined ? 'lead.hot' : 'lead.calculated';
  const wait = dueMs === undefined ? {} : { send_at: at(dueMs) };
  const said = { event_type: 'lead', kind, user_id: '7', event_id: eventId, accepted_at: at(0), ...wait } as const;
  return newDelivery(subject({ ...said, occurred_at: at(occurredMs), ...overrides }), NOT_ENRICHED);
}

interface World {
  readonly ready?: readonly Delivery[];
  readonly scheduled?: readonly Delivery[];
  readonly known?: Readonly<Record<string, DeliveryState>>;
  /** Other fields of their records. */
  readonly record?: Partial<LedgerRecord>;
  /** Whether the ledger does not return which events it knows. */
  readonly isUnread?: boolean;
  readonly standing?: readonly Timer[];
  /** Number of first generations that exist already, with another input. */
  readonly taken?: number;
  /** Whether the ledger does not respond. */
  readonly isDown?: boolean;
  /** Whether a timer is written: no later publication or higher generation was written since. */
  readonly keeps?: (timer: Timer) => boolean;
  readonly services?: Partial<EnrichEventsServices>;
}

/** The calls of a batch, in order; message ids are positions in their list. */
async function set({
  ready = [],
  scheduled = [],
  known = {},
  record = {},
  isUnread = false,
  standing = [],
  taken = 0,
  isDown = false,
  keeps = () => true,
  services = {},
}: World) {
  const done: string[] = [];
  const started: Delivery[] = [];
  const failures = new Map<string, string>();
  const counter = fakeCounter();
  const ledger = openLedger({
    timers: async (keys) =>
      isDown ? undefined : new Map(standing.filter(({ key }) => keys.includes(key)).map((one) => [one.key, one])),
    async putTimer(timer) {
      done.push(`keep the timer of ${timer.webhook_id}`);
      kept.push(timer);
      if (isDown) return 'unreached';
      return keeps(timer) ? 'written' : 'refused';
    },
    async settleUnclaimed(delivery, { progress, token }) {
      done.push(`note ${delivery.webhook_id}: ${progress.outcome}, ${token}, ${progress.due_at}`);
      return true;
    },
  });
  const kept: Timer[] = [];
  const events = {
    ready: new Map(ready.map((delivery, position) => [`ready ${position}`, delivery])),
    scheduled: new Map(scheduled.map((delivery, position) => [`scheduled ${position}`, delivery])),
    lookups: new Map(),
    filtered: new Map(),
  };
  const all = {
    ledger,
    workflow: {
      async start(delivery: Delivery) {
        done.push(`start ${delivery.webhook_id}`);
        started.push(delivery);
        return { token: executionToken(delivery), isOwn: delivery.generation >= taken };
      },
    },
    counter,
    log: fakeLog(),
    now: () => NOW,
    ...services,
    remainingMs: () => 30_000,
  } as unknown as EnrichEventsServices;
  const first = newRecord(lead('one', -60_000), NOW);
  const records = Object.entries(known).map(([id, state]) => [id, { ...first, state, ...record }] as const);
  await setTimers(events, isUnread ? undefined : new Map(records), failures, all);
  return { done, started, kept, failures, counts: counter.counts, events };
}

describe('a scheduled event', () => {
  const one = lead('one', -5, 3600_000);

  test('is in a workflow until its scheduled time, which exists before the timer, and both are recorded in the ledger', async () => {
    const { done, started } = await set({ scheduled: [one] });
    expect(done).toEqual([
      `start ${one.webhook_id}`,
      `keep the timer of ${one.webhook_id}`,
      `note ${one.webhook_id}: retry, g0, ${at(3600_000)}`,
    ]);
    expect(started).toEqual([one]);
    expect(started[0]?.progress).toEqual({ enrichment: NOT_ENRICHED, attempt: 0, due_at: at(3600_000), timed: true });
  });

  test('whose workflow does not start is a failed message, and has no timer', async () => {
    const workflow = { start: () => Promise.reject(new Error('no')) };
    const { failures, kept } = await set({ scheduled: [one], services: { workflow } });
    expect(failures).toEqual(new Map([['scheduled 0', 'the workflow did not start: Error']]));
    expect(kept).toEqual([]);
  });

  test('that is due already is not listed as waiting: it may have run before its timer was written', async () => {
    const due = lead('due', -60_000, 0);
    const { due_at, ...awake } = timerOf(due, NOW) as Timer;
    expect((await set({ scheduled: [due] })).kept).toEqual([{ ...awake, due_at }, awake]);
  });

  test('without a user is scheduled without a timer', async () => {
    const { started, kept } = await set({ scheduled: [lead('no-user', -5, 60_000, { user_id: undefined })] });
    expect(started).toHaveLength(1);
    expect(kept).toEqual([]);
  });

  test('that is published again unchanged is a copy', async () => {
    const standing = [timerOf(one, NOW) as Timer];
    const { done, events } = await set({ scheduled: [one], known: { [one.webhook_id]: 'scheduled' }, standing });
    expect(done).toEqual([]);
    expect([...events.scheduled.values()]).toEqual([one]);
  });
});

describe('an event that is published again with another time', () => {
  const first = lead('one', -60_000, 3600_000);
  const standing = [timerOf(first, NOW) as Timer];
  const known = { [first.webhook_id]: 'scheduled' } as const;

  test('a later one: its timer has the new time, which its execution reads when it is due', async () => {
    const { started, kept, counts, events } = await set({ scheduled: [lead('one', -5, 7200_000)], known, standing });
    expect(started).toEqual([]);
    expect(kept).toMatchObject([{ webhook_id: first.webhook_id, due_at: at(7200_000), generation: 0 }]);
    expect(counts).toEqual({ [METRICS.timerMoved]: 1 });
    expect(events.scheduled.size).toBe(0);
  });

  test('an earlier one: the next generation carries it, and starts before the timer is written', async () => {
    const { done, started, kept } = await set({ scheduled: [lead('one', -5, 60_000)], known, standing });
    expect(started).toMatchObject([{ generation: 1, progress: { due_at: at(60_000), timed: true } }]);
    expect(kept).toMatchObject([{ due_at: at(60_000), generation: 1 }]);
    expect(done.slice(0, 2)).toEqual([`start ${first.webhook_id}`, `keep the timer of ${first.webhook_id}`]);
  });

  test('whose first timer was never written: the next generation carries it, and has a timer', async () => {
    const older = timerOf(lead('older', -90_000), NOW) as Timer;
    for (const standing of [[], [older]]) {
      for (const dueMs of [60_000, 3600_000, 7200_000]) {
        const { started, kept, events } = await set({ scheduled: [lead('one', -5, dueMs)], known, standing });
        expect(started).toMatchObject([{ generation: 1, progress: { due_at: at(dueMs) } }]);
        expect(kept).toMatchObject([{ webhook_id: first.webhook_id, due_at: at(dueMs), generation: 1 }]);
        expect(events.scheduled.size).toBe(0);
      }
    }
  });

  test('goes beyond the generation that the ledger knows, or its timer names', async () => {
    const earlier = [lead('one', -5, 60_000)];
    const resent = await set({ scheduled: earlier, known, standing, record: { generation: 3 } });
    const moved = await set({ scheduled: earlier, known, standing: [{ ...(standing[0] as Timer), generation: 5 }] });
    expect([resent, moved].map(({ started }) => started[0]?.generation)).toEqual([4, 6]);
  });

  test('to a later one is carried by the generation in the ledger: an earlier one ends when it is due', async () => {
    const { kept } = await set({ scheduled: [lead('one', -5, 7200_000)], known, standing, record: { generation: 3 } });
    expect(kept).toMatchObject([{ due_at: at(7200_000), generation: 3 }]);
  });

  test('and then with the old one again is a copy, after which an earlier publication moves nothing', async () => {
    const again = lead('one', -5, 3600_000);
    const { started, kept, counts, events } = await set({ scheduled: [again], known, standing });
    expect(started).toEqual([]);
    expect(kept).toMatchObject([{ webhook_id: first.webhook_id, latest_at: again.occurred_at, due_at: at(3600_000) }]);
    expect(counts).toEqual({});
    expect([...events.scheduled.values()]).toEqual([again]);
  });

  test('after it was settled or parked changes nothing', async () => {
    for (const state of ['delivered', 'dead', 'cancelled', 'parked', 'filtered'] as const) {
      const { done } = await set({
        scheduled: [lead('one', -5, 60_000)],
        known: { [first.webhook_id]: state },
        standing,
      });
      expect(done).toEqual([]);
    }
  });

  test('in one batch starts once, at the latest publication’s time', async () => {
    const twice = [lead('one', -5, 60_000), lead('one', -60_000, 3600_000)];
    for (const scheduled of [twice, twice.toReversed()]) {
      const { started, counts } = await set({ scheduled });
      expect(started).toMatchObject([{ progress: { due_at: at(60_000) } }]);
      expect(counts).toEqual({ [METRICS.eventDuplicate]: 1 });
    }
  });
});

describe('an event whose execution another publication of it has started', () => {
  const one = lead('one', -5, 60_000);
  const timer = timerOf(one, NOW) as Timer;
  const other = { ...timer, latest_at: at(-60_000), due_at: at(3600_000) };
  const known = { [one.webhook_id]: 'scheduled' } as const;
  const unreached = new Map([['scheduled 0', 'the ledger does not respond, and the event may have been rescheduled']]);

  test('is a copy if its own timer exists: its carrier is recorded, in case it was not', async () => {
    const { failures, done, kept } = await set({ scheduled: [one], taken: 1, standing: [{ ...timer, generation: 2 }] });
    expect(failures).toEqual(new Map());
    expect(kept).toEqual([]);
    expect(done).toEqual([`start ${one.webhook_id}`, `note ${one.webhook_id}: retry, g2, ${at(60_000)}`]);
  });

  test('leaves it to a later publication, which has the timer', async () => {
    const { failures, done } = await set({ scheduled: [one], taken: 1, standing: [{ ...timer, latest_at: at(-1) }] });
    expect(failures).toEqual(new Map());
    expect(done).toEqual([`start ${one.webhook_id}`]);
  });

  test('leaves it to one whose timer came before its own, and does not record its own execution', async () => {
    const later = { ...timer, latest_at: at(-1) };
    const { done } = await set({ scheduled: [one], standing: [later], keeps: () => false });
    expect(done).toEqual([`start ${one.webhook_id}`, `keep the timer of ${one.webhook_id}`]);
  });

  test('goes beyond an earlier publication that has a higher generation: the ledger lets the highest claim', async () => {
    const higher = { ...other, generation: 4 };
    const { started, kept } = await set({
      scheduled: [one],
      standing: [higher],
      keeps: ({ generation }) => generation > 4,
    });
    expect(started.map(({ generation }) => generation)).toEqual([0, 5]);
    expect(kept.map(({ generation }) => generation)).toEqual([0, 5]);
  });

  test('is recorded even if a later event has the timer: it reads that when it is due', async () => {
    const standing = [{ ...timer, webhook_id: 'wh_other', latest_at: at(-1) }];
    const { done } = await set({ scheduled: [one], standing, keeps: () => false });
    expect(done.at(-1)).toBe(`note ${one.webhook_id}: retry, g0, ${at(60_000)}`);
  });

  test.each([
    ['of the other publication', [other]],
    ['of another event', [{ ...timer, webhook_id: 'wh_other' }]],
    ['missing: the other one’s was lost, or is not written yet', []],
  ])('is carried by the next generation if the timer is %s', async (_, standing) => {
    const { failures, kept, done } = await set({ scheduled: [one], taken: 1, standing });
    expect(failures).toEqual(new Map());
    expect(kept).toMatchObject([{ generation: 1, due_at: at(60_000) }]);
    expect(done.at(-1)).toBe(`note ${one.webhook_id}: retry, g1, ${at(60_000)}`);
  });

  test('is carried by the first free generation, if both moved it at the same time, or it was resent before', async () => {
    const { kept, started } = await set({ scheduled: [one], taken: 3, known, standing: [other] });
    expect(started.map(({ generation }) => generation)).toEqual([1, 2, 3]);
    expect(kept).toMatchObject([{ generation: 3 }]);
  });

  test.each<[string, World, number]>([
    ['does not say whether it was moved', { taken: 1, isDown: true }, 1],
    ['knows it, and does not say by which timer', { known, isDown: true }, 0],
    ['does not say whether it was sent or overtaken since', { taken: 1, isUnread: true, standing: [other] }, 1],
  ])('is redelivered if the ledger %s', async (_what, world, starts) => {
    const { failures, kept, started, done, events } = await set({ scheduled: [one], ...world });
    expect(failures).toEqual(unreached);
    expect(kept).toEqual([]);
    // If nothing was started, the batch does nothing more with it.
    expect([started.length, done.length, events.scheduled.size]).toEqual([starts, starts, starts]);
  });

  test('is redelivered if the timer of the next generation cannot be written: the first one would send it', async () => {
    const putTimer = async () => 'unreached' as const;
    const ledger = { ...openLedger(), timers: async () => new Map([[other.key, other]]), putTimer };
    const { failures } = await set({ scheduled: [one], taken: 1, services: { ledger } });
    expect(failures).toEqual(unreached);
  });

  test('is redelivered if ten generations are taken, which is a fault', async () => {
    const { failures } = await set({ scheduled: [one], taken: 10 });
    expect([...failures.values()]).toEqual(['other publications of the event have 10 generations']);
  });
});

test('while the ledger does not respond, an event starts as usual, and waits without a timer; others continue', async () => {
  const hot = lead('hot', -1);
  const { failures, started, events } = await set({ scheduled: [lead('one', -5, 60_000)], ready: [hot], isDown: true });
  expect(failures).toEqual(new Map());
  expect(started).toHaveLength(1);
  expect([...events.ready.values()]).toEqual([hot]);
});

test('a move to a later time whose timer is refused is redelivered, which decides whether it was the last', async () => {
  const first = lead('one', -60_000, 3600_000);
  const { failures } = await set({
    scheduled: [lead('one', -5, 7200_000)],
    known: { [first.webhook_id]: 'scheduled' },
    standing: [timerOf(first, NOW) as Timer],
    keeps: () => false,
  });
  expect([...failures]).toEqual([['scheduled 0', 'another publication of the event rescheduled it meanwhile']]);
});

test.each([60_000, 7200_000])('a move whose timer cannot be written is redelivered: due in %i ms', async (dueMs) => {
  const first = lead('one', -60_000, 3600_000);
  const standing = [timerOf(first, NOW) as Timer];
  const putTimer = async () => 'unreached' as const;
  const { failures } = await set({
    scheduled: [lead('one', -5, dueMs)],
    known: { [first.webhook_id]: 'scheduled' },
    services: {
      ledger: { ...openLedger(), timers: async () => new Map(standing.map((one) => [one.key, one])), putTimer },
    },
  });
  expect([...failures.keys()]).toEqual(['scheduled 0']);
});

describe('an event that is sent immediately', () => {
  const hot = lead('hot', -1);

  test('supersedes a scheduled one, and starts nothing', async () => {
    const { started, kept, events } = await set({ ready: [hot] });
    expect(started).toEqual([]);
    expect(kept).toEqual([timerOf(hot, NOW)]);
    expect(events.ready.size).toBe(1);
  });

  test('changes nothing as a copy: the first one was recorded before it was forwarded', async () => {
    expect((await set({ ready: [hot], known: { [hot.webhook_id]: 'delivered' } })).kept).toEqual([]);
  });
});
