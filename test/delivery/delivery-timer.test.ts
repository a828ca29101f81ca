import { describe, expect, test } from '@jest/globals';
import { followTimer, readTimer, reschedule, unschedule } from '../../lambdas/delivery/delivery-timer.ts';
import type { Delivery } from '../../lambdas/events/delivery.ts';
import { secondRound } from '../../lambdas/events/progress.ts';
import type { Timer } from '../../lambdas/ledger/timer.ts';
import { timerOf } from '../../lambdas/ledger/timer-rules.ts';
import { METRICS } from '../../lambdas/shared/metric-definitions.ts';
import { delivery, fakeCounter, fakeLog, NOT_ENRICHED, NOW } from '../support/factories.ts';
import { openLedger } from '../support/open-ledger.ts';

const at = (ms: number) => new Date(NOW + ms).toISOString();
const ACCEPTED_MS = NOW - 3600_000;
const LEAD = { event_type: 'lead', kind: 'lead.calculated', user_id: '7', accepted_at: at(-3600_000) } as const;
const scheduled = delivery(
  NOT_ENRICHED,
  { ...LEAD, occurred_at: at(-3600_000), send_at: at(0) },
  { timed: true, due_at: at(0) },
);
const { timed: _timed, ...untimed } = scheduled.progress;
const own = timerOf(scheduled, ACCEPTED_MS) as Timer;
const superseding = { ...own, webhook_id: 'wh_later', latest_at: at(-1) };

/** Reads and follows the stored timer of a due delivery. */
async function follow(stored: Timer | undefined, given: Delivery = scheduled) {
  const ledger = openLedger({ timers: async () => new Map(stored ? [[stored.key, stored]] : []) });
  const services = { ledger, log: fakeLog(), counter: fakeCounter(), now: () => NOW };
  const outcome = await followTimer(given, await readTimer(given, services), services);
  return { outcome, ...services };
}

describe('a delivery at its scheduled time', () => {
  test.each([
    ['its own timer, which is no longer scheduled', own, { ...own, due_at: undefined }],
    ['no timer that can be read', undefined],
  ])('is attempted with %s', async (_what, stored, ...kept) => {
    const { outcome, ledger } = await follow(stored);
    expect([outcome, ledger.timersKept]).toEqual([undefined, kept]);
  });

  test('is cancelled if it was superseded, with a log line and a count', async () => {
    const { outcome, ledger, log, counter } = await follow(superseding);
    const reason = 'superseded by a later event of its user: wh_later';
    expect(outcome?.result).toMatchObject({ outcome: 'cancelled', attempt: 0, reason });
    expect(counter.counts).toEqual({ [METRICS.timerCancelled]: 1 });
    const fields = { webhook_id: scheduled.webhook_id, integration_id: 'acme', reason };
    expect(log.only('timer.cancelled')).toEqual(fields);
    expect(ledger.timersKept).toEqual([]);
  });

  test('waits without an attempt if it was moved to a later time', async () => {
    const { outcome } = await follow({ ...own, latest_at: at(-1), due_at: at(60_000) });
    expect(outcome?.result).toMatchObject({ outcome: 'retry', attempt: 0, due_at: at(60_000), timed: true });
  });

  test.each([
    ['a course event', delivery()],
    ['a lead that an operator resends', { ...scheduled, progress: untimed }],
  ])('ignores timers if it is not scheduled: %s', async (_what, given) => {
    expect((await follow(superseding, given)).outcome).toBeUndefined();
  });
});

test.each([superseding, undefined])('only the delivery’s own timer is removed from the list: %j', async (timer) => {
  const ledger = openLedger();
  await unschedule(scheduled, { decision: { to: 'send' }, timer }, { ledger });
  expect(ledger.timersKept).toEqual([]);
});

describe('the timer of a delivery', () => {
  const again = secondRound(scheduled, 3, '3 attempts failed', new Date(NOW + 7200_000));
  const moved = { ...own, latest_at: at(-1) };

  test.each([
    ['', scheduled, again, own, [{ ...own, due_at: at(7200_000) }]],
    [', by the publication that moved it', scheduled, again, moved, [{ ...moved, due_at: at(7200_000) }]],
    [' if none is stored', scheduled, again, undefined, [{ ...own, due_at: at(7200_000) }]],
    [' if another event’s is stored', scheduled, again, superseding, [{ ...own, due_at: at(7200_000) }]],
    [' only after the first round', scheduled, { ...again, earlier_attempts: undefined }, own, []],
    [' only once', { ...scheduled, progress: again }, again, own, []],
    [' only if it was scheduled', { ...scheduled, progress: untimed }, again, own, []],
  ])('is scheduled again for the second round%s', async (_when, given, result, timer, kept) => {
    const [ledger, log, counter] = [openLedger(), fakeLog(), fakeCounter()];
    const state = { decision: { to: 'send' }, timer } as const;
    await reschedule(given, { result }, state, { ledger, log, counter, now: () => NOW });
    expect(ledger.timersKept).toEqual(kept);
  });
});
