import { derivedEventId, webhookId } from '../../lambdas/events/identity.ts';
import { BY_FORMAT } from './format-scenarios.ts';
import { completion, enrollment, LEARNER, lead } from './sample-events.ts';
import { type SampleEvent, type Scenario, scenario } from './scenario.ts';
import { BY_SCHEDULE } from './schedule-scenarios.ts';

const limited = ['demo-limited-1', 'demo-limited-2', 'demo-limited-3'].map((id) =>
  enrollment(id, 'partner-limited', LEARNER.known),
);

/** Behavior of partners, without learning time. */
const BY_PARTNER = {
  flaky: scenario(
    'partner 503, then 200',
    [enrollment('demo-flaky', 'partner-flaky', LEARNER.known)],
    '503, 200 without learning time (not_a_completion)',
  ),
  refusing: scenario(
    'partner 400',
    [enrollment('demo-refusing', 'partner-refusing', LEARNER.known)],
    '400, dead-lettered: HTTP 400',
  ),
  moved: scenario(
    'partner 302: not followed',
    [enrollment('demo-moved', 'partner-moved', LEARNER.known)],
    '302, dead-lettered: HTTP 302',
  ),
  hanging: scenario(
    'partner hanging',
    [enrollment('demo-hanging', 'partner-hanging', LEARNER.known)],
    'TIMEOUT, dead-lettered: 1 attempt failed, the last with: no response: TIMEOUT',
  ),
  limited: {
    ...scenario(
      'rate limit: one every ten seconds',
      limited,
      '3 webhooks, each 200 without learning time (not_a_completion), spread out',
    ),
    paceMs: 10_000,
  },
  oauth: scenario(
    'Percipio: OAuth2 token',
    [enrollment('demo-oauth', 'percipio-oauth', LEARNER.known)],
    '200 without learning time (not_a_completion)',
  ),
  withoutSecret: scenario(
    'no secret',
    [enrollment('demo-without-secret', 'partner-without-secret', LEARNER.known)],
    'dead-lettered: secret /local/integrations/partner-without-secret does not exist, or has no value yet',
  ),
  inactive: {
    name: 'integration not active',
    messages: [JSON.stringify(enrollment('demo-inactive', 'partner-inactive', LEARNER.known))],
    webhookIds: [],
    expected: 'filtered: integration partner-inactive is not active',
  },
} as const satisfies Record<string, Scenario>;

/** An event without an id, as some LMSs publish it: the pipeline derives one that differs for a retake. */
function withoutEventId(event: SampleEvent): { message: string; webhookId: string } {
  const { event_id: _, ...bare } = event;
  const eventId = derivedEventId(bare.integration_id, bare.event_type, bare.occurred_at, JSON.stringify(bare.payload));
  return { message: JSON.stringify(bare), webhookId: webhookId(bare.integration_id, eventId) };
}

const first = withoutEventId(completion('', 'percipio', LEARNER.known, 0.84));
const retake = withoutEventId(completion('', 'percipio', LEARNER.known, 0.97));
const twice = enrollment('demo-twice', 'skillsoft', LEARNER.known);

/** Events without learning time, published while the flag is off, as seeded by the stack. */
export const BEFORE_THE_FLAG = {
  flagOff: scenario(
    'flag off',
    [completion('demo-flag-off', 'skillsoft', LEARNER.known)],
    '200 without learning time (flag_off)',
  ),
  enrollment: scenario(
    'enrollment',
    [enrollment('demo-enrollment', 'skillsoft', LEARNER.known)],
    '200 without learning time (not_a_completion)',
  ),
  ...BY_PARTNER,
  ...BY_SCHEDULE,
  twice: scenario(
    'same event published twice, one webhook-id',
    [twice, twice],
    '200 without learning time (not_a_completion)',
  ),
  malformed: {
    name: 'malformed: not JSON',
    messages: ['{"schema_version": 1, "event_type": "course_compl'],
    webhookIds: [],
    expected: 'event dead-lettered: not JSON',
  },
  unknown: {
    name: 'unknown integration',
    messages: [JSON.stringify(enrollment('demo-unknown', 'unknown', LEARNER.known))],
    webhookIds: [],
    expected: 'event dead-lettered: integration_id: no integration has this id',
  },
} as const satisfies Record<string, Scenario>;

/** The flag is on and the warehouse is up. */
export const ENRICHED = {
  warehouse: scenario(
    'enriched',
    [completion('demo-enriched', 'skillsoft', LEARNER.known)],
    '200 with 18540 s (5.15 h, enriched from warehouse)',
  ),
} as const satisfies Record<string, Scenario>;

