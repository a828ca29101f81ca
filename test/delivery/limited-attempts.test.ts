import { setImmediate } from 'node:timers/promises';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { attemptWithinLimits, type LimitedAttemptsServices } from '../../lambdas/delivery/limited-attempts.ts';
import type { Delivery } from '../../lambdas/events/delivery.ts';
import type { LimiterDecision, LimiterResponse } from '../../lambdas/limiter/limiter.ts';
import { MAX_IN_FUNCTION_WAIT_MS } from '../../lambdas/limiter/limiter-settings.ts';
import { readRejection } from '../../lambdas/limiter/rejection.ts';
import type { Integration } from '../../lambdas/partners/integration.ts';
import type { SendResult } from '../../lambdas/partners/webhook-sender.ts';
import { METRICS } from '../../lambdas/shared/metric-definitions.ts';
import { delivery, ENRICHED, fakeCounter, fakeLog, fakeNotices, integration, NOW } from '../support/factories.ts';
import { allowed, failing, reportOf, reserved, unreserved } from '../support/limiter-decisions.ts';
import {
  failed,
  limiterReturning,
  openLimiter,
  responded,
  secret,
  secretSource,
  sendingServices,
} from '../support/sending.ts';

afterEach(() => {
  jest.useRealTimers();
});

const LIMITED = integration({ max_requests_per_minute: 60 });

interface Given extends Partial<LimitedAttemptsServices> {
  /** Of the partner. */
  readonly results?: readonly SendResult[];
  readonly response?: Partial<LimiterResponse>;
  readonly to?: Integration;
  readonly isShared?: boolean;
  readonly progress?: Partial<Delivery['progress']>;
}

/** Deliveries of one integration, one for each decision of its limiter, with a stopped clock. */
function begin(decisions: readonly LimiterDecision[], given: Given = {}) {
  const { results = [responded(200)], response, to = LIMITED, isShared = true, progress = {}, ...overrides } = given;
  const limiter = limiterReturning({ decisions, ...response });
  const sending = sendingServices(results);
  const pauses: [ms: number, sent: number][] = [];
  const services = {
    ...sending,
    ...{ limiter, log: fakeLog(), counter: fakeCounter(), random: () => 0.5 },
    pause: async (ms: number) => void pauses.push([ms, sending.requests.length]),
    ...overrides,
  };
  const ready = decisions.map((_, index) => ({
    delivery: delivery(ENRICHED, { event_id: `event-${index}` }, progress),
    enrichment: ENRICHED,
  }));
  const begun = attemptWithinLimits(to, ready, services, isShared);
  return { begun, limiter, pauses, requests: sending.requests };
}

/** Awaits all outcomes and errors. */
async function attempts(...given: Parameters<typeof begin>) {
  const { begun, ...seen } = begin(...given);
  const { outcomes, reported } = await begun;
  const settled = await Promise.allSettled(outcomes);
  await reported;
  return { ...seen, outcomes: settled.map((one) => (one.status === 'fulfilled' ? one.value : one.reason)) };
}

const THROTTLES = 'the partner throttles requests';
const delivered = { to: 'settle', result: { outcome: 'delivered' } };
const atOnce = (results: readonly SendResult[]) => results.map(() => allowed);

