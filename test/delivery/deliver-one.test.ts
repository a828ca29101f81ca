import { describe, expect, test } from '@jest/globals';
import { type DeliverOneServices, deliverOne } from '../../lambdas/delivery/deliver-one.ts';
import type { Delivery } from '../../lambdas/events/delivery.ts';
import type { Claim, Ledger, Settlement } from '../../lambdas/ledger/ports.ts';
import type { Timer } from '../../lambdas/ledger/timer.ts';
import { timerOf } from '../../lambdas/ledger/timer-rules.ts';
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
import { brokenSource, limiterReturning, responded, SECRETS_DOWN, sendingServices } from '../support/sending.ts';

interface Given extends Partial<Omit<DeliverOneServices, 'limiter' | 'ledger'>> {
  readonly known?: ReturnType<typeof registry>;
  readonly limiter?: Partial<LimiterResponse>;
  readonly ledger?: Partial<Ledger>;
}

/** Makes one step, by default with services that allow everything. */
async function step(
  delivery: Delivery,
  { known = registry(integration()), limiter, ledger: overrides, ...more }: Given = {},
) {
  const [counter, ledger, sending] = [fakeCounter(), openLedger(overrides), sendingServices([responded(200)])];
  const fakes = { ledger, limiter: limiterReturning(limiter ?? {}), log: fakeLog(), counter, random: () => 0.5 };
  const services = { ...sending, ...fakes, integrations: { read: async () => known }, ...more };
  const result = await deliverOne(delivery, services);
  return { result, counter, requests: sending.requests, ledger };
}

const claiming = (claim: Claim): Given => ({ ledger: { claim: async () => claim } });

const due_at = '2026-01-15T12:00:00.000Z';
const carried = { ...delivery(ENRICHED, {}, { attempt: 1, due_at }), token: 'g0-a1' };

describe('a step of the workflow', () => {
  test('is an attempt, even at a slow endpoint, and is recorded before the workflow continues', async () => {
    const { result, requests, ledger } = await step(carried, { limiter: { isSlow: true } });
    expect(result).toMatchObject({ outcome: 'delivered', attempt: 2 });
    expect(requests).toHaveLength(1);
    const progress = expect.objectContaining({ outcome: 'delivered', attempt: 2 });
    const settlement = { progress, attempt: { at: due_at, status: 200, duration_ms: 0 } };
    expect(ledger.settled).toEqual([{ webhookId: carried.webhook_id, settlement }]);
  });

  test('waits for its slot without an attempt', async () => {
    const { result, counter, ledger } = await step(carried, { limiter: { decisions: [reserved(NOW + 90_000)] } });
    const due = '2026-01-15T12:01:30.000Z';
    const outcome = { outcome: 'retry', reason: 'over the rate limit', waits: 1 };
    expect(result).toEqual({ enrichment: ENRICHED, attempt: 1, due_at: due, reserved_for: due, ...outcome });
    expect(counter.counts).toEqual({ [METRICS.deliveryDeferred]: 1 });
    expect(ledger.settled).toMatchObject([{ settlement: { token: 'g0-a1', progress: { outcome: 'retry' } } }]);
  });

  test('waits at its position after a 429, which spends no attempt and is in the ledger', async () => {
    const { result, ledger } = await step(carried, {
      ...sendingServices([responded(429)]),
      limiter: { decisions: [{ verdict: 'allow', position: 7 }] },
    });
    expect(result).toMatchObject({ outcome: 'retry', attempt: 1, waits: 1, queue_position: 7, reason: 'HTTP 429' });
    expect(ledger.settled).toMatchObject([{ settlement: { attempt: { status: 429 }, token: 'g0-a1' } }]);
  });

  test('has no reservation while it waits for the end of a Retry-After', async () => {
    const { result } = await step(carried, { limiter: { decisions: [unreserved(NOW + 90_000)] } });
    expect(Date.parse(result.due_at ?? '')).toBeGreaterThanOrEqual(NOW + 90_000);
    expect(result.reserved_for).toBeUndefined();
  });

  test('throws our own faults: the workflow retries it, and no attempt is spent', async () => {
    await expect(step(delivery(PENDING))).rejects.toThrow(InputInvalid);
    await expect(step(delivery(), { secretOf: () => brokenSource(SECRETS_DOWN) })).rejects.toBe(SECRETS_DOWN);
  });

  test.each([
    ['its input', carried, 'g0-a1'],
    ['its generation, if an older version started it', delivery(ENRICHED, { generation: 3 }), 'g3'],
  ])('claims by the token of %s, for longer than the slowest attempt', async (_what, given, token) => {
    const { ledger } = await step(given, { known: registry(integration({ timeout_seconds: 300 })) });
    expect(ledger.claims).toMatchObject([{ delivery: { token }, leaseMs: 320_000 }]);
  });
});

