import { describe, expect, test } from '@jest/globals';
import { MalformedDelivery } from '../../lambdas/contract/errors.ts';
import type { Claim, Ending, Ledger } from '../../lambdas/contract/ledger-ports.ts';
import type { LimiterDecision } from '../../lambdas/contract/limiter.ts';
import { METRICS } from '../../lambdas/contract/metrics.ts';
import type { Timer } from '../../lambdas/contract/timer.ts';
import { deliverOne } from '../../lambdas/delivery/deliver-one.ts';
import { newRecord } from '../../lambdas/domain/ledger.ts';
import { timerOf } from '../../lambdas/domain/timers.ts';
import {
  book,
  delivery,
  ENRICHED,
  fakeCounter,
  fakeLog,
  integration,
  NOW,
  PENDING,
  PLAIN,
} from '../support/factories.ts';
import { openLedger } from '../support/open-ledger.ts';
import { answered, brokenSource, limiterThatSays, SECRETS_DOWN, sendingServices } from '../support/sending.ts';

function world(
  decision: LimiterDecision = { verdict: 'allow' },
  known = book(integration()),
  isSlow = false,
  ledger: Partial<Ledger> = {},
) {
  const counter = fakeCounter();
  const sending = sendingServices([answered(200)]);
  const services = {
    ...sending,
    integrations: { read: async () => known },
    limiter: limiterThatSays({ decisions: [decision], isSlow }),
    log: fakeLog(),
    counter,
    random: () => 0.5,
    ledger: openLedger(ledger),
  };
  return { services, counter, requests: sending.requests, ledger: services.ledger };
}

describe('a step of the workflow', () => {
  test('is a try, however slow the endpoint is: nobody else waits here', async () => {
    const { services, requests } = world({ verdict: 'allow' }, book(integration()), true);
    expect(await deliverOne(delivery(), services)).toMatchObject({ outcome: 'delivered', attempt: 1 });
    expect(requests).toHaveLength(1);
  });

  test('is put off to the moment reserved for it, without a try', async () => {
    const { services, counter } = world({ verdict: 'wait', atMs: NOW + 90_000, isReserved: true });
    expect(await deliverOne(delivery(ENRICHED, {}, { attempt: 2 }), services)).toEqual({
      enrichment: ENRICHED,
      attempt: 2,
      due_at: '2026-01-15T12:01:30.000Z',
      reserved_for: '2026-01-15T12:01:30.000Z',
      outcome: 'retry',
      reason: 'over the rate limit',
      waits: 1,
    });
    expect(counter.counts).toEqual({ [METRICS.deliveryDeferred]: 1 });
  });

  test('is put off until the pause that the partner asked for is over: that moment is nobody’s own', async () => {
    const { services } = world({ verdict: 'wait', atMs: NOW + 90_000, isReserved: false });
    const result = await deliverOne(delivery(), services);
    expect(result.reason).toBe('the partner asked for a pause');
    expect(Date.parse(result.due_at ?? '')).toBeGreaterThanOrEqual(NOW + 90_000);
    expect(result.reserved_for).toBeUndefined();
  });

  test('is put off while the endpoint is slow, and says so', async () => {
    const later: LimiterDecision = { verdict: 'wait', atMs: NOW + 90_000, isReserved: true };
    const { services } = world(later, book(integration()), true);
    expect((await deliverOne(delivery(), services)).reason).toBe('the endpoint is slow');
  });

  test('throws what is our own fault: the workflow tries again, and no try is spent', async () => {
    const { services } = world();
    await expect(deliverOne(delivery(PENDING), services)).rejects.toThrow(MalformedDelivery);
    const withoutSecrets = { ...services, secretOf: () => brokenSource(SECRETS_DOWN) };
    await expect(deliverOne(delivery(), withoutSecrets)).rejects.toBe(SECRETS_DOWN);
  });
});