describe('an attempt that is allowed', () => {
  test('is made, and a healthy endpoint’s limiter gets no report: nothing has changed', async () => {
    const { outcomes, limiter, requests } = await attempts([allowed, allowed]);
    expect(outcomes).toMatchObject([delivered, delivered]);
    expect(requests).toHaveLength(2);
    expect(limiter.reports).toEqual([]);
  });

  test.each([
    ['a success is reported if the limiter needs it: after failures, or as a probe', responded(200), { passed: 1 }],
    ['a probe that never reached the endpoint is released', failed('FORBIDDEN_ADDRESS'), {}],
  ])('%s', async (_what, result, report) => {
    const { limiter } = await attempts([allowed], { results: [result], response: { wantsReport: true } });
    expect(limiter.reports).toEqual([reportOf(report)]);
  });

  test('failures, a Retry-After and 410 are always reported, once for all', async () => {
    const results = [responded(500, { retryAfter: '60' }), responded(410), failed('CERT_REVOKED')];
    const { limiter } = await attempts(atOnce(results), { results });
    expect(limiter.reports).toEqual([reportOf({ failed: 1, isGone: true, retryAfterMs: 60_000 })]);
  });

  test('a faulty certificate is reported as well, once for each connection', async () => {
    const [expired, incomplete] = [failed('CERT_HAS_EXPIRED'), failed('UNABLE_TO_VERIFY_LEAF_SIGNATURE')];
    const ofEndpoint = await attempts(atOnce([expired, expired, incomplete]), {
      results: [expired, expired, incomplete],
    });
    const certificate = { fault: 'certificate_incomplete', failures: 3 } as const;
    expect(ofEndpoint.limiter.reports).toEqual([reportOf({ failed: 3, certificate })]);

    const tokens = { token: async () => ({ kind: 'none', result: expired }) as const, drop: () => {} };
    const auth = { type: 'oauth2_client_credentials', token_url: 'https://token.example/' };
    const secretOf = () => secretSource(secret({ client_id: 'us', client_secret: 'hidden' }));
    const ofTokenServer = await attempts(atOnce([expired, expired]), { to: integration({ auth }), tokens, secretOf });
    const shared = { fault: 'certificate_expired', failures: 1 } as const;
    expect(ofTokenServer.limiter.reports).toEqual([reportOf({ failed: 2, certificate: shared })]);
  });

  test.each([true, false])('a report that parks the integration is logged and counted (new: %s)', async (isNew) => {
    const [log, counter] = [fakeLog(), fakeCounter()];
    const limiter = openLimiter({ report: async () => ({ reason: 'certificate_expired', isNew }) });
    const notices = fakeNotices();
    await attempts([allowed], { results: [failed('CERT_HAS_EXPIRED')], limiter, notices, log, counter });
    expect(notices.announced).toEqual(['acme parked certificate_expired']);
    const fields = { integration_id: 'acme', reason: 'certificate_expired', is_new: isNew };
    expect(log.only('integration.parked')).toEqual(fields);
    expect(counter.counts).toMatchObject({ [METRICS.integrationParked]: 1 });
  });

  test.each([
    [{ reason: 'gone', isNew: true }, ['acme parked endpoint_gone']],
    ['resumed', ['acme resumed endpoint_responded']],
    [undefined, []],
  ] as const)('the change that a report makes is announced: %j', async (change, announced) => {
    const notices = fakeNotices();
    const limiter = openLimiter({ report: async () => change });
    await attempts([allowed], { results: [responded(503)], limiter, notices });
    expect(notices.announced).toEqual(announced);
  });

  test('the average duration is reported, without attempts that never reached the endpoint', async () => {
    jest.useFakeTimers({ now: NOW });
    const results: [number, SendResult][] = [
      [1_000, responded(503)],
      [2_000, responded(200)],
      [9_000, failed('CERT_REVOKED')],
    ];
    const left = [...results];
    const send = () => {
      const [tookMs, result] = left.shift() as [number, SendResult];
      return new Promise<SendResult>((resolve) => setTimeout(resolve, tookMs, result));
    };
    const ended = attempts(atOnce(results.map(([, result]) => result)), { sender: { send }, now: Date.now });
    await jest.advanceTimersByTimeAsync(9_000);
    expect((await ended).limiter.reports).toEqual([
      reportOf({ passed: 1, failed: 1, tookMs: 1_500, sentAgoMs: 9_000 }),
    ]);
  });

  test('its duration is without the time that a secret takes', async () => {
    let nowMs = NOW;
    const { sender, secretOf } = sendingServices([responded(503)]);
    const delayed = <Result>(ms: number, result: Result) => {
      nowMs += ms;
      return result;
    };
    const { limiter } = await attempts([allowed], {
      now: () => nowMs,
      secretOf: (id) => delayed(9_000, secretOf(id)),
      sender: { send: (request) => delayed(20, sender.send(request)) },
    });
    expect(limiter.reports).toEqual([reportOf({ failed: 1, tookMs: 20, sentAgoMs: 9_020 })]);
  });

  test('is reported when it has ended, although another one threw meanwhile', async () => {
    const answer = Promise.withResolvers<SendResult>();
    const bug = new TypeError('a bug');
    let isBroken = true;
    const { begun, limiter } = begin([allowed, unreserved(NOW + 60_000)], {
      sender: { send: () => answer.promise },
      random() {
        if (isBroken) throw bug;
        return 0.5;
      },
    });
    const { outcomes, reported } = await begun;
    await setImmediate();
    isBroken = false;
    answer.resolve(failed('TIMEOUT'));
    await reported;
    expect(limiter.reports).toMatchObject([{ failed: 1 }]);
    await expect(outcomes[1]).rejects.toBe(bug);
  });
});

