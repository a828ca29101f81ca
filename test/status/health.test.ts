import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { ListedDelivery } from '../../lambdas/ledger/ports.ts';
import type { DeliveryState } from '../../lambdas/ledger/record.ts';
import { classify } from '../../lambdas/partners/response-outcome.ts';
import { healthOf, lastErrorOf, latestError, summed } from '../../lambdas/status/health.ts';
import { healthSchema } from '../../lambdas/status/health-document.ts';

const counts = fc.record({ successes: fc.nat(1_000_000), failures: fc.nat(1_000_000) });

describe('health', () => {
  test('is degraded if its rate is below 0.8, even if it is rounded to 0.8', () => {
    expect(healthOf({ successes: 79_999, failures: 20_001 }, undefined)).toMatchObject({
      success_rate: 0.8,
      status: 'degraded',
    });
  });

  test('for any counts: fits the schema, adds up, and is degraded below four in five', () => {
    fc.assert(
      fc.property(counts, ({ successes, failures }) => {
        const health = healthSchema.parse(healthOf({ successes, failures }, undefined));
        expect(health.total_requests).toBe(successes + failures);
        expect(health.status === 'degraded').toBe(successes * 5 < (successes + failures) * 4);
        if (health.success_rate !== null) {
          // Half of the last digit shown, and what a sum in binary adds to that.
          expect(Math.abs(health.success_rate - successes / (successes + failures))).toBeLessThan(0.000_500_1);
        }
      }),
    );
  });

  test('of all together is that of the sum, and unknown if one is', () => {
    fc.assert(
      fc.property(fc.array(counts), fc.nat(), (all, position) => {
        const total = all.reduce((sum, { successes, failures }) => sum + successes + failures, 0);
        expect(healthOf(summed(all), undefined).total_requests).toBe(total);
        expect(summed(all.toSpliced(position, 0, ...([undefined] as never[])))).toBeUndefined();
      }),
    );
  });
});

const at = (minute: number) => new Date(Date.UTC(2026, 0, 15, 12, minute)).toISOString();

function webhook(state: DeliveryState, reason: string | undefined, changed_at = at(0)): ListedDelivery {
  const subject = { webhook_id: 'wh_1', integration_id: 'acme', event_type: 'course_completion' };
  const where = { accepted_at: at(0), generation: 0, attempt: 1, state, changed_at };
  return { ...subject, ...where, ...(reason !== undefined && { reason }) };
}

describe('the last error', () => {
  test.each<[DeliveryState, string, string]>([
    ['scheduled', 'HTTP 503', 'HTTP 503'],
    ['dead', '4 attempts failed, the last with: HTTP 503', 'HTTP 503'],
    ['dead', '4 attempts failed, the last with: no response: TIMEOUT', 'no response: TIMEOUT'],
    ['dead', 'token: HTTP 400, with fresh credentials too', 'token: HTTP 400'],
    ['scheduled', 'token: the response has no access_token', 'token: the response has no access_token'],
    ['parked', 'parked: HTTP 410, the endpoint is gone', 'HTTP 410'],
    ['dead', 'secret /prod/integrations/acme does not exist, or has no value yet', ''],
  ])('of a webhook that is %s for “%s”', (state, reason, message) => {
    expect(lastErrorOf([webhook(state, reason)])).toEqual({ at: at(0), message: message || reason });
  });

  test.each<[DeliveryState, string | undefined]>([
    ['scheduled', 'over the limit of its integration'],
    ['scheduled', undefined],
    ['parked', 'parked: integration acme is paused'],
  ])('is none of a webhook that is %s for %j: it waits, and nothing failed', (state, reason) => {
    expect(lastErrorOf([webhook(state, reason)])).toBeUndefined();
  });

  test('never repeats a URL, and has a message even without a reason', () => {
    expect(lastErrorOf([webhook('dead', 'refused by https://partner.example/hook?key=1')])?.message).toBe(
      'dead-lettered',
    );
    expect(lastErrorOf([webhook('dead', undefined)])?.message).toBe('dead-lettered');
  });

  test('is the latest one, in any order', () => {
    const three = [3, 1, 2].map((minute) => webhook('dead', `HTTP 50${minute}`, at(minute)));
    fc.assert(
      fc.property(fc.shuffledSubarray(three, { minLength: 3 }), (order) => {
        expect(lastErrorOf(order)).toEqual({ at: at(3), message: 'HTTP 503' });
        expect(latestError([undefined, ...order.map((one) => lastErrorOf([one]))])?.at).toBe(at(3));
      }),
    );
    expect(latestError([undefined])).toBeUndefined();
  });

  test('is found in the reason of any failed attempt', () => {
    const failed = fc.stringMatching(/^[A-Z][A-Z0-9_]{0,40}$/).map((code) => ({ kind: 'failed', code }) as const);
    const refused = fc.integer({ min: 300, max: 599 }).map((status) => ({ kind: 'responded', status }) as const);
    fc.assert(
      fc.property(fc.oneof(failed, refused), (result) => {
        const { reason } = classify(result);
        expect(lastErrorOf([webhook('scheduled', reason)])?.message).toBe(reason);
      }),
    );
  });
});
