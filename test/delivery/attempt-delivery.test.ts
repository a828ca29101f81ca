import { describe, expect, test } from '@jest/globals';
import { attemptDelivery } from '../../lambdas/delivery/attempt-delivery.ts';
import { deliverySchema, type SettledEnrichment } from '../../lambdas/events/delivery.ts';
import { kindNamed } from '../../lambdas/events/event-types/event-types.ts';
import type { SendResult } from '../../lambdas/partners/webhook-sender.ts';
import { METRICS } from '../../lambdas/shared/metric-definitions.ts';
import {
  delivery,
  ENRICHED,
  fakeCounter,
  fakeLog,
  integration,
  LEARNER_DATA,
  NOT_ENRICHED,
  NOW,
} from '../support/factories.ts';
import { answered, failed, secret, secretSource, sendingServices } from '../support/sending.ts';

/** Makes one attempt at a partner that returns `result`. */
async function attempt(
  result: SendResult,
  {
    given = delivery(),
    to = integration(),
    enrichment = ENRICHED as SettledEnrichment,
    durationMs = 0,
    notAfterMs = undefined as number | undefined,
    more = {},
  } = {},
) {
  const log = fakeLog();
  const counter = fakeCounter();
  let now = NOW;
  const sending = sendingServices([result], { now: () => now, ...more });
  const { sender } = sending;
  const services = {
    ...sending,
    sender: {
      async send(request: Parameters<typeof sender.send>[0]) {
        now += durationMs;
        return sender.send(request);
      },
    },
    log,
    counter,
    random: () => 0.5,
  };
  const attempted = await attemptDelivery({ delivery: given, enrichment, notAfterMs }, to, services);
  return { attempted, outcome: attempted.result, requests: sending.requests, log, counter };
}

describe('an attempt', () => {
  test('is one request to the integration’s address, with the webhook’s id', async () => {
    const given = delivery();
    const { requests } = await attempt(answered(200), { given });
    expect(requests).toMatchObject([
      { url: 'https://partner.example/hooks', headers: { 'webhook-id': given.webhook_id }, timeoutMs: 5_000 },
    ]);
  });

  test('ends with its lease, because another function may send it then', async () => {
    const { requests } = await attempt(answered(200), { notAfterMs: NOW + 2_000 });
    expect(requests).toMatchObject([{ timeoutMs: 2_000 }]);
    const late = await attempt(answered(200), { notAfterMs: NOW - 1 });
    expect(late.requests).toMatchObject([{ timeoutMs: 1 }]);
  });

  test('is recorded with time, duration and response; a refusal also with the start of its body', async () => {
    const good = await attempt(answered(200, { responseStart: 'thank you' }), { durationMs: 42 });
    expect(good.attempted.attempt).toEqual({ at: '2026-01-15T12:00:00.000Z', status: 200, duration_ms: 42 });
    expect(good.attempted.responseStart).toBeUndefined();
    const response = { responseStart: 'no such course', contentType: 'Text/Plain; charset=utf-8', bodyBytes: 14 };
    const refused = await attempt(answered(400, response));
    expect(refused.attempted).toMatchObject({
      attempt: { status: 400, error: 'HTTP 400', content_type: 'text/plain', body_bytes: 14 },
      responseStart: 'no such course',
    });
    const silent = await attempt({ kind: 'failed', code: 'TIMEOUT' });
    expect(silent.attempted.attempt).toEqual({
      at: '2026-01-15T12:00:00.000Z',
      duration_ms: 0,
      error: 'no response: TIMEOUT',
    });
  });

  test('has a longer timeout each time, up to the integration’s own', async () => {
    const timeouts: (number | undefined)[] = [];
    for (const attempts of [0, 1, 2, 3, 9, 30]) {
      const given = delivery(ENRICHED, {}, { attempt: attempts });
      const { requests } = await attempt(answered(503), { given, to: integration({ timeout_seconds: 30 }) });
      timeouts.push(requests[0]?.timeoutMs);
    }
    expect(timeouts).toEqual([10_000, 20_000, 30_000, 30_000, 30_000, 30_000]);
  });

  test('sends the payload with learning time, every number as the LMS wrote it', async () => {
    const given = delivery(ENRICHED, { payload: '{"grade":1.0,"id":12345678901234567890}' });
    const { requests } = await attempt(answered(200), { given });
    expect(requests[0]?.body).toBe(
      '{"grade":1.0,"id":12345678901234567890,"learning_time":' +
        '{"total_seconds":18540,"total_hours":5.15,"last_updated":"2026-01-10T00:00:00Z"}}',
    );
  });
});