test.each([
  ['failing', 'integration acme is failing'],
  ['gone', 'integration acme is gone'],
  ['certificate_expired', 'the certificate of integration acme has expired'],
  ['certificate_incomplete', 'the certificate of integration acme is incomplete'],
] as const)('a delivery that is rejected as %s has the reason, which commands read', async (reason, why) => {
  const { outcomes } = await attempts([{ verdict: 'reject', reason }]);
  expect(outcomes).toMatchObject([{ result: { parked_for: reason, reason: `parked: ${why}` } }]);
  expect(readRejection('acme', `parked: ${why}`)).toBe(reason);
});

test('a delivery that is rejected is parked, and reports nothing: another one has the probe', async () => {
  const { outcomes, limiter, requests } = await attempts([failing], { response: { isSlow: true, wantsReport: true } });
  expect(outcomes).toMatchObject([{ to: 'settle', result: { outcome: 'retry', parked_for: 'failing' } }]);
  expect([limiter.reports, requests]).toEqual([[], []]);
});

describe('a delivery that must wait', () => {
  test.each([
    ['a slot', reserved(NOW + 150), 0.5, 150],
    // The limiter expects it to be sent without asking again: it may be the probe.
    ['a time of all', unreserved(NOW + MAX_IN_FUNCTION_WAIT_MS), 0.999, MAX_IN_FUNCTION_WAIT_MS],
  ])('for less than SQS can delay waits here for %s, and is sent then', async (_what, decision, random, pauseMs) => {
    const { pauses, requests } = await attempts([decision], { random: () => random });
    expect(pauses).toEqual([[pauseMs, 0]]);
    expect(requests).toHaveLength(1);
  });

  const atMs = NOW + 100_000;
  const slot = { reserved_for: new Date(atMs).toISOString() };

  test.each([
    ['its slot', reserved(atMs), {}, 0.5, { atMs, slot, reason: 'over the rate limit' }],
    ['its slot', reserved(atMs), { isSlow: true }, 0.5, { atMs, slot, reason: 'the endpoint is slow' }],
    [
      'its position, since when it is throttled',
      { ...unreserved(atMs), position: 7 },
      {},
      0.5,
      { atMs, slot: { queue_position: 7, throttled_since: new Date(NOW).toISOString() }, reason: THROTTLES },
    ],
    // With up to 10% jitter.
    ['no slot', unreserved(atMs), {}, 0, { atMs, reason: 'the partner asked for a pause' }],
    ['no slot', unreserved(atMs), {}, 0.999, { atMs: atMs + 9_990, reason: 'the partner asked for a pause' }],
  ])('for longer is not attempted, and keeps %s', async (_what, decision, response, random, outcome) => {
    const { outcomes, requests } = await attempts([decision], { response, random: () => random });
    expect(outcomes).toEqual([{ to: 'wait', slot: {}, ...outcome }]);
    expect(requests).toEqual([]);
  });
});

test.each([LIMITED, integration()])(
  'a slow endpoint is not attempted if other deliveries wait; the slot is kept',
  async (to) => {
    const { outcomes, requests } = await attempts([allowed], { response: { isSlow: true }, to });
    expect(outcomes).toEqual([{ to: 'workflow', slot: { reserved_for: new Date(NOW).toISOString() } }]);
    expect(requests).toEqual([]);
  },
);

test.each([true, false])(
  'asks with its reservation, and probes only if no other delivery waits (%s)',
  async (isShared) => {
    const asked: unknown[] = [];
    const limiter = openLimiter({
      async acquire(_integration, requests, options) {
        asked.push(requests, options);
        return { decisions: [allowed], isSlow: false, wantsReport: false };
      },
    });
    const progress = { reserved_for: new Date(NOW).toISOString(), queue_position: 7 };
    const { requests } = await attempts([allowed], { limiter, isShared, progress });
    expect(asked).toEqual([[{ reservedForMs: NOW, position: 7 }], { mayProbe: !isShared }]);
    expect(requests).toHaveLength(1);
  },
);

