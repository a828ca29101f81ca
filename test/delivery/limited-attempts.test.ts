import { setImmediate } from 'node:timers/promises';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import type { SendResult } from '../../lambdas/contract/delivery-ports.ts';
import type { LimiterDecision, LimiterReport, LimiterResponse } from '../../lambdas/contract/limiter.ts';
import { attemptWithinLimits } from '../../lambdas/delivery/limited-attempts.ts';
import { MAX_IN_FUNCTION_WAIT_MS } from '../../lambdas/domain/limiter-settings.ts';
import { delivery, ENRICHED, fakeCounter, fakeLog, integration, NOW } from '../support/factories.ts';
import {
  answered,
  failed,
  limiterThatSays,
  openLimiter,
  secret,
  secretSource,
  sendingServices,
} from '../support/sending.ts';

afterEach(() => {
  jest.useRealTimers();
});

const LIMITED = integration({ max_requests_per_minute: 60 });

/** Deliveries of one integration, whose partner answers with `results`, at a limiter that says `decisions`. */
function world(
  decisions: readonly LimiterDecision[],
  results: readonly SendResult[] = [answered(200)],
  more: Partial<LimiterResponse> = {},
) {
  const limiter = limiterThatSays({ decisions, ...more });
  const sending = sendingServices(results, { now: Date.now });
  const services = { ...sending, limiter, log: fakeLog(), counter: fakeCounter(), random: () => 0.5 };
  const ready = decisions.map((_, index) => ({
    delivery: delivery(ENRICHED, { event_id: `event-${index}` }),
    enrichment: ENRICHED,
  }));
  return { limiter, services, ready, requests: sending.requests };
}

const OAUTH = { type: 'oauth2_client_credentials', token_url: 'https://partner.example/token', scope: 'api' } as const;
const withClient = () => secretSource(secret({ client_id: 'id', client_secret: 'secret' }));
const NO_TOKEN = { kind: 'none', result: answered(429, { retryAfter: '7' }) } as const;

/** What a limiter is told. */
const told = (about: Partial<LimiterReport>) => ({
  ...{ passed: 0, failed: 0, isGone: false, isThrottled: false, retryAfterMs: 0, tookMs: expect.any(Number) },
  ...about,
});

/** Awaits all that comes of it: what became of each, or what was thrown. */
async function through(...given: Parameters<typeof attemptWithinLimits>): Promise<unknown[]> {
  const { outcomes, reported } = await attemptWithinLimits(...given);
  const settled = await Promise.allSettled(outcomes);
  await reported;
  return settled.map((passage) => (passage.status === 'fulfilled' ? passage.value : passage.reason));
}