describe('the outcome of a delivery', () => {
  const fallback = { status: 'not_enriched', reason: 'warehouse_unavailable' } as const;

  test.each<[string, SettledEnrichment, readonly string[]]>([
    ['with learning time', ENRICHED, [METRICS.deliveredWithLearningTime]],
    ['without it', NOT_ENRICHED, [METRICS.deliveredWithoutLearningTime]],
    ['as a fallback', fallback, [METRICS.deliveredWithoutLearningTime, METRICS.enrichmentFallback]],
  ])('delivered, by 2xx, %s', async (_what, enrichment, counted) => {
    const { outcome, counter, attempted } = await attempt(answered(204), { given: delivery(enrichment), enrichment });
    expect(outcome).toEqual({ enrichment, attempt: 1, due_at: null, outcome: 'delivered', reason: 'HTTP 204' });
    expect(counter.counts).toEqual(Object.fromEntries(counted.map((name) => [name, 1])));
    expect(attempted).toMatchObject({ endpoint: 'alive', retryAfterMs: 0 });
    const { counter: refused } = await attempt(answered(400), { given: delivery(enrichment), enrichment });
    expect(refused.counts).toEqual({ [METRICS.deliveryDead]: 1 });
  });

  test('is counted for its integration and its kind', async () => {
    const tried = async (result: SendResult, given = delivery()) =>
      (await attempt(result, { given, to: integration({ max_retries: 1 }) })).counter.counted;
    const hot = { event_type: 'lead', kind: 'lead.hot' } as const;
    const by = { integration: delivery().integration_id };
    const success = (kind: string) => [
      [METRICS.deliverySuccess, by],
      [METRICS.kindSuccess, { kind }],
    ];
    const failure = (kind: string) => [
      [METRICS.deliveryFailure, by],
      [METRICS.kindFailure, { kind }],
    ];
    expect(await tried(answered(200))).toEqual(success('course_completion'));
    expect(await tried(answered(200), delivery(NOT_ENRICHED, hot))).toEqual(success('lead.hot'));
    for (const result of [answered(503), answered(400), answered(410), failed('TIMEOUT')]) {
      expect(await tried(result)).toEqual(failure('course_completion'));
      expect(await tried(result, delivery(NOT_ENRICHED, hot))).toEqual(failure('lead.hot'));
    }
    const last = delivery(ENRICHED, {}, { attempt: 1 });
    expect(await tried(answered(503), last)).toEqual(failure('course_completion'));
  });

  test('is counted as critical if it is dead and of a critical kind', async () => {
    const critical = async (result: SendResult, kind: string, attempts = 0) => {
      const given = delivery(NOT_ENRICHED, { event_type: 'lead', kind }, { attempt: attempts });
      const { counter } = await attempt(result, { given, enrichment: NOT_ENRICHED });
      return counter.counts[METRICS.criticalDead];
    };
    expect(await critical(answered(400), 'lead.hot')).toBe(1);
    expect(await critical(answered(400), 'lead.cold')).toBeUndefined();
    for (const result of [answered(200), answered(503), answered(410)]) {
      expect(await critical(result, 'lead.hot')).toBeUndefined();
    }
    const { policy } = kindNamed('lead.hot');
    expect(await critical(answered(503), 'lead.hot', policy?.delaysSeconds.length)).toBe(1);
  });

  test('measures its latency since the event occurred, but not of what was resent or scheduled', async () => {
    const occurred_at = new Date(NOW - 3_000).toISOString();
    const { counter } = await attempt(answered(200), { given: delivery(ENRICHED, { occurred_at }), durationMs: 40 });
    expect(counter.measured).toEqual([[METRICS.deliveryLatency, 3_040]]);
    const early = delivery(ENRICHED, { occurred_at: new Date(NOW + 60_000).toISOString() });
    expect((await attempt(answered(200), { given: early })).counter.measured).toEqual([[METRICS.deliveryLatency, 0]]);
    const waited = delivery(NOT_ENRICHED, { occurred_at, send_at: new Date(NOW).toISOString() });
    expect((await attempt(answered(200), { given: waited })).counter.measured).toEqual([]);
    const resent = delivery(ENRICHED, { occurred_at, generation: 1 });
    expect((await attempt(answered(200), { given: resent })).counter.measured).toEqual([]);
    expect((await attempt(answered(503), { given: delivery() })).counter.measured).toEqual([]);
  });

  test.each([answered(500), answered(503), failed('TIMEOUT'), failed('ENOTFOUND')])(
    'attempted again by the retry policy, then dead: %j',
    async (result) => {
      const to = integration({ max_retries: 3 });
      const delays: (number | undefined)[] = [];
      for (const attempts of [0, 1, 2]) {
        const given = delivery(ENRICHED, {}, { attempt: attempts });
        const { outcome, counter, attempted } = await attempt(result, { given, to });
        expect(outcome).toMatchObject({ outcome: 'retry', attempt: attempts + 1 });
        expect(counter.counts).toEqual({ [METRICS.deliveryRetry]: 1 });
        expect(attempted.endpoint).toBe('failing');
        delays.push(Date.parse(outcome.due_at ?? '') - NOW);
      }
      expect(delays).toEqual([1_000, 2_000, 4_000]);
      const { outcome, counter } = await attempt(result, { given: delivery(ENRICHED, {}, { attempt: 3 }), to });
      const reason = expect.stringMatching(/^4 attempts failed, the last with: /);
      expect(outcome).toMatchObject({ outcome: 'dead', attempt: 4, reason });
      expect(counter.counts).toEqual({ [METRICS.deliveryDead]: 1 });
    },
  );

  describe('of a calculated lead', () => {
    const lead = (progress: object = {}) =>
      delivery(NOT_ENRICHED, { event_type: 'lead', kind: 'lead.calculated' }, { timed: true, ...progress });
    const tried = (result: SendResult, progress: object) =>
      attempt(result, { given: lead(progress), enrichment: NOT_ENRICHED });

    test.each([
      [answered(503), 3, '3 attempts failed, the last with: HTTP 503'],
      [failed('TIMEOUT'), 3, '3 attempts failed, the last with: no response: TIMEOUT'],
      [answered(404), 1, 'HTTP 404'],
    ])('that is its last, %j, starts a second round two hours later', async (result, attempts, reason) => {
      const { outcome, counter } = await tried(result, { attempt: attempts - 1 });
      expect(outcome).toMatchObject({
        outcome: 'retry',
        attempt: attempts,
        earlier_attempts: attempts,
        reason,
        timed: true,
      });
      const waitMs = Date.parse(outcome.due_at ?? '') - NOW;
      expect(waitMs).toBeGreaterThanOrEqual(7_200_000);
      expect(waitMs).toBeLessThanOrEqual(7_920_000);
      expect(outcome.redrive).toBeUndefined();
      expect(counter.counts).toEqual({ [METRICS.deliveryRetry]: 1 });
    });

    test('counts the attempts of that round from one, with the same timeouts', async () => {
      const { outcome, requests } = await tried(answered(503), { attempt: 3, earlier_attempts: 3 });
      expect(outcome).toMatchObject({ outcome: 'retry', attempt: 4, earlier_attempts: 3 });
      expect(Date.parse(outcome.due_at ?? '') - NOW).toBe(1_000);
      expect(requests).toMatchObject([{ timeoutMs: 5_000 }]);
    });

    test.each([
      [answered(503), { attempt: 5, earlier_attempts: 3 }, '6 attempts failed, the last with: HTTP 503'],
      [answered(400), { attempt: 1, earlier_attempts: 1 }, 'HTTP 400'],
    ])('is dead when that fails too: %j', async (result, progress, reason) => {
      expect((await tried(result, progress)).outcome).toMatchObject({ outcome: 'dead', reason });
    });

    test('has no second round if it cannot be sent at all', async () => {
      const { outcome } = await attempt(answered(200), {
        given: lead(),
        enrichment: NOT_ENRICHED,
        to: integration({ auth: { type: 'bearer' } }),
      });
      expect(outcome).toMatchObject({ outcome: 'dead', attempt: 0 });
    });
  });

  test('is due after the response, not after the start of the request', async () => {
    const { outcome } = await attempt(answered(503), { durationMs: 10_000 });
    expect(Date.parse(outcome.due_at ?? '')).toBe(NOW + 11_000);
  });

  test.each([
    [answered(429, { retryAfter: '7' }), 7_000],
    [answered(503, { retryAfter: '7' }), 7_000],
    [answered(429), 5_000],
    [answered(429, { retryAfter: '0' }), 1_000],
  ])(
    'refused as too many: attempted again after the Retry-After, for all deliveries, counted as no failure: %j',
    async (result, retryAfterMs) => {
      const { outcome, attempted, counter } = await attempt(result);
      expect(outcome).toMatchObject({ outcome: 'retry', attempt: 1 });
      expect(attempted).toMatchObject({ endpoint: 'throttled', retryAfterMs });
      expect(Date.parse(outcome.due_at ?? '')).toBeGreaterThanOrEqual(NOW + retryAfterMs);
      expect([counter.counts, counter.counted]).toEqual([{ [METRICS.deliveryThrottled]: 1 }, []]);
    },
  );

  test.each([answered(503), answered(503, { retryAfter: 'soon' }), answered(502, { retryAfter: '7' })])(
    'a failure, where it is not: %j',
    async (result) => expect((await attempt(result)).attempted.endpoint).toBe('failing'),
  );

  test('throttled in its last attempt is dead', async () => {
    const { outcome, attempted, counter } = await attempt(answered(429), { to: integration({ max_retries: 0 }) });
    expect(outcome.outcome).toBe('dead');
    expect(attempted.endpoint).toBe('throttled');
    expect(counter.counts).toEqual({ [METRICS.deliveryThrottled]: 1, [METRICS.deliveryDead]: 1 });
  });

  test('a Retry-After of a success is not honoured', async () => {
    expect((await attempt(answered(200, { retryAfter: '120' }))).attempted.retryAfterMs).toBe(0);
  });

  test.each([
    [answered(302), 'alive'],
    [answered(400), 'alive'],
    [failed('DEPTH_ZERO_SELF_SIGNED_CERT'), 'unknown'],
    [failed('FORBIDDEN_ADDRESS'), 'unknown'],
  ])(
    'dead at once, with a dead-letter message that is a delivery of the next generation: %j',
    async (result, endpoint) => {
      const given = delivery(ENRICHED, { generation: 2 });
      const { outcome, counter, attempted } = await attempt(result, { given });
      expect(outcome).toMatchObject({ outcome: 'dead', attempt: 1 });
      expect(deliverySchema.parse({ ...given, ...outcome.redrive })).toMatchObject({
        generation: 3,
        progress: { enrichment: ENRICHED, attempt: 0, due_at: null },
      });
      expect(counter.counts).toEqual({ [METRICS.deliveryDead]: 1 });
      expect(attempted.endpoint).toBe(endpoint);
    },
  );

  test.each([
    [answered(403), { outcome: 'dead', reason: 'token: HTTP 403' }, 0],
    [answered(429, { retryAfter: '7' }), { outcome: 'retry', reason: 'token: HTTP 429' }, 7_000],
  ])('a token server’s refusal leaves the endpoint’s state unknown: %j', async (result, expected, retryAfterMs) => {
    const { outcome, requests, attempted } = await attempt(answered(200), {
      to: integration({ auth: { type: 'oauth2_client_credentials', token_url: 'https://token.example/' } }),
      more: {
        tokens: { token: async () => ({ kind: 'none', result }), drop: () => {} },
        secretOf: () => secretSource(secret({ client_id: 'us', client_secret: 'hidden' })),
      },
    });
    expect(outcome).toMatchObject(expected);
    expect(requests).toEqual([]);
    expect(attempted).toMatchObject({ endpoint: 'unknown', retryAfterMs });
  });

  test('parked where the endpoint is gone: the attempt does not count', async () => {
    const { outcome, attempted, counter } = await attempt(answered(410));
    expect(outcome).toMatchObject({
      outcome: 'retry',
      attempt: 0,
      park_count: 1,
      due_at: '2026-01-15T12:01:00.000Z',
      reason: 'parked: HTTP 410, the endpoint is gone',
    });
    expect(attempted.endpoint).toBe('gone');
    expect(counter.counts).toEqual({ [METRICS.deliveryParked]: 1 });
  });

  test('dead without an attempt where the payload does not fit the format', async () => {
    const { outcome, requests, attempted } = await attempt(answered(200), {
      to: integration({ payload_format: 'percipio' }),
    });
    const reason = expect.stringMatching(/^the payload does not fit percipio: /);
    expect(outcome).toMatchObject({ outcome: 'dead', attempt: 0, reason });
    expect(requests).toEqual([]);
    expect(attempted.endpoint).toBe('unknown');
  });
});

