import { enrollment, LEARNER } from './sample-events.ts';
import { type Scenario, scenario } from './scenario.ts';

const limited = ['demo-limited-1', 'demo-limited-2', 'demo-limited-3'].map((id) =>
  enrollment(id, 'partner-limited', LEARNER.known),
);

/** What partners are like, and what the pipeline makes of it; none of it needs learning time. */
export const BY_PARTNER = {
  flaky: scenario(
    'partner 503, then 200',
    [enrollment('demo-flaky', 'partner-flaky', LEARNER.known)],
    '503, 200 without learning time (not_a_completion)',
  ),
  refusing: scenario(
    'partner 400',
    [enrollment('demo-refusing', 'partner-refusing', LEARNER.known)],
    '400, dead letter: HTTP 400',
  ),
  moved: scenario(
    'partner 302: not followed',
    [enrollment('demo-moved', 'partner-moved', LEARNER.known)],
    '302, dead letter: HTTP 302',
  ),
  hanging: scenario(
    'partner hanging',
    [enrollment('demo-hanging', 'partner-hanging', LEARNER.known)],
    '2 x TIMEOUT, dead letter: 2 tries failed, the last with: no answer: TIMEOUT',
  ),
  limited: {
    ...scenario(
      'rate limit: one a second',
      limited,
      '3 webhooks, each 200 without learning time (not_a_completion), spread out',
    ),
    paceMs: 1000,
  },
  oauth: scenario(
    'Percipio: OAuth2 token',
    [enrollment('demo-oauth', 'percipio-oauth', LEARNER.known)],
    '200 without learning time (not_a_completion)',
  ),
  withoutSecret: scenario(
    'no secret',
    [enrollment('demo-without-secret', 'partner-without-secret', LEARNER.known)],
    'dead letter: secret /local/integrations/partner-without-secret does not exist, or has no value yet',
  ),
  inactive: {
    name: 'integration not active',
    messages: [JSON.stringify(enrollment('demo-inactive', 'partner-inactive', LEARNER.known))],
    webhookIds: [],
    expected: 'unwanted: integration partner-inactive is not active',
  },
} as const satisfies Record<string, Scenario>;
