import { describe, expect, test } from '@jest/globals';
import { attemptDelivery } from '../../lambdas/delivery/attempt-delivery.ts';
import type { SendWebhookServices } from '../../lambdas/delivery/send-webhook.ts';
import { type DecidedEnrichment, type Delivery, deliverySchema } from '../../lambdas/events/delivery.ts';
import { kindNamed } from '../../lambdas/events/event-types/event-types.ts';
import type { SendResult, WebhookRequest } from '../../lambdas/partners/webhook-sender.ts';
import { METRICS } from '../../lambdas/shared/metric-definitions.ts';
import {
  delivery,
  ENRICHED,
  fakeCounter,
  fakeLog,
  integration,
  NOT_ENRICHED,
  NOW,
  TRACE,
} from '../support/factories.ts';
import { failed, responded, secret, secretSource, sendingServices } from '../support/sending.ts';

interface Given extends Partial<SendWebhookServices> {
  readonly of?: Delivery;
  readonly to?: ReturnType<typeof integration>;
  readonly durationMs?: number;
  readonly notAfterMs?: number;
}

/** Makes one attempt at a partner that responds with `result` after `durationMs`. */
async function attempt(result: SendResult, { of = delivery(), to = integration(), ...more }: Given = {}) {
  const { durationMs = 0, notAfterMs, ...overrides } = more;
  const [log, counter] = [fakeLog(), fakeCounter()];
  let nowMs = NOW;
  const sending = sendingServices([result], { now: () => nowMs, ...overrides });
  const send = (request: WebhookRequest) => {
    nowMs += durationMs;
    return sending.sender.send(request);
  };
  const enrichment = of.progress.enrichment as DecidedEnrichment;
  const services = { ...sending, sender: { send }, log, counter, random: () => 0.5 };
  const attempted = await attemptDelivery({ delivery: of, enrichment, notAfterMs }, to, services);
  return { attempted, outcome: attempted.result, requests: sending.requests, log, counter };
}

const dueInMs = ({ due_at }: { readonly due_at: string | null }) => Date.parse(due_at ?? '') - NOW;

describe('an attempt', () => {
  test('is one request to the integration, with the webhook’s id, its trace context and the learning time', async () => {
    const { traceparent } = TRACE;
    const given = delivery(ENRICHED, { payload: '{"grade":1.0,"id":12345678901234567890}', traceparent });
    const { requests } = await attempt(responded(200), { of: given });
    const body =
      '{"grade":1.0,"id":12345678901234567890,"learning_time":' +
      '{"total_seconds":18540,"total_hours":5.15,"last_updated":"2026-01-10T00:00:00Z"}}';
    const headers = { 'webhook-id': given.webhook_id, traceparent };
    expect(requests).toMatchObject([{ url: 'https://partner.example/hooks', headers, body, timeoutMs: 5_000 }]);
  });

  test('names its own event type', async () => {
    const of = delivery(ENRICHED, { event_type: 'course_enrollment' });
    const { requests } = await attempt(responded(200), { of });
    expect(requests).toMatchObject([{ headers: { 'event-type': 'course_enrollment' } }]);
    expect(requests[0]?.headers).not.toHaveProperty('traceparent');
  });

  test.each([
    [NOW + 2_000, 2_000],
    [NOW - 1, 1],
  ])('ends with its lease, because another function may send it then: %i', async (notAfterMs, timeoutMs) => {
    const { requests } = await attempt(responded(200), { notAfterMs });
    expect(requests).toMatchObject([{ timeoutMs }]);
  });

  test.each([
    [0, 10_000],
    [1, 20_000],
    [2, 30_000],
    [30, 30_000],
  ])('after %i others has its own timeout', async (attempts, timeoutMs) => {
    const of = delivery(ENRICHED, {}, { attempt: attempts });
    const { requests } = await attempt(responded(503), { of, to: integration({ timeout_seconds: 30 }) });
    expect(requests).toMatchObject([{ timeoutMs }]);
  });

  const at = '2026-01-15T12:00:00.000Z';
  const page = { contentType: 'Text/Plain; charset=utf-8', bodyBytes: 14 };
  test.each([
    [responded(200, { responseStart: 'thank you' }), { status: 200 }, undefined],
    [
      responded(400, { responseStart: 'no such course', ...page }),
      { status: 400, error: 'HTTP 400', content_type: 'text/plain', body_bytes: 14 },
      'no such course',
    ],
    [failed('TIMEOUT'), { error: 'no response: TIMEOUT' }, undefined],
  ])('is recorded with time and response, and the start of a refusal: %j', async (result, facts, start) => {
    const { attempted } = await attempt(result, { durationMs: 42 });
    expect(attempted.attempt).toEqual({ at, duration_ms: 42, ...facts });
    expect(attempted.responseStart).toBe(start);
  });
});