describe('what the ledger says of a step', () => {
  const claimed = (claim: Claim) => world({ verdict: 'allow' }, undefined, false, { claim: async () => claim });
  const carried = delivery(ENRICHED, {}, { attempt: 1, due_at: '2026-01-15T12:00:00.000Z' });
  const lead = { event_type: 'lead', kind: 'lead.calculated', user_id: '7' } as const;
  const due_at = '2026-01-15T12:00:00.000Z';
  const timed = delivery(PLAIN, { ...lead, send_at: due_at }, { due_at, timed: true });
  const own = timerOf(timed, NOW) as Timer;
  const withTimer = (timer: Timer, claim?: Claim) =>
    world({ verdict: 'allow' }, undefined, false, {
      timers: async () => new Map([[own.key, timer]]),
      ...(claim !== undefined && { claim: async () => claim }),
    });

  test('dead by this execution: its dead letter is still to be sent, in the generation after the ledger’s', async () => {
    const standing = { ...newRecord(carried, NOW), generation: 3, attempt: 2, reason: 'HTTP 404', token: 'g0' };
    const givenUp = { ...standing, state: 'dead', version: 4 } as const;
    const { services, requests } = claimed({ verdict: 'done', state: 'dead', givenUp });
    expect(await deliverOne(carried, services)).toMatchObject({
      ...{ outcome: 'dead', attempt: 2, reason: 'HTTP 404' },
      redrive: { generation: 4, progress: { attempt: 0, due_at: null } },
    });
    expect(requests).toEqual([]);
  });

  test('dead now: the ledger knows which execution sends the dead letter', async () => {
    const { services, ledger } = world({ verdict: 'allow' }, book());
    expect(await deliverOne(carried, services)).toMatchObject({ outcome: 'dead' });
    expect(ledger.settled).toMatchObject([{ ending: { progress: { outcome: 'dead' }, token: 'g0' } }]);
  });

  test('in hand elsewhere: it comes back when that claim ends, and spends no try', async () => {
    const { services, requests, ledger } = claimed({ verdict: 'busy', untilMs: NOW + 30_000 });
    expect(await deliverOne(carried, services)).toMatchObject({
      outcome: 'retry',
      attempt: 1,
      due_at: '2026-01-15T12:00:30.000Z',
    });
    expect(requests).toEqual([]);
    expect(ledger.settled).toEqual([]);
  });

  test('in hand for a moment only: it comes back after five seconds all the same', async () => {
    const { services } = claimed({ verdict: 'busy', untilMs: NOW + 1 });
    expect((await deliverOne(carried, services)).due_at).toBe('2026-01-15T12:00:05.000Z');
  });

  test.each(['delivered', 'dead', 'scheduled', 'parked', 'unwanted', 'cancelled'] as const)(
    '%s already, or carried by somebody else: it ends, and leaves no letter',
    async (state) => {
      const { services, requests } = claimed({ verdict: 'done', state });
      const result = await deliverOne(carried, services);
      expect(result).toMatchObject({ outcome: 'duplicate', attempt: 1, reason: `the ledger says: ${state}` });
      expect(result.redrive).toBeUndefined();
      expect(requests).toEqual([]);
    },
  );

  test('moved to an earlier time: it ends as cancelled, and writes nothing of what another generation carries', async () => {
    const moved = { ...own, latest_at: '2026-01-15T12:00:00.000Z', generation: 1 };
    const { services, ledger, requests } = withTimer(moved);
    expect(await deliverOne(timed, services)).toMatchObject({
      outcome: 'cancelled',
      reason: 'it was moved: generation 1 carries it',
    });
    expect([ledger.claims, ledger.settled, requests]).toEqual([[], [], []]);
    const carrying = withTimer(moved);
    expect((await deliverOne({ ...timed, generation: 1 }, carrying.services)).outcome).toBe('delivered');
  });

  test('sent already by an operator’s replay: it ends, and waits no longer', async () => {
    const { services, ledger } = withTimer(own, { verdict: 'done', state: 'delivered' });
    expect((await deliverOne(timed, services)).outcome).toBe('duplicate');
    const { due_at, ...awake } = own;
    expect(ledger.timersKept).toEqual([awake]);
  });

  test('carried on by another, as what was sent anew is: it ends, and that one still waits by the timer', async () => {
    for (const state of ['scheduled', 'parked'] as const) {
      const { services, ledger } = withTimer(own, { verdict: 'done', state });
      expect((await deliverOne(timed, services)).outcome).toBe('duplicate');
      expect(ledger.timersKept).toEqual([]);
    }
  });

  test('overtaken while it waited: nothing is sent, and the ledger says cancelled', async () => {
    const later = { ...own, webhook_id: 'wh_later', latest_at: '2026-01-15T12:00:00.000Z' };
    const { services, requests, ledger, counter } = withTimer(later);
    expect(await deliverOne(timed, services)).toMatchObject({ outcome: 'cancelled' });
    expect(requests).toEqual([]);
    expect(ledger.settled).toMatchObject([{ ending: { progress: { outcome: 'cancelled' } } }]);
    expect(counter.counts).toEqual({ [METRICS.timerCancelled]: 1 });
  });

  test('it asks by the token of its execution; one that an older version started has the plain one', async () => {
    const { services, ledger } = world();
    await deliverOne({ ...carried, token: 'g0-a1' }, services);
    await deliverOne(delivery(ENRICHED, { generation: 3 }), services);
    expect(ledger.claims.map((claim) => claim.delivery.token)).toEqual(['g0-a1', 'g3']);
  });

  test('its claim outlasts the slowest try that its integration may have', async () => {
    const { services, ledger } = world({ verdict: 'allow' }, book(integration({ timeout_seconds: 300 })));
    await deliverOne(carried, services);
    expect(ledger.claims[0]?.leaseMs).toBe(320_000);
  });

  test('what became of it is written before the workflow hears of it, with the try', async () => {
    const { services, ledger } = world();
    await deliverOne({ ...carried, token: 'g0-a1' }, services);
    expect(ledger.settled).toEqual([
      {
        webhookId: carried.webhook_id,
        ending: {
          progress: expect.objectContaining({ outcome: 'delivered', attempt: 2 }),
          attempt: { at: '2026-01-15T12:00:00.000Z', status: 200, duration_ms: 0 },
        },
      },
    ]);
  });

  test('what waits is written with the token of the execution that carries it', async () => {
    const { services, ledger } = world({ verdict: 'wait', atMs: NOW + 90_000, isReserved: true });
    await deliverOne({ ...carried, token: 'g0-a1' }, services);
    expect(ledger.settled).toMatchObject([{ ending: { token: 'g0-a1', progress: { outcome: 'retry' } } }]);
  });

  test('after its last sleep the ledger holds it; while the ledger cannot, it sleeps on', async () => {
    const paused = book(integration({ paused: true }));
    const last = delivery(ENRICHED, {}, { sleeps: 6 });
    const holding = world(undefined, paused);
    expect(await deliverOne(last, holding.services)).toMatchObject({ outcome: 'parked', parked_for: 'paused' });
    const endings: Ending[] = [];
    const down = world(undefined, paused, false, {
      settle: async (_, ending) => {
        endings.push(ending);
        return false;
      },
    });
    expect(await deliverOne(last, down.services)).toMatchObject({
      outcome: 'retry',
      sleeps: 6,
      due_at: '2026-01-15T12:32:00.000Z',
    });
    // What the ledger cannot hold, it is told of: it may be settled later.
    expect(endings).toMatchObject([
      { progress: { outcome: 'parked' } },
      { progress: { outcome: 'retry', sleeps: 6 }, token: 'g0' },
    ]);
  });
});
