import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Admission, GateReport } from '../../lambdas/contract/delivery-ports.ts';
import { EnvironmentLimiter } from '../../lambdas/domain/environment-limiter.ts';
import { integration, NOW } from '../support/factories.ts';
import { go, HOUR, MINUTE, reserved, SECOND, unreserved } from '../support/gate.ts';

const FREE = integration();
const limitedTo = (perMinute: number) => integration({ max_requests_per_minute: perMinute });

function limiter(environments = 2, random = () => 0) {
  return new EnvironmentLimiter({ environments, slowAttempts: 2, random });
}

const told = (about: Partial<GateReport>): GateReport => ({
  ...{ passed: 0, failed: 0, isGone: false, isThrottled: false, holdMs: 0, tookMs: 0 },
  ...about,
});

describe('the limit of one environment', () => {
  test('none: everything goes at once', () => {
    const alone = limiter();
    expect(alone.admit(FREE, 100, NOW)).toEqual({ admissions: Array(100).fill(go), isSlow: false, wantsReport: false });
  });

  test('is its share; what must wait asks again, each at another time', () => {
    const alone = limiter(2);
    expect(alone.admit(limitedTo(60), 3, NOW).admissions).toEqual([
      go,
      unreserved(NOW + 2_040),
      unreserved(NOW + 4_080),
    ]);
    expect(alone.admit(limitedTo(60), 2, NOW + SECOND).admissions).toEqual([
      unreserved(NOW + 6_120),
      unreserved(NOW + 8_160),
    ]);
    expect(alone.admit(limitedTo(60), 2, NOW + 2_040).admissions).toEqual([go, unreserved(NOW + 10_200)]);
  });

  test('that is due within a second is waited for in the function', () => {
    const alone = limiter(2);
    alone.admit(limitedTo(60), 1, NOW);
    expect(alone.admit(limitedTo(60), 1, NOW + 1_040).admissions).toEqual([reserved(NOW + 2_040)]);
  });

  test('begins at another time in each environment', () => {
    const times = [0, 0.25, 0.75].map((random) => limiter(2, () => random).admit(limitedTo(20), 1, NOW).admissions[0]);
    expect(times).toEqual([go, unreserved(NOW + 1_530), unreserved(NOW + 4_590)]);
  });

  test('defers for ten minutes at most: Valkey may respond before', () => {
    const { admissions } = limiter(20).admit(limitedTo(60), 100, NOW);
    expect(admissions.at(-1)).toEqual(unreserved(NOW + 10 * MINUTE));
  });

  test('of all together is never more than the limit in any minute, however they start and ask', () => {
    const pausesMs = fc.array(fc.nat(3 * SECOND), { minLength: 60, maxLength: 100 });
    const phases = fc.array(fc.float({ min: 0, max: 1, maxExcluded: true, noNaN: true }), {
      minLength: 5,
      maxLength: 5,
    });
    fc.assert(
      fc.property(fc.integer({ min: 5, max: 40 }), phases, pausesMs, (perMinute, randoms, pauses) => {
        const environments = randoms.map((random) => limiter(5, () => random));
        const sentAtMs: number[] = [];
        let nowMs = NOW;
        for (const pauseMs of pauses) {
          nowMs += pauseMs;
          for (const alone of environments) {
            const { admissions } = alone.admit(limitedTo(perMinute), 10, nowMs);
            sentAtMs.push(...admissions.flatMap((one) => sentAt(one, nowMs)));
          }
        }
        const times = sentAtMs.toSorted((a, b) => a - b);
        const spansMs = times.slice(perMinute).map((ms, index) => ms - Number(times[index]));
        expect(spansMs.filter((spanMs) => spanMs < MINUTE)).toEqual([]);
      }),
    );
  });

  test('below one a minute for each is one in as many minutes', () => {
    const alone = limiter(70);
    expect(alone.admit(limitedTo(7), 2, NOW).admissions).toEqual([go, unreserved(NOW + 10 * MINUTE)]);
    expect(alone.admit(limitedTo(7), 1, NOW + 612 * SECOND).admissions).toEqual([go]);
  });
});

describe('what is known of an endpoint', () => {
  test('a hold is kept, for an hour at most, and not shortened', () => {
    const alone = limiter();
    alone.report(FREE, told({ isThrottled: true, holdMs: 30 * SECOND }), NOW);
    alone.report(FREE, told({ isThrottled: true, holdMs: SECOND }), NOW);
    expect(alone.admit(FREE, 1, NOW).admissions).toEqual([unreserved(NOW + 30 * SECOND)]);
    expect(alone.admit(FREE, 1, NOW + 30 * SECOND).admissions).toEqual([go]);
    alone.report(FREE, told({ holdMs: 24 * HOUR }), NOW);
    expect(alone.admit(FREE, 1, NOW).admissions).toEqual([unreserved(NOW + HOUR)]);
  });

  test('after a hold requests go out at the limit', () => {
    const alone = limiter(1);
    alone.report(limitedTo(60), told({ isThrottled: true, holdMs: 30 * SECOND }), NOW);
    expect(alone.admit(limitedTo(60), 2, NOW).admissions).toEqual([
      unreserved(NOW + 30 * SECOND),
      unreserved(NOW + 31_020),
    ]);
    expect(alone.admit(limitedTo(60), 2, NOW + 30 * SECOND).admissions[0]).toEqual(go);
  });

  test('two requests that wait within 5 s make it slow for a minute: few at a time are in flight', () => {
    const alone = limiter(1);
    const waiting = integration({ timeout_seconds: 20 });
    alone.slow(waiting, NOW);
    expect(alone.admit(waiting, 1, NOW).isSlow).toBe(false);
    alone.slow(waiting, NOW + 5 * SECOND);
    const { admissions, isSlow } = alone.admit(waiting, 2, NOW + 5 * SECOND);
    // Two in flight for 20 s each are six a minute.
    expect([isSlow, admissions]).toEqual([true, [go, unreserved(NOW + 5 * SECOND + 10_200)]]);
    expect(alone.admit(waiting, 1, NOW + 65 * SECOND).isSlow).toBe(false);
  });

  test('is forgotten with another address; the limit goes on', () => {
    const alone = limiter(1);
    const before = limitedTo(60);
    alone.admit(before, 1, NOW);
    alone.report(before, told({ holdMs: HOUR }), NOW);
    const moved = { ...before, url: 'https://partner.example/moved' };
    expect(alone.admit(moved, 1, NOW).admissions).toEqual([unreserved(NOW + 1_020)]);
  });

  test('is kept of the 2,000 integrations that were used last', () => {
    const alone = limiter();
    for (let i = 0; i < 2_000; i += 1) alone.report({ ...FREE, id: `partner-${i}` }, told({ holdMs: HOUR }), NOW);
    alone.admit({ ...FREE, id: 'partner-0' }, 1, NOW);
    alone.admit({ ...FREE, id: 'one-more' }, 1, NOW);
    expect(alone.size).toBe(2_000);
    expect(alone.admit({ ...FREE, id: 'partner-0' }, 1, NOW).admissions).toEqual([unreserved(NOW + HOUR)]);
    expect(alone.admit({ ...FREE, id: 'partner-1' }, 1, NOW).admissions).toEqual([go]);
  });
});

/** When an attempt is sent, if it is: at once, or after a pause of at most a second. */
function sentAt(admission: Admission, nowMs: number): number[] {
  if (admission.verdict === 'parked') throw new Error('parked');
  if (admission.verdict === 'now') return [nowMs];
  return admission.atMs <= nowMs + SECOND ? [admission.atMs] : [];
}
