import { describe, expect, test } from '@jest/globals';
import { type DeliverOneServices, deliverOne } from '../../lambdas/delivery/deliver-one.ts';
import type { Delivery } from '../../lambdas/events/delivery.ts';
import type { Claim, Ledger, Settlement } from '../../lambdas/ledger/ports.ts';
import type { Timer } from '../../lambdas/ledger/timer.ts';
import { timerOf } from '../../lambdas/ledger/timers.ts';
import { newRecord } from '../../lambdas/ledger/transitions.ts';
import type { LimiterResponse } from '../../lambdas/limiter/limiter.ts';
import { InputInvalid } from '../../lambdas/shared/errors.ts';
import { METRICS } from '../../lambdas/shared/metric-definitions.ts';
import {
  delivery,
  ENRICHED,
  fakeCounter,
  fakeLog,
  integration,
  NOT_ENRICHED,
  NOW,
  PENDING,
  registry,
} from '../support/factories.ts';
import { reserved, unreserved } from '../support/limiter-decisions.ts';
import { openLedger } from '../support/open-ledger.ts';
import { answered, brokenSource, limiterThatSays, SECRETS_DOWN, sendingServices } from '../support/sending.ts';

interface World {
  readonly known?: ReturnType<typeof registry>;
  readonly limiter?: Partial<LimiterResponse>;
  readonly ledger?: Partial<Ledger>;
  readonly more?: Partial<DeliverOneServices>;
}

/** Makes one step, by default with services that allow everything. */
async function step(
  given: Delivery,
  { known = registry(integration()), limiter = {}, ledger = {}, more = {} }: World = {},
) {
  const counter = fakeCounter();
  const sending = sendingServices([answered(200)]);
  const opened = openLedger(ledger);
  const services = {
    ...sending,
    integrations: { read: async () => known },
    limiter: limiterThatSays(limiter),
    log: fakeLog(),
    counter,
    random: () => 0.5,
    ledger: opened,
    ...more,
  };
  const result = await deliverOne(given, services);
  return { result, counter, requests: sending.requests, ledger: opened };
}

const due_at = '2026-01-15T12:00:00.000Z';
const carried = { ...delivery(ENRICHED, {}, { attempt: 1, due_at }), token: 'g0-a1' };

describe('a step of the workflow', () => {
  test('is an attempt, even at a slow endpoint: no other delivery waits for it', async () => {
    const { result, requests } = await step(delivery(), { limiter: { isSlow: true } });
    expect(result).toMatchObject({ outcome: 'delivered', attempt: 1 });
    expect(requests).toHaveLength(1);
  });

  test('waits for its slot without an attempt', async () => {
    const { result, counter, ledger } = await step(carried, { limiter: { decisions: [reserved(NOW + 90_000)] } });
    expect(result).toEqual({
      enrichment: ENRICHED,
      attempt: 1,
      due_at: '2026-01-15T12:01:30.000Z',
      reserved_for: '2026-01-15T12:01:30.000Z',
      outcome: 'retry',
      reason: 'over the rate limit',
      waits: 1,
    });
    expect(counter.counts).toEqual({ [METRICS.deliveryDeferred]: 1 });
    expect(ledger.settled).toMatchObject([{ settlement: { token: 'g0-a1', progress: { outcome: 'retry' } } }]);
  });

  test('has no reservation while it waits for the end of a Retry-After', async () => {
    const { result } = await step(carried, { limiter: { decisions: [unreserved(NOW + 90_000)] } });
    expect(Date.parse(result.due_at ?? '')).toBeGreaterThanOrEqual(NOW + 90_000);
    expect(result.reserved_for).toBeUndefined();
  });

  test('throws what is our own fault: the workflow retries, and no attempt is spent', async () => {
    await expect(step(delivery(PENDING))).rejects.toThrow(InputInvalid);
    const withoutSecrets = { more: { secretOf: () => brokenSource(SECRETS_DOWN) } };
    await expect(step(delivery(), withoutSecrets)).rejects.toBe(SECRETS_DOWN);
  });
});