describe('the outcome of a delivery', () => {
  const fallback = { status: 'not_enriched', reason: 'warehouse_unavailable' } as const;

  test.each<[string, DecidedEnrichment, readonly string[]]>([
    ['with learning time', ENRICHED, [METRICS.deliveredWithLearningTime]],
    ['without it', NOT_ENRICHED, [METRICS.deliveredWithoutLearningTime]],
    ['as a fallback', fallback, [METRICS.deliveredWithoutLearningTime, METRICS.enrichmentFallback]],
  ])('delivered, by 2xx, %s', async (_what, enrichment, counted) => {
    const given = { of: delivery(enrichment) };
    const { outcome, counter, attempted } = await attempt(responded(204, { retryAfter: '120' }), given);
    expect(outcome).toEqual({ enrichment, attempt: 1, due_at: null, outcome: 'delivered', reason: 'HTTP 204' });
    expect(counter.counts).toEqual(Object.fromEntries(counted.map((name) => [name, 1])));
    expect(attempted).toMatchObject({ endpoint: 'alive', retryAfterMs: 0 });
  });

  test.each([
    ['Success', responded(200), 0],
    ['Failure', responded(503), 0],
    ['Failure', responded(503), 1],
    ['Failure', responded(400), 0],
    ['Failure', responded(410), 0],
    ['Failure', failed('TIMEOUT'), 0],
  ] as const)(
    'is counted as %s for its integration and its kind: %j after %i others',
    async (what, result, attempts) => {
      for (const [kind, event] of [
        ['course_completion', {}],
        ['lead.hot', { event_type: 'lead', kind: 'lead.hot' }],
      ] as const) {
        const of = delivery(NOT_ENRICHED, event, { attempt: attempts });
        const { counter } = await attempt(result, { of, to: integration({ max_retries: 1 }) });
        expect(counter.counted).toEqual([
          [METRICS[`delivery${what}`], { integration: of.integration_id }],
          [METRICS[`kind${what}`], { kind }],
        ]);
      }
    },
  );

  const lastAttempt = kindNamed('lead.hot').policy?.delaysSeconds.length;
  test.each([
    [1, 'lead.hot', responded(400), 0],
    [1, 'lead.hot', responded(503), lastAttempt],
    [undefined, 'lead.cold', responded(400), 0],
    [undefined, 'lead.hot', responded(200), 0],
    [undefined, 'lead.hot', responded(503), 0],
    [undefined, 'lead.hot', responded(410), 0],
  ])('is critical (%p) if it is dead and of a critical kind: %s, %j', async (count, kind, result, attempts) => {
    const of = delivery(NOT_ENRICHED, { event_type: 'lead', kind }, { attempt: attempts ?? 0 });
    expect((await attempt(result, { of })).counter.counts[METRICS.criticalDead]).toBe(count);
  });

  const occurred_at = new Date(NOW - 3_000).toISOString();
  test.each([
    ['measured since the event', responded(200), { occurred_at }, [3_040]],
    ['0 if the publisher’s clock is ahead', responded(200), { occurred_at: new Date(NOW + 60_000).toISOString() }, [0]],
    ['not measured if it was scheduled', responded(200), { occurred_at, send_at: new Date(NOW).toISOString() }, []],
    ['not measured if it was resent', responded(200), { occurred_at, generation: 1 }, []],
    ['not measured if it failed', responded(503), { occurred_at }, []],
  ])('has a latency, %s', async (_what, result, subject, latenciesMs) => {
    const { counter } = await attempt(result, { of: delivery(NOT_ENRICHED, subject), durationMs: 40 });
    expect(counter.measured).toEqual(latenciesMs.map((ms) => [METRICS.deliveryLatency, ms]));
  });

  test.each([
    responded(500),
    responded(503, { retryAfter: 'soon' }),
    responded(502, { retryAfter: '7' }),
    responded(404, { retryAfter: '7' }),
    failed('TIMEOUT'),
  ])('retried by the retry policy from the response on, then dead: %j', async (result) => {
    const to = integration({ max_retries: 1, retry_on_status: [404] });
    const { outcome, counter, attempted } = await attempt(result, { to, durationMs: 10_000 });
    expect(outcome).toMatchObject({ outcome: 'retry', attempt: 1 });
    expect(dueInMs(outcome)).toBe(10_000 + Math.max(1_000, attempted.retryAfterMs * 1.05));
    expect(counter.counts).toEqual({ [METRICS.deliveryRetry]: 1 });
    expect(attempted.endpoint).toBe('failing');
    const last = await attempt(result, { of: delivery(ENRICHED, {}, { attempt: 1 }), to });
    const reason = expect.stringMatching(/^2 attempts failed, the last with: /);
    expect(last.outcome).toMatchObject({ outcome: 'dead', attempt: 2, reason });
    expect(last.counter.counts).toEqual({ [METRICS.deliveryDead]: 1 });
  });

  describe('of a calculated lead', () => {
    const lead = (progress: object = {}) =>
      delivery(NOT_ENRICHED, { event_type: 'lead', kind: 'lead.calculated' }, { timed: true, ...progress });

    test.each([
      [responded(503), 3, '3 attempts failed, the last with: HTTP 503'],
      [responded(404), 1, 'HTTP 404'],
    ])('starts a second round two hours after its last attempt: %j', async (result, attempts, reason) => {
      const { outcome, counter } = await attempt(result, { of: lead({ attempt: attempts - 1 }) });
      const progress = { attempt: attempts, earlier_attempts: attempts, timed: true };
      expect(outcome).toMatchObject({ outcome: 'retry', reason, ...progress });
      expect(dueInMs(outcome)).toBe(7_560_000);
      expect(outcome.redrive).toBeUndefined();
      expect(counter.counts).toEqual({ [METRICS.deliveryRetry]: 1 });
    });

    test('counts the attempts of that round from one, with the same timeouts', async () => {
      const { outcome, requests } = await attempt(responded(503), { of: lead({ attempt: 3, earlier_attempts: 3 }) });
      expect(outcome).toMatchObject({ outcome: 'retry', attempt: 4, earlier_attempts: 3 });
      expect(dueInMs(outcome)).toBe(1_000);
      expect(requests).toMatchObject([{ timeoutMs: 5_000 }]);
    });

    test.each([
      [responded(503), { attempt: 5, earlier_attempts: 3 }, '6 attempts failed, the last with: HTTP 503'],
      [responded(400), { attempt: 1, earlier_attempts: 1 }, 'HTTP 400'],
    ])('is dead when that fails too: %j', async (result, progress, reason) => {
      expect((await attempt(result, { of: lead(progress) })).outcome).toMatchObject({ outcome: 'dead', reason });
    });

    test('has no second round if it cannot be sent at all', async () => {
      const { outcome } = await attempt(responded(200), { of: lead(), to: integration({ auth: { type: 'bearer' } }) });
      expect(outcome).toMatchObject({ outcome: 'dead', attempt: 0 });
    });
  });

  test.each([
    [responded(429, { retryAfter: '7' }), 7_000],
    [responded(503, { retryAfter: '7' }), 7_000],
    [responded(429), 5_000],
    [responded(429, { retryAfter: '0' }), 1_000],
  ])('throttled: waits for the Retry-After, is no failure and spends no attempt: %j', async (result, retryAfterMs) => {
    const { outcome, attempted, counter } = await attempt(result);
    const throttled_since = new Date(NOW).toISOString();
    expect(outcome).toMatchObject({ outcome: 'retry', attempt: 0, throttled_since });
    expect(attempted).toMatchObject({ endpoint: 'throttled', retryAfterMs });
    expect(dueInMs(outcome)).toBeGreaterThanOrEqual(retryAfterMs);
    expect([counter.counts, counter.counted]).toEqual([{ [METRICS.deliveryThrottled]: 1 }, []]);
  });

  test.each([
    [72 * 3_600_000, 'retry'],
    [72 * 3_600_000 + 1, 'dead'],
  ] as const)('throttled %i ms after back-pressure first delayed it: %s', async (agoMs, expected) => {
    const throttled_since = new Date(NOW - agoMs).toISOString();
    const { outcome, attempted, counter } = await attempt(responded(429), {
      of: delivery(ENRICHED, {}, { throttled_since, attempt: 2 }),
      to: integration({ max_retries: 0 }),
    });
    expect([outcome.outcome, outcome.attempt, attempted.endpoint]).toEqual([expected, 2, 'throttled']);
    if (expected === 'retry') expect(outcome.throttled_since).toBe(throttled_since);
    else expect(outcome.reason).toBe('throttled by the partner for 72 hours, at last: HTTP 429');
    expect(counter.counts[METRICS.deliveryDead]).toBe(expected === 'dead' ? 1 : undefined);
  });

  test('an attempt that the partner did not throttle ends its back-pressure: the next one may last for 72 hours again', async () => {
    const throttled_since = new Date(NOW - 71 * 3_600_000).toISOString();
    const { outcome } = await attempt(responded(500), { of: delivery(ENRICHED, {}, { throttled_since, attempt: 2 }) });
    expect(outcome).toMatchObject({ outcome: 'retry', attempt: 3 });
    expect(outcome).not.toHaveProperty('throttled_since');
  });

  test.each([
    [responded(302), 'alive'],
    [responded(400), 'alive'],
    [failed('DEPTH_ZERO_SELF_SIGNED_CERT'), 'unknown'],
    [failed('FORBIDDEN_ADDRESS'), 'unknown'],
  ])('dead immediately, with a dead-letter message of the next generation: %j', async (result, endpoint) => {
    const given = delivery(ENRICHED, { generation: 2 });
    const { outcome, counter, attempted } = await attempt(result, { of: given });
    expect(outcome).toMatchObject({ outcome: 'dead', attempt: 1 });
    const progress = { enrichment: ENRICHED, attempt: 0, due_at: null };
    expect(deliverySchema.parse({ ...given, ...outcome.redrive })).toMatchObject({ generation: 3, progress });
    expect(counter.counts).toEqual({ [METRICS.deliveryDead]: 1 });
    expect(attempted.endpoint).toBe(endpoint);
  });

  test.each([
    [responded(403), { outcome: 'dead', reason: 'token: HTTP 403' }, 0],
    [responded(429, { retryAfter: '7' }), { outcome: 'retry', reason: 'token: HTTP 429' }, 7_000],
  ])('a token server’s refusal leaves the endpoint’s state unknown: %j', async (result, expected, retryAfterMs) => {
    const { outcome, requests, attempted } = await attempt(responded(200), {
      to: integration({ auth: { type: 'oauth2_client_credentials', token_url: 'https://token.example/' } }),
      tokens: { token: async () => ({ kind: 'none', result }), drop: () => {} },
      secretOf: () => secretSource(secret({ client_id: 'us', client_secret: 'hidden' })),
    });
    expect(outcome).toMatchObject(expected);
    expect(requests).toEqual([]);
    expect(attempted).toMatchObject({ endpoint: 'unknown', retryAfterMs });
  });

  test('parked if the endpoint is gone: the attempt does not count', async () => {
    const { outcome, attempted, counter } = await attempt(responded(410));
    const reason = 'parked: HTTP 410, the endpoint is gone';
    expect(outcome).toMatchObject({ outcome: 'retry', attempt: 0, park_count: 1, reason });
    expect(dueInMs(outcome)).toBe(60_000);
    expect(attempted.endpoint).toBe('gone');
    expect(counter.counts).toEqual({ [METRICS.deliveryParked]: 1 });
  });

  test('dead without an attempt if the payload does not fit the format', async () => {
    const to = integration({ payload_format: 'percipio' });
    const { outcome, requests, attempted } = await attempt(responded(200), { to });
    const reason = expect.stringMatching(/^the payload does not fit percipio: /);
    expect(outcome).toMatchObject({ outcome: 'dead', attempt: 0, reason });
    expect([requests, attempted.endpoint]).toEqual([[], 'unknown']);
  });
});

