import { describe, expect, test } from '@jest/globals';
import type { Delivery } from '../../lambdas/contract/delivery.ts';
import type { WebhookState } from '../../lambdas/contract/ledger.ts';
import { METRICS } from '../../lambdas/contract/metrics.ts';
import type { Timer } from '../../lambdas/contract/timer.ts';
import { executionToken } from '../../lambdas/domain/identity.ts';
import { newDelivery } from '../../lambdas/domain/progress.ts';
import { timerOf } from '../../lambdas/domain/timers.ts';
import type { EnrichEventsServices } from '../../lambdas/enrichment/enrich-events-services.ts';
import { setTimers } from '../../lambdas/enrichment/set-timers.ts';
import { fakeCounter, fakeLog, NOW, PLAIN, subject } from '../support/factories.ts';
import { openLedger } from '../support/open-ledger.ts';

const at = (ms: number) => new Date(NOW + ms).toISOString();

function lead(eventId: string, occurredMs: number, dueMs?: number, overrides: object = {}): Delivery {
  const kind = dueMs === undefined ? 'lead.hot' : 'lead.calculated';
  const wait = dueMs === undefined ? {} : { send_at: at(dueMs) };
  const said = { event_type: 'lead', kind, user_id: '7', event_id: eventId, accepted_at: at(0), ...wait } as const;
  return newDelivery(subject({ ...said, occurred_at: at(occurredMs), ...overrides }), PLAIN);
}

interface World {
  readonly ready?: readonly Delivery[];
  readonly timed?: readonly Delivery[];
  readonly known?: Readonly<Record<string, WebhookState>>;
  readonly standing?: readonly Timer[];
  /** Whether executions of those names exist already, and were given something else. */
  readonly isTaken?: boolean;
  readonly services?: Partial<EnrichEventsServices>;
}

/** What a batch does, in order; messages are named by the position in their list. */
async function set({ ready = [], timed = [], known = {}, standing = [], isTaken = false, services = {} }: World) {
  const done: string[] = [];
  const started: Delivery[] = [];
  const failures = new Map<string, string>();
  const counter = fakeCounter();
  const ledger = openLedger({
    timers: async (keys) => new Map(standing.filter(({ key }) => keys.includes(key)).map((one) => [one.key, one])),
    async keepTimer(timer) {
      done.push(`keep the timer of ${timer.webhook_id}`);
      kept.push(timer);
    },
    async note(delivery, { progress, token }) {
      done.push(`note ${delivery.webhook_id}: ${progress.outcome}, ${token}, ${progress.due_at}`);
      return true;
    },
  });
  const kept: Timer[] = [];
  const events = {
    ready: new Map(ready.map((delivery, position) => [`ready ${position}`, delivery])),
    timed: new Map(timed.map((delivery, position) => [`timed ${position}`, delivery])),
    asking: new Map(),
    unwanted: new Map(),
  };
  const all = {
    ledger,
    workflow: {
      async start(delivery: Delivery) {
        done.push(`start ${delivery.webhook_id}`);
        started.push(delivery);
        return { token: executionToken(delivery), isOwn: !isTaken };
      },
    },
    counter,
    log: fakeLog(),
    now: () => NOW,
    ...services,
  } as unknown as EnrichEventsServices;
  await setTimers(events, new Map(Object.entries(known)), failures, all);
  return { done, started, kept, failures, counts: counter.counts, events };
}

describe('an event that waits', () => {
  const one = lead('one', -5, 3600_000);

  test('is in a workflow until its moment; that exists before the timer, and the ledger hears of both', async () => {
    const { done, started } = await set({ timed: [one] });
    expect(done).toEqual([
      `start ${one.webhook_id}`,
      `keep the timer of ${one.webhook_id}`,
      `note ${one.webhook_id}: retry, g0, ${at(3600_000)}`,
    ]);
    expect(started).toEqual([one]);
    expect(started[0]?.progress).toEqual({ enrichment: PLAIN, attempt: 0, due_at: at(3600_000), timed: true });
  });

  test('whose workflow does not start is a failed message, and has no timer', async () => {
    const workflow = { start: () => Promise.reject(new Error('no')) };
    const { failures, kept } = await set({ timed: [one], services: { workflow } });
    expect(failures).toEqual(new Map([['timed 0', 'the workflow did not start: Error']]));
    expect(kept).toEqual([]);
  });

  test('waits without a user too, and nothing takes its place', async () => {
    const { started, kept } = await set({ timed: [lead('nobody', -5, 60_000, { user_id: undefined })] });
    expect(started).toHaveLength(1);
    expect(kept).toEqual([]);
  });

  test.each(['scheduled', 'delivered', 'dead', 'cancelled', 'parked', 'unwanted'] as const)(
    'published again unchanged while it is %s is a copy',
    async (state) => {
      const standing = [timerOf(one, NOW) as Timer];
      const { done, events } = await set({ timed: [one], known: { [one.webhook_id]: state }, standing });
      expect(done).toEqual([]);
      expect([...events.timed.values()]).toEqual([one]);
    },
  );
});