/** Published when the result above is in the cache. */
export const AFTER_THE_FIRST_ANSWER = {
  cache: scenario(
    'enriched from cache',
    [completion('demo-cached', 'skillsoft', LEARNER.known)],
    '200 with 18540 s (5.15 h, enriched from cache)',
  ),
  retake: {
    name: 'same-day retake, better grade',
    messages: [first.message, retake.message],
    webhookIds: [first.webhookId, retake.webhookId],
    expected: '2 webhooks, each 200 with 18540 s (5.15 h, enriched from cache)',
  },
  zero: scenario(
    'a true zero',
    [completion('demo-zero', 'skillsoft', LEARNER.idle)],
    '200 with 0 s (0 h, enriched from warehouse)',
  ),
  noData: scenario(
    'no data in the warehouse',
    [completion('demo-no-data', 'skillsoft', LEARNER.unknown)],
    '200 without learning time (no_data)',
  ),
  two: scenario(
    'one completion, two integrations',
    [completion('demo-two', 'skillsoft', LEARNER.forTwo), completion('demo-two', 'percipio', LEARNER.forTwo)],
    '2 webhooks, each 200 with 5400 s (1.5 h, enriched)',
  ),
  ...BY_FORMAT,
} as const satisfies Record<string, Scenario>;

/** WarmCache has loaded the table, and the warehouse is down. */
export const WARMED = {
  warmed: scenario(
    'enriched from the warm cache, warehouse down',
    [completion('demo-warmed', 'skillsoft', LEARNER.warmed)],
    '200 with 4500 s (1.25 h, enriched from cache)',
  ),
} as const satisfies Record<string, Scenario>;

/** The warehouse is down, always or for a time. */
export const DURING_THE_OUTAGE = {
  fallback: scenario(
    'warehouse down: three retries, fallback',
    [completion('demo-fallback', 'skillsoft', LEARNER.fallback)],
    '3 retries, 200 without learning time (warehouse_unavailable)',
  ),
  back: scenario(
    'warehouse back during the retries',
    [completion('demo-back', 'skillsoft', LEARNER.back)],
    '2 retries, 200 with 3600 s (1 h, enriched from warehouse)',
  ),
  switchedOff: scenario(
    'flag switched off during the retries',
    [completion('demo-switched-off', 'skillsoft', LEARNER.switchedOff)],
    '2 retries, 200 without learning time (flag_off)',
  ),
} as const satisfies Record<string, Scenario>;

export const ALL_SCENARIOS: readonly Scenario[] = [
  BEFORE_THE_FLAG,
  ENRICHED,
  AFTER_THE_FIRST_ANSWER,
  WARMED,
  DURING_THE_OUTAGE,
].flatMap((group) => Object.values<Scenario>(group));

/**
 * Scheduled leads (requirement W3), whose delay starts when they occur. Of two messages, the second is published when the
 * first one is scheduled.
 */
export function leadScenarios(nowMs: number) {
  const [earlier, now] = [nowMs - 1000, nowMs].map((ms) => new Date(ms).toISOString()) as [string, string];
  const soon = { delay_minutes: 120 };
  const late = { delay_minutes: 600 };
  return {
    hot: scenario('lead: hot, to n8n', [lead('demo-hot', 'n8n', 41, 'hot', now)], '200'),
    refused: scenario(
      'lead: hot, refused',
      [lead('demo-refused', 'n8n-inactive', 42, 'hot', now)],
      '404, dead-lettered: HTTP 404',
    ),
    calculated: scenario(
      'lead: calculated, sent later',
      [lead('demo-calculated', 'n8n', 43, 'calculated', now, soon)],
      `after ${soon.delay_minutes} minutes: 200`,
    ),
    overtaken: scenario(
      'lead: calculated, then hot: one is sent',
      [lead('demo-overtaken', 'n8n', 44, 'calculated', earlier, soon), lead('demo-overtaking', 'n8n', 44, 'hot', now)],
      'cancelled: superseded by a later event of its user; 200',
    ),
    moved: scenario(
      `lead: moved from ${late.delay_minutes} minutes to ${soon.delay_minutes}`,
      [
        lead('demo-moved', 'n8n', 45, 'calculated', earlier, late),
        lead('demo-moved', 'n8n', 45, 'calculated', now, soon),
      ],
      `after ${soon.delay_minutes} minutes: 200`,
    ),
  } as const satisfies Record<string, Scenario>;
}

export type LeadScenarios = ReturnType<typeof leadScenarios>;
