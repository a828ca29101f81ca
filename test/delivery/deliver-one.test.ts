import { describe, expect, test } from '@jest/globals';
import type { Admission } from '../../lambdas/contract/delivery-ports.ts';
import { MalformedDelivery } from '../../lambdas/contract/errors.ts';
import { METRICS } from '../../lambdas/contract/metrics.ts';
import { deliverOne } from '../../lambdas/delivery/deliver-one.ts';
import { book, delivery, ENRICHED, fakeCounter, fakeLog, integration, NOW, PENDING } from '../support/factories.ts';
import { answered, brokenSource, openGate, SECRETS_DOWN, sendingServices } from '../support/sending.ts';

function world(admission: Admission = { verdict: 'now' }, known = book(integration()), isSlow = false) {
  const counter = fakeCounter();
  const sending = sendingServices([answered(200)]);
  const services = {
    ...sending,
    integrations: { read: async () => known },
    gate: openGate({ admit: async () => ({ admissions: [admission], isSlow, wantsReport: false }) }),
    log: fakeLog(),
    counter,
    random: () => 0.5,
  };
  return { services, counter, requests: sending.requests };
}

describe('a step of the workflow', () => {
  test('is a try, however slow the endpoint is: nobody else waits here', async () => {
    const { services, requests } = world({ verdict: 'now' }, book(integration()), true);
    expect(await deliverOne(delivery(), services)).toMatchObject({ outcome: 'delivered', attempt: 1 });
    expect(requests).toHaveLength(1);
  });

  test('is put off to the moment reserved for it, without a try', async () => {
    const { services, counter } = world({ verdict: 'later', atMs: NOW + 90_000, isReserved: true });
    expect(await deliverOne(delivery(ENRICHED, {}, { attempt: 2 }), services)).toEqual({
      enrichment: ENRICHED,
      attempt: 2,
      due_at: '2026-01-15T12:01:30.000Z',
      reserved_for: '2026-01-15T12:01:30.000Z',
      outcome: 'retry',
      reason: 'over the rate limit',
    });
    expect(counter.counts).toEqual({ [METRICS.deliveryDeferred]: 1 });
  });

  test('is put off until the pause that the partner asked for is over: that moment is nobody’s own', async () => {
    const { services } = world({ verdict: 'later', atMs: NOW + 90_000, isReserved: false });
    const result = await deliverOne(delivery(), services);
    expect(result.reason).toBe('the partner asked for a pause');
    expect(Date.parse(result.due_at ?? '')).toBeGreaterThanOrEqual(NOW + 90_000);
    expect(result.reserved_for).toBeUndefined();
  });

  test('is put off while the endpoint is slow, and says so', async () => {
    const later: Admission = { verdict: 'later', atMs: NOW + 90_000, isReserved: true };
    const { services } = world(later, book(integration()), true);
    expect((await deliverOne(delivery(), services)).reason).toBe('the endpoint is slow');
  });

  test('is a sleep where the integration is paused', async () => {
    const { services } = world({ verdict: 'now' }, book(integration({ paused: true })));
    expect(await deliverOne(delivery(), services)).toMatchObject({ outcome: 'retry', sleeps: 1 });
  });

  test('throws what is our own fault: the workflow tries again, and no try is spent', async () => {
    const { services } = world();
    await expect(deliverOne(delivery(PENDING), services)).rejects.toThrow(MalformedDelivery);
    const withoutSecrets = { ...services, secretOf: () => brokenSource(SECRETS_DOWN) };
    await expect(deliverOne(delivery(), withoutSecrets)).rejects.toBe(SECRETS_DOWN);
  });
});