describe('an event that is published again with another time', () => {
  const first = lead('one', -60_000, 3600_000);
  const standing = [timerOf(first, NOW) as Timer];
  const known = { [first.webhook_id]: 'scheduled' } as const;

  test('a later one: its timer says so, and its execution reads that on waking', async () => {
    const { started, kept, counts, events } = await set({ timed: [lead('one', -5, 7200_000)], known, standing });
    expect(started).toEqual([]);
    expect(kept).toMatchObject([{ webhook_id: first.webhook_id, due_at: at(7200_000), generation: 0 }]);
    expect(counts).toEqual({ [METRICS.timerMoved]: 1 });
    expect(events.timed.size).toBe(0);
  });

  test('an earlier one: the next generation carries it, and exists before the timer says so', async () => {
    const { done, started, kept } = await set({ timed: [lead('one', -5, 60_000)], known, standing });
    expect(started).toMatchObject([{ generation: 1, progress: { due_at: at(60_000), timed: true } }]);
    expect(kept).toMatchObject([{ due_at: at(60_000), generation: 1 }]);
    expect(done.slice(0, 2)).toEqual([`start ${first.webhook_id}`, `keep the timer of ${first.webhook_id}`]);
  });

  test('and then with its old one again is a copy, after which an earlier publication moves nothing', async () => {
    const again = lead('one', -5, 3600_000);
    const { started, kept, counts, events } = await set({ timed: [again], known, standing });
    expect(started).toEqual([]);
    expect(kept).toMatchObject([{ webhook_id: first.webhook_id, latest_at: again.occurred_at, due_at: at(3600_000) }]);
    expect(counts).toEqual({});
    expect([...events.timed.values()]).toEqual([again]);
  });

  test('once it was sent, or given up, moves nothing', async () => {
    for (const state of ['delivered', 'dead', 'cancelled', 'parked'] as const) {
      const { done } = await set({ timed: [lead('one', -5, 60_000)], known: { [first.webhook_id]: state }, standing });
      expect(done).toEqual([]);
    }
  });

  test('in one batch starts once, at the time that was given last', async () => {
    const twice = [lead('one', -5, 60_000), lead('one', -60_000, 3600_000)];
    for (const timed of [twice, twice.toReversed()]) {
      const { started, counts } = await set({ timed });
      expect(started).toMatchObject([{ progress: { due_at: at(60_000) } }]);
      expect(counts).toEqual({ [METRICS.eventDuplicate]: 1 });
    }
  });
});

describe('an event whose execution another publication of it has started', () => {
  const one = lead('one', -5, 60_000);
  const timer = timerOf(one, NOW) as Timer;
  const other = { ...timer, latest_at: at(-60_000), due_at: at(3600_000) };
  const comesAgain = new Map([['timed 0', 'another publication of the event is being taken']]);

  test('is a copy where its timer stands', async () => {
    const { failures, kept } = await set({ timed: [one], isTaken: true, standing: [timer] });
    expect(failures).toEqual(new Map());
    expect(kept).toEqual([]);
  });

  test.each([
    ['of the other publication', [other]],
    ['of another event', [{ ...timer, webhook_id: 'wh_other' }]],
    ['of nobody, or none that can be read', []],
  ])('comes again where the timer is %s: it may name another time', async (_, standing) => {
    const { failures, kept, done } = await set({ timed: [one], isTaken: true, standing });
    expect(failures).toEqual(comesAgain);
    expect(kept).toEqual([]);
    expect(done).toEqual([`start ${one.webhook_id}`]);
  });

  test('comes again where both moved it to an earlier time at once', async () => {
    const known = { [one.webhook_id]: 'scheduled' } as const;
    const { failures, kept, started } = await set({ timed: [one], isTaken: true, known, standing: [other] });
    expect(started).toMatchObject([{ generation: 1 }]);
    expect(failures).toEqual(comesAgain);
    expect(kept).toEqual([]);
  });
});

describe('an event that is sent at once', () => {
  const hot = lead('hot', -1);

  test('takes the place of what waits, and starts nothing', async () => {
    const { started, kept, events } = await set({ ready: [hot] });
    expect(started).toEqual([]);
    expect(kept).toEqual([timerOf(hot, NOW)]);
    expect(events.ready.size).toBe(1);
  });

  test('does so as a copy too: the one before may have been killed before it could', async () => {
    expect((await set({ ready: [hot], known: { [hot.webhook_id]: 'delivered' } })).kept).toHaveLength(1);
  });

  test('of another type asks for no timer', async () => {
    const timers = () => Promise.reject(new Error('nobody needs it'));
    const ledger = openLedger({ timers });
    await set({ ready: [newDelivery(subject(), PLAIN)], services: { ledger } });
    expect(ledger.timersKept).toEqual([]);
  });
});
