import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  nextAttemptAt,
  retryPolicyOf,
  schedule,
  secondRoundAt,
  totalWaitMs,
} from '../../lambdas/partners/retry-policy.ts';
import { random } from '../support/arbitraries.ts';
import { integration, NOW } from '../support/factories.ts';

const SECOND_MS = 1_000;
const USUAL_DELAYS_SECONDS = [1, 2, 4, 300, 1_800, 7_200, 18_000, 28_800, 28_800];
const middle = () => 0.5;

const policyOf = (overrides: Readonly<Record<string, unknown>> = {}) =>
  retryPolicyOf(integration(overrides), 'course_completion');
const delaysSeconds = (overrides: Readonly<Record<string, unknown>>) =>
  policyOf(overrides).delaysMs.map((ms) => ms / SECOND_MS);
const timeoutsSeconds = (timeout_seconds: number) =>
  policyOf({ timeout_seconds, max_retries: 4 }).timeoutsMs.map((ms) => ms / SECOND_MS);

const anyPolicy = fc
  .record(
    {
      max_retries: fc.integer({ min: 0, max: 10 }),
      timeout_seconds: fc.integer({ min: 5, max: 300 }),
      retry_delays_seconds: fc.array(fc.integer({ min: 1, max: 86_400 }), { minLength: 1, maxLength: 10 }),
    },
    { requiredKeys: [] },
  )
  .map(policyOf);

describe('how often', () => {
  test.each([0, 1, 10])('%i times, if the integration sets it', (max_retries) => {
    const policy = policyOf({ max_retries });
    expect(policy.maxRetries).toBe(max_retries);
    expect(policy.delaysMs).toHaveLength(max_retries);
    expect(policy.timeoutsMs).toHaveLength(max_retries + 1);
  });

  test('the number for the event type has priority, 0 too', () => {
    const entry = integration({ max_retries: 5, max_retries_by_event_type: { course_enrollment: 0 } });
    expect(retryPolicyOf(entry, 'course_enrollment').maxRetries).toBe(0);
    expect(retryPolicyOf(entry, 'course_completion').maxRetries).toBe(5);
  });
});

describe('a kind with a policy of its own', () => {
  const leadPolicy = (kind: string, overrides: Readonly<Record<string, unknown>> = {}) =>
    retryPolicyOf(integration(overrides), kind);

  test.each([
    ['lead.hot', [1, 2, 4, 8], [6, 12, 18, 24, 30]],
    ['lead.calculated', [1, 2], [10, 20, 30]],
    ['lead.cold', [1], [15, 30]],
  ])(
    '%s waits %j s between attempts of up to %j s, whatever its integration has for other events',
    (kind, delays, timeouts) => {
      const policy = leadPolicy(kind, { max_retries: 9, retry_delays_seconds: [600], timeout_seconds: 30 });
      expect(policy.delaysMs).toEqual(delays.map((seconds) => seconds * SECOND_MS));
      expect(policy.timeoutsMs).toEqual(timeouts.map((seconds) => seconds * SECOND_MS));
      expect(policy.maxRetries).toBe(delays.length);
    },
  );

  test('has the integration’s number of retries for its type, if there is one', () => {
    const policy = leadPolicy('lead.hot', { max_retries_by_event_type: { lead: 1 }, timeout_seconds: 30 });
    expect(policy).toMatchObject({ maxRetries: 1, delaysMs: [1_000], timeoutsMs: [15_000, 30_000] });
    expect(leadPolicy('lead.cold', { max_retries_by_event_type: { lead: 3 } }).delaysMs).toEqual([1_000, 1_000, 1_000]);
  });

  test('a calculated lead starts its second round after two hours, never sooner, and up to 10% later', () => {
    const policy = leadPolicy('lead.calculated');
    expect(secondRoundAt(policy, NOW, () => 0)).toEqual(new Date(NOW + 7_200_000));
    expect(secondRoundAt(policy, NOW, () => 0.999_999_9)).toEqual(new Date(NOW + 7_920_000));
    expect(secondRoundAt(leadPolicy('lead.hot'), NOW, middle)).toBeUndefined();
    expect(secondRoundAt(policyOf(), NOW, middle)).toBeUndefined();
  });

  test('has both rounds in its budget', () => {
    const policy = leadPolicy('lead.calculated');
    expect(totalWaitMs(policy)).toBe(7_206_000);
    const rows = schedule(policy);
    expect(rows.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4, 5, 6]);
    // At the earliest after a first attempt that failed permanently.
    expect(rows[3]).toEqual({
      attempt: 4,
      timeoutMs: 5_000,
      earliestMs: 7_200_000,
      latestMs: 30_000 + 3_300 + 7_920_000,
    });
  });

  test('is the usual one where a newer version has named the kind', () => {
    expect(() => leadPolicy('lead.lukewarm')).not.toThrow();
  });
});

describe('how far apart', () => {
  test('1 s, 2 s, 4 s, 5 m, 30 m, 2 h, 5 h, 8 h, 8 h; a tenth waits as long as the ninth', () => {
    expect(delaysSeconds({})).toEqual(USUAL_DELAYS_SECONDS);
    expect(delaysSeconds({ max_retries: 2 })).toEqual([1, 2]);
    expect(delaysSeconds({ max_retries: 10 })).toEqual([...USUAL_DELAYS_SECONDS, 28_800]);
  });

  test('the integration’s own delays replace them all, the last one repeated', () => {
    expect(delaysSeconds({ retry_delays_seconds: [10, 60], max_retries: 4 })).toEqual([10, 60, 60, 60]);
    expect(delaysSeconds({ retry_delays_seconds: [10, 60], max_retries: 1 })).toEqual([10]);
  });
});

