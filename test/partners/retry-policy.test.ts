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

const DEFAULT_DELAYS = [1, 2, 4, 300, 1_800, 7_200, 18_000, 28_800, 28_800];
const LATEST = () => 0.999_999_9;

const policyOf = (entry: object = {}, kind = 'course_completion') => retryPolicyOf(integration({ ...entry }), kind);
const inMs = (seconds: readonly number[]) => seconds.map((each) => each * 1_000);

test.each<[string, string, object, readonly number[]]>([
  ['by default', 'course_completion', {}, DEFAULT_DELAYS],
  ['with none', 'course_completion', { max_retries: 0 }, []],
  ['with fewer', 'course_completion', { max_retries: 2 }, [1, 2]],
  ['with more: the last delay repeats', 'course_completion', { max_retries: 10 }, [...DEFAULT_DELAYS, 28_800]],
  ['by its own delays', 'course_completion', { retry_delays_seconds: [10, 60], max_retries: 4 }, [10, 60, 60, 60]],
  ['by some of its own delays', 'course_completion', { retry_delays_seconds: [10, 60], max_retries: 1 }, [10]],
  ['by event type', 'course_enrollment', { max_retries_by_event_type: { course_enrollment: 0 } }, []],
  ['by another event type', 'course_completion', { max_retries_by_event_type: { lead: 0 }, max_retries: 1 }, [1]],
  ['of a hot lead', 'lead.hot', { max_retries: 9, retry_delays_seconds: [600] }, [1, 2, 4, 8]],
  ['of a calculated lead', 'lead.calculated', { max_retries: 9, retry_delays_seconds: [600] }, [1, 2]],
  ['of a cold lead', 'lead.cold', { max_retries: 9, retry_delays_seconds: [600] }, [1]],
  ['of a lead, by its event type', 'lead.cold', { max_retries_by_event_type: { lead: 3 } }, [1, 1, 1]],
  ['of a kind that only a newer version knows', 'lead.lukewarm', { max_retries: 2 }, [1, 2]],
])('the delays %s', (_what, kind, entry, delays) => {
  const policy = policyOf(entry, kind);
  expect(policy.delaysMs).toEqual(inMs(delays));
  expect([policy.maxRetries, policy.timeoutsMs.length]).toEqual([delays.length, delays.length + 1]);
});

test.each([
  ['course_completion', 15, { max_retries: 4 }, [5, 10, 15, 15, 15]],
  ['course_completion', 300, { max_retries: 4 }, [100, 200, 300, 300, 300]],
  ['lead.hot', 30, {}, [6, 12, 18, 24, 30]],
  ['lead.calculated', 30, {}, [10, 20, 30]],
  ['lead.cold', 30, {}, [15, 30]],
  ['lead.hot', 30, { max_retries_by_event_type: { lead: 1 } }, [15, 30]],
])('the timeouts of a %s grow to the integration’s %i s: %j', (kind, timeout_seconds, entry, timeouts) => {
  expect(policyOf({ ...entry, timeout_seconds }, kind).timeoutsMs).toEqual(inMs(timeouts));
});

test('each kind of event of one integration has its own policy', () => {
  const entry = integration({});
  const retries = ['lead.hot', 'lead.cold', 'lead.hot'].map((kind) => retryPolicyOf(entry, kind).maxRetries);
  expect(retries).toEqual([4, 1, 4]);
});

test('a timeout is never less than the previous one, and in whole milliseconds', () => {
  for (let timeout_seconds = 5; timeout_seconds <= 300; timeout_seconds += 1) {
    const { timeoutsMs } = policyOf({ timeout_seconds });
    expect(timeoutsMs).toEqual(timeoutsMs.toSorted((one, other) => one - other));
    expect(timeoutsMs.filter((ms) => !Number.isInteger(ms) || ms < 5_000)).toEqual([]);
    expect(timeoutsMs.at(-1)).toBe(timeout_seconds * 1_000);
  }
});

