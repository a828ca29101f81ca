import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ENRICHMENT_ATTEMPTS } from '../../lambdas/events/delivery.ts';
import { EVENT_TYPES, KINDS, kindNamed } from '../../lambdas/events/event-types/event-types.ts';
import { LONG_WAIT_MS, SHORT_WAITS } from '../../lambdas/events/workflow-waits.ts';
import { retryPolicyOf } from '../../lambdas/partners/retry-policy.ts';
import { integration } from '../support/factories.ts';
import { synthesize, workflowDefinition } from '../support/synthesized-stack.ts';
import {
  type AslRetrier,
  type BoundedDefinition,
  historyBound,
  MAX_HISTORY_EVENTS,
  type RoundLimits,
} from './history-bound.ts';

const MOST_RETRIES = 10;

/** Over both rounds, for the policy with the most attempts. */
function mostAttempts(): number {
  const max_retries_by_event_type = Object.fromEntries(EVENT_TYPES.map((type) => [type, MOST_RETRIES]));
  const most = integration({ max_retries: MOST_RETRIES, max_retries_by_event_type });
  return Math.max(
    ...KINDS.map((kind) => {
      const { timeoutsMs, secondRoundAfterMs } = retryPolicyOf(most, kind);
      return timeoutsMs.length * (secondRoundAfterMs === undefined ? 1 : 2);
    }),
  );
}

const LIMITS: RoundLimits = {
  attempts: mostAttempts(),
  shortWaits: SHORT_WAITS,
  longWaitSeconds: LONG_WAIT_MS / 1000,
  enrichments: ENRICHMENT_ATTEMPTS - 1,
};
const definition = workflowDefinition(synthesize('local')) as unknown as BoundedDefinition;

function withRetriers(deliver: readonly AslRetrier[], enrich: readonly AslRetrier[] = []): BoundedDefinition {
  const { States, TimeoutSeconds } = definition;
  const Deliver = { Type: 'Task', Retry: deliver };
  return { TimeoutSeconds, States: { ...States, Deliver, Enrich: { Type: 'Task', Retry: enrich } } };
}

const retrier = (IntervalSeconds: number, MaxDelaySeconds: number, MaxAttempts: number): AslRetrier => ({
  IntervalSeconds,
  BackoffRate: 2,
  MaxDelaySeconds,
  MaxAttempts,
});

describe('the history of an execution', () => {
  test('stays under Step Functions’ quota, whatever fails', () => {
    expect(LIMITS.attempts).toBe(22);
    expect(KINDS.some((kind) => kindNamed(kind).policy?.secondRoundAfterMinutes !== undefined)).toBe(true);
    const bound = historyBound(definition, LIMITS);
    expect(bound).toBeLessThan(MAX_HISTORY_EVENTS);
    // docs/decisions/0007 has this number. Changes of a retrier, a policy or a limit change it.
    expect(bound).toBe(19_261);
  });

  test('would exceed it with an hour of retries that are a minute apart', () => {
    const [notRun, , passing] = (definition.States.Deliver?.Retry ?? []) as [AslRetrier, AslRetrier, AslRetrier];
    const former = withRetriers([notRun, retrier(1, 60, 64), passing], definition.States.Enrich?.Retry);
    expect(historyBound(former, LIMITS)).toBeGreaterThan(MAX_HISTORY_EVENTS);
  });

  test('would exceed it with unlimited short waits under back-pressure', () => {
    expect(historyBound(definition, { ...LIMITS, longWaitSeconds: 2 })).toBeGreaterThan(MAX_HISTORY_EVENTS);
  });
});

describe('the bound', () => {
  test('without time for retries is the events of the rounds', () => {
    const still: BoundedDefinition = { ...withRetriers([]), TimeoutSeconds: 0 };
    const limits = { attempts: 3, shortWaits: 2, longWaitSeconds: 60, enrichments: 1 };
    // 6 rounds of delivery and 1 of enrichment, of 11 events each; fallback, dead-letter message and end; the execution itself.
    expect(historyBound(still, limits)).toBe(7 * 11 + (2 + 2 + 5 + 2 + 64 * 3) + 2);
  });

  const anyRetrier = fc
    .record({ first: fc.integer({ min: 1, max: 30 }), cap: fc.integer({ min: 30, max: 900 }), most: fc.nat(40) })
    .map(({ first, cap, most }) => retrier(first, cap, most));
  const scene = fc.record({
    deliver: fc.array(anyRetrier, { maxLength: 3 }),
    enrich: fc.array(anyRetrier, { maxLength: 2 }),
    hours: fc.integer({ min: 1, max: 100 }),
    attempts: fc.nat(25),
    shortWaits: fc.nat(30),
    longWaitSeconds: fc.integer({ min: 60, max: 7200 }),
    enrichments: fc.nat(4),
  });

  test('is never exceeded by an execution with random failures', () => {
    fc.assert(
      fc.property(scene, fc.infiniteStream(fc.nat(60)), ({ deliver, enrich, hours, ...limits }, failures) => {
        const bounded = { ...withRetriers(deliver, enrich), TimeoutSeconds: hours * 3600 };
        const played = playExecution(bounded, limits, () => failures.next().value as number);
        expect(played).toBeLessThanOrEqual(historyBound(bounded, limits));
      }),
      { numRuns: 200 },
    );
  });
});

/**
 * Simulates one execution to its end or timeout, and counts the events.
 *
 * @param failures of each retrier at each entry
 */
function playExecution(
  { States, TimeoutSeconds }: BoundedDefinition,
  { attempts, shortWaits, longWaitSeconds, enrichments }: RoundLimits,
  failures: () => number,
): number {
  let [events, elapsedSeconds] = [1, 0];
  const waitAndCount = (seconds: number, added: number) => {
    elapsedSeconds += seconds;
    if (elapsedSeconds <= TimeoutSeconds) events += added;
  };
  const round = (waitSeconds: number, retriers: readonly AslRetrier[] = []) => {
    waitAndCount(waitSeconds, 2 + 2 + 2);
    for (const { IntervalSeconds, BackoffRate, MaxDelaySeconds, MaxAttempts } of retriers) {
      const failed = Math.min(failures(), MaxAttempts);
      for (let retry = 0; retry < failed; retry += 1) {
        waitAndCount(Math.min(IntervalSeconds * BackoffRate ** retry, MaxDelaySeconds), 3);
      }
    }
    waitAndCount(0, 3 + 2);
  };
  for (let made = 0; made < enrichments; made += 1) round(0, States.Enrich?.Retry);
  for (let made = 0; made < attempts + shortWaits; made += 1) round(0, States.Deliver?.Retry);
  while (elapsedSeconds + longWaitSeconds < TimeoutSeconds) round(longWaitSeconds, States.Deliver?.Retry);
  return events + 1;
}