describe('an attempt that the partner throttles', () => {
  const position = 8;
  const atMs = NOW + 90_000;
  const throttled_since = new Date(NOW).toISOString();

  /** A limiter that allows all attempts at first, and gives those that ask again a position. */
  function throttlingLimiter(decisions: readonly LimiterDecision[]) {
    const asked: unknown[] = [];
    const limiter = openLimiter({
      async acquire(_integration, requests) {
        asked.push(requests);
        const later = requests.map(() => ({ ...unreserved(atMs), position }));
        return { decisions: asked.length === 1 ? decisions : later, isSlow: false, wantsReport: false };
      },
    });
    return { limiter, asked };
  }

  test('is reported before the batch ends, with those that passed, and gets a slot at the adapted pace', async () => {
    const hanging = Promise.withResolvers<SendResult>();
    const results = [responded(200), responded(429, { retryAfter: '60' })];
    let sent = 0;
    const { limiter, asked } = throttlingLimiter([allowed, allowed, allowed]);
    const send = async () => results[sent++] ?? hanging.promise;
    const { begun } = begin([allowed, allowed, allowed], { limiter, sender: { send } });
    const { outcomes, reported } = await begun;
    expect(await outcomes[1]).toMatchObject({
      ...{ to: 'wait', atMs, reason: 'HTTP 429', attempted: { attempt: { status: 429 } } },
      slot: { queue_position: position, throttled_since },
    });
    expect(limiter.reports).toEqual([reportOf({ passed: 1, throttled: 1, retryAfterMs: 60_000 })]);
    hanging.resolve(failed('TIMEOUT'));
    await reported;
    expect(limiter.reports.slice(1)).toMatchObject([{ passed: 0, failed: 1, throttled: 0 }]);
    expect(asked.slice(1)).toEqual([[{}]]);
  });

  test('does not wait for the announcement of what its report changed, which later ones follow', async () => {
    const { limiter } = throttlingLimiter([allowed, allowed]);
    const changes = ['resumed', { reason: 'gone', isNew: true }] as const;
    let reports = 0;
    const report = async () => changes[reports++];
    const written = Promise.withResolvers<void>();
    const announced: string[] = [];
    const notices = {
      resumed: () => written.promise.then(() => void announced.push('resumed')),
      parked: async () => void announced.push('parked'),
    };
    const results = [responded(429), responded(410)];
    const { begun } = begin([allowed, allowed], { limiter: { ...limiter, report }, notices, results });
    const { outcomes, reported } = await begun;
    expect(await outcomes[0]).toMatchObject({ to: 'wait' });
    await setImmediate();
    expect(announced).toEqual([]);
    written.resolve();
    await reported;
    expect(announced).toEqual(['resumed', 'parked']);
  });

  test('keeps those of its batch from being sent that still wait in the function', async () => {
    const { limiter, asked } = throttlingLimiter([allowed, { ...reserved(NOW + 500), position: 7 }]);
    const released = Promise.withResolvers<void>();
    const results = [responded(429, { retryAfter: '60' })];
    const { begun, requests } = begin([allowed, allowed], { limiter, results, pause: () => released.promise });
    const { outcomes } = await begun;
    await outcomes[0];
    released.resolve();
    expect(await outcomes[1]).toEqual({
      ...{ to: 'wait', atMs, reason: THROTTLES },
      slot: { queue_position: position, throttled_since },
    });
    expect(requests).toHaveLength(1);
    expect(asked.at(-1)).toEqual([{ reservedForMs: NOW + 500, position: 7 }]);
  });

  test('is dead after 72 hours, and so is a delivery that waited for its turn as long', async () => {
    const progress = { throttled_since: new Date(NOW - 72 * 3_600_000 - 1).toISOString() };
    const decisions = [allowed, { ...unreserved(atMs), position: 7 }];
    const { outcomes } = await attempts(decisions, { results: [responded(429)], progress });
    const dead = (why: string) => ({
      outcome: 'dead',
      reason: `throttled by the partner for 72 hours, at last: ${why}`,
    });
    expect(outcomes).toMatchObject([
      { to: 'settle', result: dead('HTTP 429'), attempted: { attempt: { status: 429 } } },
      { to: 'settle', result: dead(THROTTLES) },
    ]);
  });
});