describe('the next attempt', () => {
  const waitMs = (attempt: number, chance: () => number, retryAfterMs?: number) => {
    const at = nextAttemptAt(policyOf(), attempt, NOW, chance, retryAfterMs);
    return at && at.getTime() - NOW;
  };

  test('is due after the delay, until none is left', () => {
    const waits = DEFAULT_DELAYS.map((_, index) => waitMs(index + 1, () => 0.5));
    expect(waits).toEqual(inMs(DEFAULT_DELAYS));
    expect([waitMs(10, LATEST), waitMs(11, LATEST), waitMs(10, LATEST, 60_000)]).toEqual(Array(3).fill(undefined));
  });

  test.each([
    [() => 0, 900, 60_000],
    [() => 0.5, 1_000, 63_000],
    [LATEST, 1_100, 66_000],
  ])('is due up to 10%% earlier or later, and after a Retry-After up to 10%% later', (chance, withoutMs, withMs) => {
    expect([waitMs(1, chance), waitMs(1, chance, 60_000)]).toEqual([withoutMs, withMs]);
  });

  test('is never sooner because of a Retry-After, and never sooner than requested', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), random, fc.nat(3_600_000), (attempt, chance, requestedMs) => {
        const withoutMs = waitMs(attempt, chance) as number;
        const withMs = waitMs(attempt, chance, requestedMs) as number;
        expect(withMs).toBeGreaterThanOrEqual(Math.max(withoutMs, requestedMs));
        expect(withMs).toBeLessThanOrEqual(Math.max(withoutMs, Math.ceil(requestedMs * 1.1)));
      }),
    );
  });
});

test('only a calculated lead has a second round: after two hours, and up to 10% later', () => {
  const policy = policyOf({}, 'lead.calculated');
  expect(secondRoundAt(policy, NOW, () => 0)).toEqual(new Date(NOW + 7_200_000));
  expect(secondRoundAt(policy, NOW, LATEST)).toEqual(new Date(NOW + 7_920_000));
  for (const kind of ['lead.hot', 'course_completion']) {
    expect(secondRoundAt(policyOf({}, kind), NOW, () => 0.5)).toBeUndefined();
  }
});

describe('the whole budget', () => {
  test.each([
    ['23.6 hours by default', {}, 'course_completion', 84_907_000],
    ['at most ten days', { max_retries: 10, retry_delays_seconds: [86_400] }, 'course_completion', 10 * 86_400_000],
    ['nothing without retries', { max_retries: 0 }, 'course_completion', 0],
    ['both rounds of a calculated lead', {}, 'lead.calculated', 7_206_000],
  ])('is %s', (_what, entry, kind, expectedMs) => expect(totalWaitMs(policyOf(entry, kind))).toBe(expectedMs));

  test('is known for each attempt: all fail immediately, or all time out', () => {
    expect(schedule(policyOf({ max_retries: 4 }))).toEqual([
      { attempt: 1, timeoutMs: 5_000, earliestMs: 0, latestMs: 0 },
      { attempt: 2, timeoutMs: 10_000, earliestMs: 900, latestMs: 5_000 + 1_100 },
      { attempt: 3, timeoutMs: 15_000, earliestMs: 2_700, latestMs: 15_000 + 3_300 },
      { attempt: 4, timeoutMs: 15_000, earliestMs: 6_300, latestMs: 30_000 + 7_700 },
      { attempt: 5, timeoutMs: 15_000, earliestMs: 276_300, latestMs: 45_000 + 337_700 },
    ]);
  });

  test('has the second round, which may start after a first attempt that failed permanently', () => {
    const rows = schedule(policyOf({}, 'lead.calculated'));
    expect(rows.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4, 5, 6]);
    const latestMs = 30_000 + 3_300 + 7_920_000;
    expect(rows[3]).toEqual({ attempt: 4, timeoutMs: 5_000, earliestMs: 7_200_000, latestMs });
  });

  test('bounds every sequence of attempts that the partner does not extend', () => {
    const entry = fc.record(
      {
        max_retries: fc.integer({ min: 0, max: 10 }),
        timeout_seconds: fc.integer({ min: 5, max: 300 }),
        retry_delays_seconds: fc.array(fc.integer({ min: 1, max: 86_400 }), { minLength: 1, maxLength: 10 }),
      },
      { requiredKeys: [] },
    );
    const course = fc.array(fc.tuple(random, random), { minLength: 11, maxLength: 11 });
    fc.assert(
      fc.property(
        entry.map((one) => policyOf(one)),
        course,
        (policy, chances) => {
          let startedAtMs = NOW;
          for (const { attempt, timeoutMs, earliestMs, latestMs } of schedule(policy)) {
            expect(startedAtMs - NOW).toBeGreaterThanOrEqual(earliestMs);
            expect(startedAtMs - NOW).toBeLessThanOrEqual(latestMs);
            const [tookShare, chance] = chances[attempt - 1] as [() => number, () => number];
            const next = nextAttemptAt(policy, attempt, startedAtMs + Math.floor(tookShare() * timeoutMs), chance);
            expect(next === undefined).toBe(attempt > policy.maxRetries);
            startedAtMs = next?.getTime() ?? 0;
          }
        },
      ),
    );
  });
});