describe('how long each may take', () => {
  test('a third, two thirds, then all of the integration’s time', () => {
    expect(timeoutsSeconds(15)).toEqual([5, 10, 15, 15, 15]);
    expect(timeoutsSeconds(300)).toEqual([100, 200, 300, 300, 300]);
  });

  test('never less than the previous one, whole milliseconds, within the integration’s timeout', () => {
    fc.assert(
      fc.property(fc.integer({ min: 5, max: 300 }), (timeout_seconds) => {
        const { timeoutsMs } = policyOf({ timeout_seconds });
        expect(timeoutsMs).toEqual(timeoutsMs.toSorted((one, other) => one - other));
        for (const ms of timeoutsMs) expect(Number.isInteger(ms) && ms >= 5_000).toBe(true);
        expect(timeoutsMs.at(-1)).toBe(timeout_seconds * 1_000);
      }),
    );
  });
});

describe('the next attempt', () => {
  const waitMs = (attempt: number, chance: () => number, retryAfterMs?: number) => {
    const at = nextAttemptAt(policyOf(), attempt, NOW, chance, retryAfterMs);
    return at && at.getTime() - NOW;
  };

  test('after the policy’s delay for the attempts made so far, until none is left', () => {
    const waits = USUAL_DELAYS_SECONDS.map((_, index) => waitMs(index + 1, middle));
    expect(waits).toEqual(USUAL_DELAYS_SECONDS.map((seconds) => seconds * SECOND_MS));
    expect(waitMs(10, middle)).toBeUndefined();
    expect(waitMs(11, middle)).toBeUndefined();
    expect(waitMs(10, middle, 60_000)).toBeUndefined();
  });

  test('up to 10% earlier or later', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), random, (attempt, chance) => {
        const exactMs = (USUAL_DELAYS_SECONDS[attempt - 1] as number) * SECOND_MS;
        expect(Math.abs((waitMs(attempt, chance) as number) - exactMs)).toBeLessThanOrEqual(exactMs / 10);
      }),
    );
  });

  test('as late as the partner asks for, and up to 10% later, so that not all come back together', () => {
    expect(waitMs(1, () => 0, 60_000)).toBe(60_000);
    expect(waitMs(1, middle, 60_000)).toBe(63_000);
    expect(waitMs(1, () => 0.999_999_9, 60_000)).toBe(66_000);
  });

  test('never sooner for what the partner asks, and never sooner than asked', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), random, fc.nat(3_600_000), (attempt, chance, askedMs) => {
        const withoutMs = waitMs(attempt, chance) as number;
        const withMs = waitMs(attempt, chance, askedMs) as number;
        expect(withMs).toBeGreaterThanOrEqual(Math.max(withoutMs, askedMs));
        expect(withMs).toBeLessThanOrEqual(Math.max(withoutMs, Math.ceil(askedMs * 1.1)));
      }),
    );
  });
});

describe('the whole budget', () => {
  test('is 84,907 s of delays by default: 23.6 hours', () => {
    expect(totalWaitMs(policyOf())).toBe(84_907_000);
    expect((totalWaitMs(policyOf()) / 3_600_000).toFixed(1)).toBe('23.6');
  });

  test('is at most ten days of delays, with any integration', () => {
    expect(totalWaitMs(policyOf({ max_retries: 10, retry_delays_seconds: [86_400] }))).toBe(10 * 86_400_000);
  });

  test('is nothing without retries', () => {
    const policy = policyOf({ max_retries: 0 });
    expect(totalWaitMs(policy)).toBe(0);
    expect(schedule(policy)).toEqual([{ attempt: 1, timeoutMs: 5_000, earliestMs: 0, latestMs: 0 }]);
  });

  test('is known for each attempt: all fail immediately, or all time out', () => {
    expect(schedule(policyOf({ max_retries: 4 }))).toEqual([
      { attempt: 1, timeoutMs: 5_000, earliestMs: 0, latestMs: 0 },
      { attempt: 2, timeoutMs: 10_000, earliestMs: 900, latestMs: 5_000 + 1_100 },
      { attempt: 3, timeoutMs: 15_000, earliestMs: 2_700, latestMs: 15_000 + 3_300 },
      { attempt: 4, timeoutMs: 15_000, earliestMs: 6_300, latestMs: 30_000 + 7_700 },
      { attempt: 5, timeoutMs: 15_000, earliestMs: 276_300, latestMs: 45_000 + 337_700 },
    ]);
  });

  test('bounds every real sequence of attempts that the partner does not extend', () => {
    const course = fc.array(fc.tuple(random, random), { minLength: 11, maxLength: 11 });
    fc.assert(
      fc.property(anyPolicy, course, (policy, chances) => {
        let startedAtMs = NOW;
        for (const { attempt, timeoutMs, earliestMs, latestMs } of schedule(policy)) {
          expect(startedAtMs - NOW).toBeGreaterThanOrEqual(earliestMs);
          expect(startedAtMs - NOW).toBeLessThanOrEqual(latestMs);
          const [tookShare, chance] = chances[attempt - 1] as [() => number, () => number];
          const next = nextAttemptAt(policy, attempt, startedAtMs + Math.floor(tookShare() * timeoutMs), chance);
          expect(next === undefined).toBe(attempt > policy.maxRetries);
          startedAtMs = next?.getTime() ?? 0;
        }
      }),
    );
  });
});
