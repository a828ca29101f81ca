import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Delivery, TaskResult } from '../../lambdas/events/delivery.ts';
import { waiting, withOutcome } from '../../lambdas/events/progress.ts';
import { LONG_WAIT_MS, SHORT_WAITS, withWaitCounted } from '../../lambdas/events/workflow-waits.ts';
import { random } from '../support/arbitraries.ts';
import { delivery, NOT_ENRICHED, NOW } from '../support/factories.ts';

const clock = { now: () => NOW, random: () => 0 };
const waitedFor = (waits: number, attempt = 0) => delivery(NOT_ENRICHED, {}, { attempt, ...(waits > 0 && { waits }) });
const dueInMs = ({ due_at }: TaskResult) => Date.parse(due_at ?? '') - NOW;

describe('a wait without an attempt', () => {
  test('is counted, and not extended, fifty times', () => {
    expect(SHORT_WAITS).toBe(50);
    let carried: Delivery = waitedFor(0);
    for (let wait = 1; wait <= SHORT_WAITS; wait += 1) {
      const progress = withWaitCounted(
        carried,
        waiting(carried, 'over the rate limit', NOW + 2_000, { reserved_for: new Date(NOW + 2_000).toISOString() }),
        clock,
      );
      expect(progress).toMatchObject({ waits: wait, reserved_for: new Date(NOW + 2_000).toISOString() });
      expect(dueInMs(progress)).toBe(2_000);
      carried = { ...carried, progress };
    }
    const next = withWaitCounted(
      carried,
      waiting(carried, 'over the rate limit', NOW + 2_000, { reserved_for: new Date(NOW + 2_000).toISOString() }),
      clock,
    );
    expect(next).toMatchObject({ waits: 51, reason: 'over the rate limit', outcome: 'retry' });
    expect(next).not.toHaveProperty('reserved_for');
    expect(dueInMs(next)).toBe(LONG_WAIT_MS);
  });
});

test('a failed attempt is not counted as a wait, waits by its policy, and resets nothing', () => {
  const result = withOutcome(waitedFor(60), 1, 'retry', 'HTTP 503', new Date(NOW + 1_000));
  expect(withWaitCounted(waitedFor(60), result, clock)).toEqual({ ...result, waits: 60 });
  expect(withWaitCounted(waitedFor(0), result, clock)).toEqual(result);
});

test('an outcome that ends the execution is unchanged', () => {
  for (const outcome of ['delivered', 'parked', 'duplicate', 'cancelled', 'filtered'] as const) {
    const result = withOutcome(waitedFor(60), 0, outcome, 'why');
    expect(withWaitCounted(waitedFor(60), result, clock)).toBe(result);
  }
});

test('no wait is shortened, and after fifty none is shorter than two hours', () => {
  fc.assert(
    fc.property(fc.nat(200), fc.nat(10 * LONG_WAIT_MS), random, (waits, waitMs, draw) => {
      const result = withWaitCounted(waitedFor(waits), waiting(waitedFor(waits), 'why', NOW + waitMs), {
        ...clock,
        random: draw,
      });
      expect(dueInMs(result)).toBeGreaterThanOrEqual(waits < SHORT_WAITS ? waitMs : Math.max(waitMs, LONG_WAIT_MS));
      expect(dueInMs(result)).toBeLessThanOrEqual(Math.max(waitMs, 1.1 * LONG_WAIT_MS));
    }),
  );
});