describe('what may go out now', () => {
  test('is tried, and a healthy endpoint’s limiter is told nothing: nothing has changed', async () => {
    const { limiter, services, ready, requests } = world([{ verdict: 'allow' }, { verdict: 'allow' }]);
    const outcomes = await through(LIMITED, ready, services, true);
    expect(outcomes).toMatchObject([{ to: 'settle', result: { outcome: 'delivered' } }, { to: 'settle' }]);
    expect(requests).toHaveLength(2);
    expect(limiter.reports).toEqual([]);
  });

  test.each([
    ['a success is told where it is wanted: after failures, or as a probe', answered(200), { passed: 1 }],
    ['a probe that never reached the endpoint is given back', failed('FORBIDDEN_ADDRESS'), { tookMs: 0 }],
  ])('%s', async (_what, result, report) => {
    const { limiter, services, ready } = world([{ verdict: 'allow' }], [result], { wantsReport: true });
    await through(LIMITED, ready, services, false);
    expect(limiter.reports).toEqual([told(report)]);
  });

  test('what was parked tells nothing: the probe is somebody else’s', async () => {
    const parked: LimiterDecision = { verdict: 'reject', reason: 'failing' };
    const { limiter, services, ready } = world([parked], [], { isSlow: true, wantsReport: true });
    await through(LIMITED, ready, services, true);
    expect(limiter.reports).toEqual([]);
  });

  test('failures, a pause asked for, and 410 are always told, once for all', async () => {
    const results = [answered(503), answered(429, { retryAfter: '60' }), answered(410), failed('CERT_HAS_EXPIRED')];
    const { limiter, services, ready } = world(
      results.map(() => ({ verdict: 'allow' })),
      results,
    );
    await through(LIMITED, ready, services, true);
    expect(limiter.reports).toEqual([told({ failed: 1, isGone: true, isThrottled: true, retryAfterMs: 60_000 })]);
  });

  test('a refusal as too many is told and is no failure', async () => {
    for (const [result, retryAfterMs] of [
      [answered(429, { retryAfter: '7' }), 7_000],
      [answered(429), 5_000],
      [answered(503, { retryAfter: '7' }), 7_000],
    ] as const) {
      const { limiter, services, ready } = world([{ verdict: 'allow' }], [result]);
      await through(LIMITED, ready, services, true);
      expect(limiter.reports).toEqual([told({ isThrottled: true, retryAfterMs })]);
    }
  });

  test('a token server’s pause holds the integration and says nothing of the endpoint', async () => {
    const { limiter, services } = world([{ verdict: 'allow' }]);
    const tokens = { ...services.tokens, token: async () => NO_TOKEN };
    const to = integration({ auth: OAUTH });
    await through(
      to,
      [{ delivery: delivery(), enrichment: ENRICHED }],
      { ...services, tokens, secretOf: withClient },
      true,
    );
    expect(limiter.reports).toEqual([told({ retryAfterMs: 7_000, tookMs: 0 })]);
  });

  test('how long they took is told on average, without those that say nothing of the endpoint', async () => {
    jest.useFakeTimers({ now: NOW });
    const results: [number, SendResult][] = [
      [1_000, answered(503)],
      [2_000, answered(200)],
      [9_000, failed('CERT_HAS_EXPIRED')],
    ];
    const { limiter, services, ready } = world(results.map(() => ({ verdict: 'allow' })));
    const left = [...results];
    const sender = {
      send: () => {
        const [tookMs, result] = left.shift() as [number, SendResult];
        return new Promise<SendResult>((resolve) => setTimeout(() => resolve(result), tookMs));
      },
    };
    const ended = through(LIMITED, ready, { ...services, sender }, true);
    await jest.advanceTimersByTimeAsync(9_000);
    await ended;
    expect(limiter.reports).toEqual([told({ passed: 1, failed: 1, tookMs: 1_500 })]);
  });

  test('the time that a secret takes is not the endpoint’s', async () => {
    const { limiter, services, ready } = world([{ verdict: 'allow' }], [answered(503)]);
    let nowMs = NOW;
    const { secretOf, sender } = services;
    const slow: typeof secretOf = (id) => {
      nowMs += 9_000;
      return secretOf(id);
    };
    const quick: typeof sender = {
      async send(request) {
        nowMs += 20;
        return sender.send(request);
      },
    };
    await through(LIMITED, ready, { ...services, secretOf: slow, sender: quick, now: () => nowMs }, true);
    expect(limiter.reports).toMatchObject([{ failed: 1, tookMs: 20 }]);
  });
});

describe('a try that takes long', () => {
  /** One that hangs until `answer`, and one that must wait for its turn. */
  function hangingBesideWaiting({ isReserved = true } = {}) {
    const answer = Promise.withResolvers<SendResult>();
    const given = world([{ verdict: 'allow' }, { verdict: 'wait', atMs: Date.now() + 60_000, isReserved }]);
    const services = { ...given.services, sender: { send: () => answer.promise } };
    return { ...given, services, answer };
  }

  test('is told when it has ended, though another one threw before anybody looked', async () => {
    const { limiter, services, ready, answer } = hangingBesideWaiting({ isReserved: false });
    const bug = new TypeError('a bug');
    let isBroken = true;
    const random = () => {
      if (isBroken) throw bug;
      return 0.5;
    };
    const { outcomes, reported } = await attemptWithinLimits(LIMITED, ready, { ...services, random }, true);
    await setImmediate();
    isBroken = false;
    answer.resolve(failed('TIMEOUT'));
    await reported;
    expect(limiter.reports).toMatchObject([{ failed: 1 }]);
    await expect(outcomes[1]).rejects.toBe(bug);
  });
});