describe('a step, by its record in the ledger', () => {
  const claiming = (claim: Claim): World => ({ ledger: { claim: async () => claim } });

  test('dead by this execution: its dead-letter message is still to be sent, in the generation after the ledger’s', async () => {
    const standing = { ...newRecord(carried, NOW), generation: 3, attempt: 2, reason: 'HTTP 404', token: 'g0' };
    const deadRecord = { ...standing, state: 'dead', version: 4 } as const;
    const { result, requests } = await step(carried, claiming({ verdict: 'done', state: 'dead', deadRecord }));
    expect(result).toMatchObject({
      ...{ outcome: 'dead', attempt: 2, reason: 'HTTP 404' },
      redrive: { generation: 4, progress: { attempt: 0, due_at: null } },
    });
    expect(requests).toEqual([]);
  });

  test('dead now: the ledger knows which execution sends the dead-letter message', async () => {
    const { result, ledger } = await step(carried, { known: registry() });
    expect(result).toMatchObject({ outcome: 'dead' });
    expect(ledger.settled).toMatchObject([{ settlement: { progress: { outcome: 'dead' }, token: 'g0-a1' } }]);
  });

  test.each([
    ['when that claim ends', 30_000, '2026-01-15T12:00:30.000Z'],
    ['after five seconds, if it ends sooner', 1, '2026-01-15T12:00:05.000Z'],
  ])('claimed elsewhere: it returns %s, and spends no attempt', async (_what, leftMs, expected) => {
    const { result, requests, ledger } = await step(carried, claiming({ verdict: 'busy', untilMs: NOW + leftMs }));
    expect(result).toMatchObject({ outcome: 'retry', attempt: 1, due_at: expected });
    expect([requests, ledger.settled]).toEqual([[], []]);
  });

  test.each(['delivered', 'dead', 'scheduled', 'parked', 'filtered', 'cancelled'] as const)(
    '%s already, or carried by another: it ends, and leaves no dead-letter message',
    async (state) => {
      const { result, requests } = await step(carried, claiming({ verdict: 'done', state }));
      expect(result).toMatchObject({ outcome: 'duplicate', attempt: 1, reason: `the ledger says: ${state}` });
      expect(result.redrive).toBeUndefined();
      expect(requests).toEqual([]);
    },
  );

  test('it claims by the token of its execution, or one that an older version started, by the default token', async () => {
    expect((await step(carried)).ledger.claims[0]?.delivery.token).toBe('g0-a1');
    expect((await step(delivery(ENRICHED, { generation: 3 }))).ledger.claims[0]?.delivery.token).toBe('g3');
  });

  test('its lease is longer than the slowest attempt of its integration', async () => {
    const { ledger } = await step(carried, { known: registry(integration({ timeout_seconds: 300 })) });
    expect(ledger.claims[0]?.leaseMs).toBe(320_000);
  });

  test('its outcome is recorded before the workflow has it, with the attempt', async () => {
    const { ledger } = await step(carried);
    const progress = expect.objectContaining({ outcome: 'delivered', attempt: 2 });
    expect(ledger.settled).toEqual([
      { webhookId: carried.webhook_id, settlement: { progress, attempt: { at: due_at, status: 200, duration_ms: 0 } } },
    ]);
  });

  test('after its last wait it is parked in the ledger; if that fails, it keeps waiting', async () => {
    const known = registry(integration({ paused: true }));
    const last = delivery(ENRICHED, {}, { park_count: 6 });
    expect((await step(last, { known })).result).toMatchObject({ outcome: 'parked', parked_for: 'paused' });
    const endings: Settlement[] = [];
    const settle: Ledger['settle'] = async (_, settlement) => {
      endings.push(settlement);
      return false;
    };
    const { result } = await step(last, { known, ledger: { settle } });
    expect(result).toMatchObject({ outcome: 'retry', park_count: 6, due_at: '2026-01-15T12:32:00.000Z' });
    // The parked outcome is sent to the ledger too: it may be settled later.
    expect(endings).toMatchObject([
      { progress: { outcome: 'parked' } },
      { progress: { outcome: 'retry', park_count: 6 }, token: 'g0' },
    ]);
  });
});

describe('a step of a scheduled delivery, by its timer', () => {
  const lead = { event_type: 'lead', kind: 'lead.calculated', user_id: '7' } as const;
  const timed = delivery(NOT_ENRICHED, { ...lead, send_at: due_at }, { due_at, timed: true });
  const own = timerOf(timed, NOW) as Timer;
  const withTimer = (timer: Timer, claim?: Claim): World => ({
    ledger: {
      timers: async () => new Map([[own.key, timer]]),
      ...(claim !== undefined && { claim: async () => claim }),
    },
  });

  test('moved to an earlier time: it ends as cancelled, and does not change the next generation’s record', async () => {
    const moved = withTimer({ ...own, latest_at: due_at, generation: 1 });
    const { result, ledger, requests } = await step(timed, moved);
    expect(result).toMatchObject({ outcome: 'cancelled', reason: 'it was moved: generation 1 carries it' });
    expect([ledger.claims, ledger.settled, requests]).toEqual([[], [], []]);
    expect((await step({ ...timed, generation: 1 }, moved)).result.outcome).toBe('delivered');
  });

  const { due_at: _, ...unscheduled } = own;

  test.each([
    ['delivered', 'as an operator replayed it: it is no longer scheduled', [unscheduled]],
    ['scheduled', 'and carried by another, which needs the timer', []],
    ['parked', 'and carried by another, which needs the timer', []],
  ] as const)('its own, of a delivery that is %s, %s', async (state, _what, kept) => {
    const { result, ledger } = await step(timed, withTimer(own, { verdict: 'done', state }));
    expect(result.outcome).toBe('duplicate');
    expect(ledger.timersKept).toEqual(kept);
  });

  test('superseded: nothing is sent, and it is recorded as cancelled', async () => {
    const later = { ...own, webhook_id: 'wh_later', latest_at: due_at };
    const { result, requests, ledger, counter } = await step(timed, withTimer(later));
    expect(result).toMatchObject({ outcome: 'cancelled' });
    expect(requests).toEqual([]);
    expect(ledger.settled).toMatchObject([{ settlement: { progress: { outcome: 'cancelled' } } }]);
    expect(counter.counts).toEqual({ [METRICS.timerCancelled]: 1 });
  });
});