describe('the log line of an attempt', () => {
  test('has the facts that an operator needs', async () => {
    const of = delivery(ENRICHED, { traceparent: TRACE.traceparent });
    const result = responded(503, { timings: { totalMs: 119 }, responseFault: 'ECONNRESET' });
    const { log } = await attempt(result, { of, durationMs: 120 });
    expect(log.lines.map(({ level }) => level)).toEqual(['info']);
    expect(log.only('delivery.attempted')).toEqual({
      webhook_id: of.webhook_id,
      integration_id: 'acme',
      event_type: 'course_completion',
      trace_id: TRACE.id,
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
    });
  });

  test.each([
    ['not_a_completion', 'info'],
    ['flag_off', 'warn'],
    ['no_data', 'warn'],
    ['learner_not_identified', 'warn'],
    ['warehouse_unavailable', 'error'],
  ] as const)('delivered without learning time, %s: %s, as requirement T10 specifies', async (reason, level) => {
    const of = delivery({ status: 'not_enriched', reason });
    expect((await attempt(responded(200), { of })).log.lines).toMatchObject([{ level }]);
    expect((await attempt(responded(503), { of })).log.lines).toMatchObject([{ level: 'info' }]);
    expect((await attempt(responded(400), { of })).log.lines).toMatchObject([{ level: 'error' }]);
  });
});