describe('the log line of an attempt', () => {
  test('says all that an operator asks for', async () => {
    const given = delivery();
    const { log } = await attempt(answered(503, { timings: { totalMs: 119 }, responseFault: 'ECONNRESET' }), {
      given,
      durationMs: 120,
    });
    expect(log.lines).toEqual([
      {
        level: 'info',
        message: 'delivery.attempted',
        fields: {
          webhook_id: given.webhook_id,
          integration_id: 'acme',
          event_type: 'course_completion',
          generation: 0,
          attempt: 1,
          outcome: 'retry',
          response: 'HTTP 503',
          status: 503,
          response_fault: 'ECONNRESET',
          duration_ms: 120,
          timings: { totalMs: 119 },
          enrichment: 'enriched from warehouse',
          due_at: '2026-01-15T12:00:01.120Z',
        },
      },
    ]);
  });

  test.each([
    ['not_a_completion', 'info'],
    ['flag_off', 'warn'],
    ['no_data', 'warn'],
    ['learner_not_identified', 'warn'],
    ['warehouse_unavailable', 'error'],
  ] as const)('delivered without learning time, %s: %s, as requirement T10 specifies', async (reason, level) => {
    const enrichment = { status: 'not_enriched', reason } as const;
    const { log } = await attempt(answered(200), { given: delivery(enrichment), enrichment });
    expect(log.lines).toMatchObject([{ level }]);
    const { log: again } = await attempt(answered(503), { given: delivery(enrichment), enrichment });
    expect(again.lines).toMatchObject([{ level: 'info' }]);
  });

  test('is an error where the delivery is dead', async () => {
    expect((await attempt(answered(400))).log.lines).toMatchObject([{ level: 'error' }]);
  });

  test('has nothing of a learner, of the payload or of the partner’s body', async () => {
    const words = 'learner@example.com is unknown';
    for (const result of [answered(200), answered(503), answered(400, { responseStart: words }), failed('TIMEOUT')]) {
      const { log } = await attempt(result);
      for (const data of LEARNER_DATA) expect(log.text()).not.toContain(data);
    }
  });
});
