import { describe, expect, test } from '@jest/globals';
import {
  followTimer,
  readTimer,
  reschedule,
  type TimerState,
  unschedule,
} from '../../lambdas/delivery/delivery-timer.ts';
import type { Delivery, TaskResult } from '../../lambdas/events/delivery.ts';
import { secondRound } from '../../lambdas/events/progress.ts';
import type { Timer } from '../../lambdas/ledger/timer.ts';
import { timerOf } from '../../lambdas/ledger/timers.ts';
import { METRICS } from '../../lambdas/shared/metric-definitions.ts';
import { delivery, fakeCounter, fakeLog, NOT_ENRICHED, NOW } from '../support/factories.ts';
import { openLedger } from '../support/open-ledger.ts';

const at = (ms: number) => new Date(NOW + ms).toISOString();
const SAID = { event_type: 'lead', kind: 'lead.calculated', user_id: '7', accepted_at: at(-3600_000) } as const;
const waiting = delivery(
  NOT_ENRICHED,
  { ...SAID, occurred_at: at(-3600_000), send_at: at(0) },
  { timed: true, due_at: at(0), attempt: 0 },
);
const own = timerOf(waiting, Date.parse(at(-3600_000))) as Timer;

function world(standing: Timer | undefined) {
  const ledger = openLedger({ timers: async () => new Map(standing ? [[standing.key, standing]] : []) });
  return { ledger, log: fakeLog(), counter: fakeCounter(), now: () => NOW };
}

const followed = async (given: Delivery, services: ReturnType<typeof world>) =>
  followTimer(given, await readTimer(given, services), services);

describe('a delivery at its scheduled time', () => {
  test('is attempted, and is no longer scheduled: its timer is off the list', async () => {
    const services = world(own);
    expect(await followed(waiting, services)).toBeUndefined();
    const { due_at, ...awake } = own;
    expect(services.ledger.timersKept).toEqual([awake]);
  });

  test('is attempted where no timer can be read', async () => {
    const services = world(undefined);
    expect(await followed(waiting, services)).toBeUndefined();
    expect(services.ledger.timersKept).toEqual([]);
  });

  test('is cancelled where it was superseded: in data, in the log and in the counts', async () => {
    const later = { ...own, webhook_id: 'wh_later', latest_at: at(-1) };
    const services = world(later);
    const reason = 'superseded by a later event of its user: wh_later';
    expect((await followed(waiting, services))?.result).toMatchObject({ outcome: 'cancelled', attempt: 0, reason });
    expect(services.counter.counts).toEqual({ [METRICS.timerCancelled]: 1 });
    expect(services.log.only('timer.cancelled')).toEqual({
      webhook_id: waiting.webhook_id,
      integration_id: 'acme',
      reason,
    });
    expect(services.ledger.timersKept).toEqual([]);
  });

  test('waits on where it was moved, without an attempt', async () => {
    const services = world({ ...own, latest_at: at(-1), due_at: at(60_000) });
    expect((await followed(waiting, services))?.result).toMatchObject({
      outcome: 'retry',
      attempt: 0,
      due_at: at(60_000),
      timed: true,
    });
  });

  test('reads no timer where it was not scheduled: a course event, or a lead that an operator resends', async () => {
    const { timed, ...asked } = waiting.progress;
    for (const given of [delivery(), { ...waiting, progress: asked }]) {
      const services = world({ ...own, webhook_id: 'wh_later', latest_at: at(-1) });
      expect(await followed(given, services)).toBeUndefined();
    }
  });
});

test('only its own timer is taken off the list', async () => {
  for (const timer of [{ ...own, webhook_id: 'wh_later' }, undefined]) {
    const services = world(timer);
    await unschedule(waiting, { decision: { to: 'send' }, timer }, services);
    expect(services.ledger.timersKept).toEqual([]);
  }
});

describe('a delivery that is scheduled again', () => {
  const asRead = (timer: Timer | undefined): TimerState => ({ decision: { to: 'send' }, timer });
  const again: TaskResult = secondRound(waiting, 3, '3 attempts failed', new Date(NOW + 7200_000));

  test('is on the list again, until then', async () => {
    const services = world(own);
    await reschedule(waiting, { result: again }, asRead(own), services);
    expect(services.ledger.timersKept).toEqual([{ ...own, due_at: at(7200_000) }]);
  });

  test('is so by the publication that moved it, and that its execution was not given', async () => {
    const services = world(own);
    await reschedule(waiting, { result: again }, asRead({ ...own, latest_at: at(-1) }), services);
    expect(services.ledger.timersKept).toEqual([{ ...own, latest_at: at(-1), due_at: at(7200_000) }]);
  });

  test('is on it by its own where it never was, or another event stands there', async () => {
    for (const timer of [undefined, { ...own, webhook_id: 'wh_later', latest_at: at(-1) }]) {
      const services = world(own);
      await reschedule(waiting, { result: again }, asRead(timer), services);
      expect(services.ledger.timersKept).toEqual([{ ...own, due_at: at(7200_000) }]);
    }
  });

  test('is not, where it is only between two attempts, or was never timed', async () => {
    const services = world(own);
    const { timed, ...untimed } = waiting.progress;
    await reschedule(waiting, { result: { ...again, earlier_attempts: undefined } }, asRead(own), services);
    await reschedule({ ...waiting, progress: untimed }, { result: again }, asRead(own), services);
    await reschedule({ ...waiting, progress: again }, { result: again }, asRead(own), services);
    expect(services.ledger.timersKept).toEqual([]);
  });
});
