import { expect, test } from '@jest/globals';
import { ENRICHMENT_ATTEMPTS } from '../../lambdas/events/delivery.ts';
import { EVENT_TYPES, KINDS } from '../../lambdas/events/event-types/event-types.ts';
import { LONG_WAIT_MS, SHORT_WAITS } from '../../lambdas/events/workflow-waits.ts';
import { retryPolicyOf } from '../../lambdas/partners/retry-policy.ts';
import { integration } from '../support/factories.ts';
import { synthesize, workflowDefinition } from '../support/synthesized-stack.ts';
import { type BoundedDefinition, historyBound, MAX_HISTORY_EVENTS, type RoundLimits } from './history-bound.ts';

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

test('the history of an execution stays under Step Functions’ quota, whatever fails', () => {
  expect(LIMITS.attempts).toBe(22);
  const bound = historyBound(workflowDefinition(synthesize('local')) as unknown as BoundedDefinition, LIMITS);
  expect(bound).toBeLessThan(MAX_HISTORY_EVENTS);
  // docs/decisions/0007 has this number. Changes of a retrier, a policy or a limit change it.
  expect(bound).toBe(19_261);
});