describe('a step, by its record in the ledger', () => {
  test('dead by this execution: its dead-letter message is still to be sent, in the next generation', async () => {
    const dead = { ...newRecord(carried, NOW), generation: 3, attempt: 2, reason: 'HTTP 404', token: 'g0' };
    const deadRecord = { ...dead, state: 'dead', version: 4 } as const;
    const { result, requests } = await step(carried, claiming({ verdict: 'done', state: 'dead', deadRecord }));
    const redrive = { generation: 4, progress: { attempt: 0, due_at: null } };
    expect(result).toMatchObject({ outcome: 'dead', attempt: 2, reason: 'HTTP 404', redrive });
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

  test.each(['delivered', 'dead'] as const)(
    '%s already, or carried by another: it ends without a dead-letter message',
    async (state) => {
      const { result, requests } = await step(carried, claiming({ verdict: 'done', state }));
      expect(result).toMatchObject({ outcome: 'duplicate', attempt: 1, reason: `the ledger says: ${state}` });
      expect([result.redrive, requests]).toEqual([undefined, []]);
    },
  );

  test('after its last wait it is parked in the ledger; if that fails, it keeps waiting', async () => {
    const known = registry(integration({ paused: true }));
    const last = delivery(ENRICHED, {}, { park_count: 6 });
    expect((await step(last, { known })).result).toMatchObject({ outcome: 'parked', parked_for: 'paused' });
    const settlements: Settlement[] = [];
    const settle: Ledger['settle'] = async (_, settlement) => {
      settlements.push(settlement);
      return false;
    };
    const { result } = await step(last, { known, ledger: { settle } });
    expect(result).toMatchObject({ outcome: 'retry', park_count: 6, due_at: '2026-01-15T12:32:00.000Z' });
    // The parked outcome is sent to the ledger too: it may be settled later.
    const retry = { progress: { outcome: 'retry', park_count: 6 }, token: 'g0' };
    expect(settlements).toMatchObject([{ progress: { outcome: 'parked' } }, retry]);
  });
});

describe('a step of a scheduled delivery, by its timer', () => {
  const lead = { event_type: 'lead', kind: 'lead.calculated', user_id: '7' } as const;
  const timed = delivery(NOT_ENRICHED, { ...lead, send_at: due_at }, { due_at, timed: true });
  const own = timerOf(timed, NOW) as Timer;
  const withTimer = (timer: Timer, more: Partial<Ledger> = {}): Given => ({
    ledger: { timers: async () => new Map([[own.key, timer]]), ...more },
  });

  test('moved to an earlier time: it is cancelled, and does not change the next generation’s record', async () => {
    const moved = withTimer({ ...own, latest_at: due_at, generation: 1 });
    const { result, ledger, requests } = await step(timed, moved);
    expect(result).toMatchObject({ outcome: 'cancelled', reason: 'it was moved: generation 1 carries it' });
    expect([ledger.claims, ledger.settled, requests]).toEqual([[], [], []]);
    expect((await step({ ...timed, generation: 1 }, moved)).result.outcome).toBe('delivered');
  });

  test.each([
    ['delivered', 'after an operator’s replay: it is no longer scheduled', [{ ...own, due_at: undefined }]],
    ['scheduled', 'and carried by another, which needs the timer', []],
    ['parked', 'and carried by another, which needs the timer', []],
  ] as const)('its own, of a delivery that is %s, %s', async (state, _what, kept) => {
    const claim = async (): Promise<Claim> => ({ verdict: 'done', state });
    const { result, ledger } = await step(timed, withTimer(own, { claim }));
    expect(result.outcome).toBe('duplicate');
    expect(ledger.timersKept).toEqual(kept);
  });

  test('superseded: nothing is sent, and it is recorded as cancelled', async () => {
    const later = { ...own, webhook_id: 'wh_later', latest_at: due_at };
    const { result, requests, ledger, counter } = await step(timed, withTimer(later));
    expect([result.outcome, requests]).toEqual(['cancelled', []]);
    expect(ledger.settled).toMatchObject([{ settlement: { progress: { outcome: 'cancelled' } } }]);
    expect(counter.counts).toEqual({ [METRICS.timerCancelled]: 1 });
  });
});