describe('what must wait', () => {
  test('for less than SQS can delay waits here, and goes out at its moment', async () => {
    const { services, ready, requests } = world([{ verdict: 'wait', atMs: NOW + 150, isReserved: true }]);
    const pauses: [ms: number, sent: number][] = [];
    const pause = async (ms: number) => void pauses.push([ms, requests.length]);
    await through(LIMITED, ready, { ...services, now: () => NOW, pause }, true);
    expect(pauses).toEqual([[150, 0]]);
    expect(requests).toHaveLength(1);
  });

  test('for longer is not tried: with the moment that is its own, where it has one', async () => {
    const atMs = Date.now() + MAX_IN_FUNCTION_WAIT_MS + 5000;
    const { services, ready, requests } = world([
      { verdict: 'wait', atMs, isReserved: true },
      { verdict: 'wait', atMs, isReserved: false },
    ]);
    expect(await through(LIMITED, ready, services, true)).toEqual([
      { to: 'wait', atMs, reservedForMs: atMs, reason: 'over the rate limit' },
      {
        to: 'wait',
        atMs: expect.any(Number),
        reservedForMs: undefined,
        reason: 'the partner asked for a pause',
      },
    ]);
    expect(requests).toEqual([]);
  });

  test('for a moment that is nobody’s own comes up to a tenth of the wait later: not all at once', async () => {
    const nowMs = Date.now();
    const atMs = nowMs + 100_000;
    for (const [random, lateMs] of [
      [0, 0],
      [0.999, 9990],
    ] as const) {
      const { services, ready } = world([{ verdict: 'wait', atMs, isReserved: false }]);
      const still = { ...services, now: () => nowMs, random: () => random };
      const [passage] = await through(LIMITED, ready, still, true);
      expect(passage).toMatchObject({ to: 'wait', atMs: atMs + lateMs });
    }
  });
});

test('what the limiter expects to go out after a pause goes out: it may be the probe', async () => {
  const { services, ready, requests } = world([
    { verdict: 'wait', atMs: NOW + MAX_IN_FUNCTION_WAIT_MS, isReserved: false },
  ]);
  const pause = jest.fn(async (_ms: number) => {});
  await through(LIMITED, ready, { ...services, now: () => NOW, random: () => 0.999, pause }, false);
  expect(pause).toHaveBeenCalledWith(MAX_IN_FUNCTION_WAIT_MS);
  expect(requests).toHaveLength(1);
});

describe('a slow endpoint', () => {
  const slow = () => world([{ verdict: 'allow' }], [answered(200)], { isSlow: true });

  test('is not tried where others wait; its moment goes along', async () => {
    const { services, ready, requests } = slow();
    const [passage] = await through(LIMITED, ready, services, true);
    expect(passage).toEqual({ to: 'workflow', reservedForMs: expect.any(Number) });
    const [unlimited] = await through(integration(), ready, services, true);
    expect(unlimited).toEqual({ to: 'workflow', reservedForMs: expect.any(Number) });
    expect(requests).toEqual([]);
  });
});

test('a failing endpoint is probed only where nobody else waits', async () => {
  const asked: boolean[] = [];
  const { services, ready } = world([{ verdict: 'allow' }]);
  const limiter = openLimiter({
    async acquire(_integration, _tickets, { mayProbe }) {
      asked.push(mayProbe);
      return { decisions: [{ verdict: 'allow' }], isSlow: false, wantsReport: false };
    },
  });
  await through(LIMITED, ready, { ...services, limiter }, true);
  await through(LIMITED, ready, { ...services, limiter }, false);
  expect(asked).toEqual([false, true]);
});
