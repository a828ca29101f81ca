import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { EnvironmentLimiter } from '../../lambdas/limiter/environment-limiter.ts';
import type { LimiterDecision } from '../../lambdas/limiter/limiter.ts';
import { integration, NOW } from '../support/factories.ts';
import { allowed, HOUR, MINUTE, reportOf, reserved, SECOND, unreserved } from '../support/limiter-decisions.ts';

const FREE = integration();
const limitedTo = (perMinute: number) => integration({ max_requests_per_minute: perMinute });

function limiter(environments = 2, random = () => 0) {
  return new EnvironmentLimiter({ environments, slowAttempts: 2, random });
}

describe('the limit of one environment', () => {
  test('none: everything is sent immediately', () => {
    const response = { decisions: Array(100).fill(allowed), isSlow: false, wantsReport: false };
    expect(limiter().acquire(FREE, 100, NOW)).toEqual(response);
  });

  test('is its share; attempts that must wait ask again, each at a different time', () => {
    const alone = limiter(2);
    const decisions = (count: number, ms: number) => alone.acquire(limitedTo(60), count, NOW + ms).decisions;
    const at = (ms: number) => unreserved(NOW + ms);
    expect(decisions(3, 0)).toEqual([allowed, at(2_040), at(4_080)]);
    expect(decisions(2, SECOND)).toEqual([at(6_120), at(8_160)]);
    // Due within a second: the function itself waits.
    expect(decisions(1, 1_040)).toEqual([reserved(NOW + 2_040)]);
    expect(decisions(1, 4_080)).toEqual([allowed]);
  });

  test('starts at a different time in each environment', () => {
    const times = [0, 0.25, 0.75].map((random) => limiter(2, () => random).acquire(limitedTo(20), 1, NOW).decisions[0]);
    expect(times).toEqual([allowed, unreserved(NOW + 1_530), unreserved(NOW + 4_590)]);
  });

  test('defers for at most ten minutes, because Valkey may respond before', () => {
    const { decisions } = limiter(20).acquire(limitedTo(60), 100, NOW);
    expect(decisions.at(-1)).toEqual(unreserved(NOW + 10 * MINUTE));
  });

  test('of all environments never exceeds the limit in any minute, for any start times and calls', () => {
    const pausesMs = fc.array(fc.nat(3 * SECOND), { minLength: 60, maxLength: 80 });
    const phase = fc.float({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    const phases = fc.array(phase, { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(fc.integer({ min: 3, max: 20 }), phases, pausesMs, (perMinute, randoms, pauses) => {
        const environments = randoms.map((random) => limiter(3, () => random));
        const limited = limitedTo(perMinute);
        const sentAtMs: number[] = [];
        let nowMs = NOW;
        for (const pauseMs of pauses) {
          nowMs += pauseMs;
          for (const alone of environments) {
            const { decisions } = alone.acquire(limited, 2, nowMs);
            sentAtMs.push(...decisions.flatMap((one) => sentAt(one, nowMs)));
          }
        }
        const times = sentAtMs.toSorted((a, b) => a - b);
        const spansMs = times.slice(perMinute).map((ms, index) => ms - Number(times[index]));
        expect(Math.min(...spansMs)).toBeGreaterThanOrEqual(MINUTE);
      }),
      { numRuns: 50 },
    );
  });

  test('below one a minute for each is one in several minutes', () => {
    const alone = limiter(70);
    expect(alone.acquire(limitedTo(7), 2, NOW).decisions).toEqual([allowed, unreserved(NOW + 10 * MINUTE)]);
    expect(alone.acquire(limitedTo(7), 1, NOW + 612 * SECOND).decisions).toEqual([allowed]);
  });
});

describe('the state of an endpoint', () => {
  test('a `Retry-After` is stored, for at most an hour, and never shortened', () => {
    const alone = limiter();
    alone.report(FREE, reportOf({ throttled: 1, retryAfterMs: 30 * SECOND }), NOW);
    alone.report(FREE, reportOf({ throttled: 1, retryAfterMs: SECOND }), NOW);
    expect(alone.acquire(FREE, 1, NOW).decisions).toEqual([unreserved(NOW + 30 * SECOND)]);
    expect(alone.acquire(FREE, 1, NOW + 30 * SECOND).decisions).toEqual([allowed]);
    alone.report(FREE, reportOf({ retryAfterMs: 24 * HOUR }), NOW);
    expect(alone.acquire(FREE, 1, NOW).decisions).toEqual([unreserved(NOW + HOUR)]);
  });

  test('after a `Retry-After` requests are sent at the limit', () => {
    const alone = limiter(1);
    alone.report(limitedTo(60), reportOf({ throttled: 1, retryAfterMs: 30 * SECOND }), NOW);
    expect(alone.acquire(limitedTo(60), 2, NOW).decisions).toEqual([
      unreserved(NOW + 30 * SECOND),
      unreserved(NOW + 31_020),
    ]);
    expect(alone.acquire(limitedTo(60), 2, NOW + 30 * SECOND).decisions[0]).toEqual(allowed);
  });

  test('after a throttled request all environments together send 60 a minute, for a minute after the wait', () => {
    const alone = [0, 0.5].map((random) => limiter(20, () => random));
    const decisions = (afterMs: number) => alone.map((one) => one.acquire(FREE, 2, NOW + afterMs).decisions);
    for (const one of alone) one.report(FREE, reportOf({ throttled: 1, retryAfterMs: 5 * SECOND }), NOW);
    // Each of 20 sends three a minute, and begins at another time.
    expect(decisions(5 * SECOND)).toEqual([
      [allowed, unreserved(NOW + 25_400)],
      [unreserved(NOW + 15_200), unreserved(NOW + 35_600)],
    ]);
    expect(decisions(65 * SECOND)).toEqual([
      [allowed, allowed],
      [allowed, allowed],
    ]);
  });

  test('two requests that wait within 5 s make it slow for a minute: few at a time are in flight', () => {
    const alone = limiter(1);
    const waiting = integration({ timeout_seconds: 20 });
    alone.slow(waiting, NOW);
    expect(alone.acquire(waiting, 1, NOW).isSlow).toBe(false);
    alone.slow(waiting, NOW + 5 * SECOND);
    const { decisions, isSlow } = alone.acquire(waiting, 2, NOW + 5 * SECOND);
    // Two in flight for 20 s each are six a minute.
    expect([isSlow, decisions]).toEqual([true, [allowed, unreserved(NOW + 5 * SECOND + 10_200)]]);
    expect(alone.acquire(waiting, 1, NOW + 65 * SECOND).isSlow).toBe(false);
  });

  test('is reset by a new address; the limit is not', () => {
    const alone = limiter(1);
    const before = limitedTo(60);
    alone.acquire(before, 1, NOW);
    alone.report(before, reportOf({ retryAfterMs: HOUR }), NOW);
    const moved = { ...before, url: 'https://partner.example/moved' };
    expect(alone.acquire(moved, 1, NOW).decisions).toEqual([unreserved(NOW + 1_020)]);
  });

  test('is stored for the 2,000 integrations that were used last', () => {
    const alone = limiter();
    for (let i = 0; i < 2_000; i += 1)
      alone.report({ ...FREE, id: `partner-${i}` }, reportOf({ retryAfterMs: HOUR }), NOW);
    alone.acquire({ ...FREE, id: 'partner-0' }, 1, NOW);
    alone.acquire({ ...FREE, id: 'one-more' }, 1, NOW);
    expect(alone.size).toBe(2_000);
    expect(alone.acquire({ ...FREE, id: 'partner-0' }, 1, NOW).decisions).toEqual([unreserved(NOW + HOUR)]);
    expect(alone.acquire({ ...FREE, id: 'partner-1' }, 1, NOW).decisions).toEqual([allowed]);
  });
});

/** When an attempt is sent, if it is: at once, or after a pause of at most a second. */
function sentAt(decision: LimiterDecision, nowMs: number): number[] {
  if (decision.verdict === 'reject') throw new Error('rejected');
  if (decision.verdict === 'allow') return [nowMs];
  return decision.atMs <= nowMs + SECOND ? [decision.atMs] : [];
}
