import { describe, expect, test } from '@jest/globals';
import { deliverySchema, type SettledEnrichment } from '../../lambdas/contract/delivery.ts';
import type { SendResult, WebhookRequest } from '../../lambdas/contract/delivery-ports.ts';
import { METRICS } from '../../lambdas/contract/metrics.ts';
import { type TryDeliveryServices, tryDelivery } from '../../lambdas/delivery/try-delivery.ts';
import {
  delivery,
  ENRICHED,
  fakeCounter,
  fakeLog,
  integration,
  LEARNER_DATA,
  NOW,
  PLAIN,
} from '../support/factories.ts';

const answered = (status: number): SendResult => ({ kind: 'answered', status });
const failed = (code: string): SendResult => ({ kind: 'failed', code });

/** One try with a partner that gives `result`. */
async function attempt(
  result: SendResult,
  { given = delivery(), to = integration(), enrichment = ENRICHED as SettledEnrichment, durationMs = 0 } = {},
) {
  const requests: WebhookRequest[] = [];
  const log = fakeLog();
  const counter = fakeCounter();
  let now = NOW;
  const services: TryDeliveryServices = {
    sender: {
      async send(request) {
        requests.push(request);
        now += durationMs;
        return result;
      },
    },
    log,
    counter,
    now: () => now,
    random: () => 0.5,
  };
  const outcome = await tryDelivery(given, enrichment, to, services);
  return { outcome, requests, log, counter };
}

describe('a try', () => {
  test('is one request to the integration’s address, with its deadline and the webhook’s id', async () => {
    const given = delivery();
    const { requests } = await attempt(answered(200), { given, to: integration({ timeout_seconds: 7 }) });
    expect(requests).toEqual([
      {
        url: 'https://partner.example/hooks',
        headers: {
          'content-type': 'application/json',
          'user-agent': 'learning-time-webhooks/1',
          'webhook-id': given.webhook_id,
        },
        body: expect.any(String),
        timeoutMs: 7_000,
      },
    ]);
  });

  test('sends the payload with learning time, every number as the LMS wrote it', async () => {
    const given = delivery(ENRICHED, { payload: '{"grade":1.0,"id":12345678901234567890}' });
    const { requests } = await attempt(answered(200), { given });
    expect(requests[0]?.body).toBe(
      '{"grade":1.0,"id":12345678901234567890,"learning_time":' +
        '{"total_seconds":18540,"total_hours":5.15,"last_updated":"2026-01-10T00:00:00Z"}}',
    );
  });

  test('sends the payload as it is where there is no learning time', async () => {
    const given = delivery(PLAIN, { payload: '{ "grade" : 1.0 }' });
    const { requests } = await attempt(answered(200), { given, enrichment: PLAIN });
    expect(requests[0]?.body).toBe('{ "grade" : 1.0 }');
  });

  test('has the same webhook id and body each time: the partner may know it again', async () => {
    const first = await attempt(answered(503));
    const second = await attempt(answered(200), { given: delivery(ENRICHED, {}, { attempt: 1 }) });
    expect(second.requests).toEqual(first.requests);
  });
});

describe('what becomes of a delivery', () => {
  test('delivered, by 2xx', async () => {
    const { outcome, counter } = await attempt(answered(204));
    expect(outcome).toEqual({
      enrichment: ENRICHED,
      attempt: 1,
      due_at: null,
      outcome: 'delivered',
      reason: 'HTTP 204',
    });
    expect(counter.counts).toEqual({ [METRICS.deliveredWithLearningTime]: 1 });
  });

  test('delivered without learning time is counted apart', async () => {
    const { counter } = await attempt(answered(200), { given: delivery(PLAIN), enrichment: PLAIN });
    expect(counter.counts).toEqual({ [METRICS.deliveredWithoutLearningTime]: 1 });
  });

  test.each([
    answered(500),
    answered(503),
    answered(408),
    answered(425),
    answered(429),
    failed('TIMEOUT'),
    failed('ECONNRESET'),
    failed('ECONNREFUSED'),
  ])('tried again 1, 2 and 4 s later, then dead: %j', async (result) => {
    const delays: (number | undefined)[] = [];
    for (const tries of [0, 1, 2]) {
      const { outcome, counter } = await attempt(result, { given: delivery(ENRICHED, {}, { attempt: tries }) });
      expect(outcome).toMatchObject({ outcome: 'retry', attempt: tries + 1 });
      expect(counter.counts).toEqual({ [METRICS.deliveryRetry]: 1 });
      delays.push(Date.parse(outcome.due_at ?? '') - NOW);
    }
    expect(delays).toEqual([1_000, 2_000, 4_000]);
    const { outcome, counter } = await attempt(result, { given: delivery(ENRICHED, {}, { attempt: 3 }) });
    expect(outcome).toMatchObject({
      outcome: 'dead',
      attempt: 4,
      reason: expect.stringMatching(/^4 tries failed, the last with: /),
    });
    expect(counter.counts).toEqual({ [METRICS.deliveryDead]: 1 });
  });

  test('is due after the answer, not after the start: a slow refusal is no reason to hurry', async () => {
    const { outcome } = await attempt(answered(503), { durationMs: 10_000 });
    expect(Date.parse(outcome.due_at ?? '')).toBe(NOW + 11_000);
  });

  test.each([
    answered(301),
    answered(302),
    answered(400),
    answered(401),
    answered(404),
    answered(410),
    failed('DEPTH_ZERO_SELF_SIGNED_CERT'),
    failed('FORBIDDEN_URL'),
  ])('dead at once, with a letter that is a delivery of the next generation: %j', async (result) => {
    const given = delivery(ENRICHED, { generation: 2 });
    const { outcome, counter } = await attempt(result, { given });
    expect(outcome).toMatchObject({ outcome: 'dead', attempt: 1 });
    expect(deliverySchema.parse({ ...given, ...outcome.redrive })).toMatchObject({
      generation: 3,
      progress: { enrichment: ENRICHED, attempt: 0, due_at: null },
    });
    expect(counter.counts).toEqual({ [METRICS.deliveryDead]: 1 });
  });
});

describe('the log line of a try', () => {
  test('says all that an operator asks for', async () => {
    const given = delivery();
    const { log } = await attempt(answered(503), { given, durationMs: 120 });
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
          answer: 'HTTP 503',
          status: 503,
          duration_ms: 120,
          enrichment: 'enriched from warehouse',
          due_at: '2026-01-15T12:00:01.120Z',
        },
      },
    ]);
  });

  test('is an error where the delivery is dead', async () => {
    expect((await attempt(answered(400))).log.lines).toMatchObject([{ level: 'error' }]);
  });

  test('has nothing of a learner or of the payload', async () => {
    for (const result of [answered(200), answered(503), answered(400), failed('TIMEOUT')]) {
      const { log } = await attempt(result);
      for (const data of LEARNER_DATA) expect(log.text()).not.toContain(data);
    }
  });
});
