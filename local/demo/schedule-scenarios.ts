import { DEFAULT_MAX_RETRIES } from '../../lambdas/partners/integration.ts';
import type { Evidence } from './evidence.ts';
import type { Behaviour } from './partner-responses.ts';
import { enrollment, LEARNER } from './sample-events.ts';
import { type Scenario, scenario } from './scenario.ts';

const HOUR_MS = 3_600_000;

/** Fails for the whole retry schedule but its last attempt. */
export const DOWN_FOR_A_DAY: Behaviour = [...Array.from({ length: DEFAULT_MAX_RETRIES }, () => 503), 200];

/** Downtime of the partner whose circuit breaker opens, in milliseconds. */
export const BREAKER_OUTAGE_MS = 10 * 60_000;

/** Duration of the pause of an integration, in milliseconds. */
export const PAUSE_MS = 24 * HOUR_MS;

const many = Array.from({ length: 8 }, (_, index) =>
  enrollment(`demo-recovering-${index + 1}`, 'partner-recovering', LEARNER.known),
);

/** Scenarios that take hours of pipeline time: retries, parking, circuit breaker. */
export const BY_SCHEDULE = {
  day: {
    ...scenario(
      'partner down for a day',
      [enrollment('demo-down-for-a-day', 'partner-down-for-a-day', LEARNER.known)],
      `${DEFAULT_MAX_RETRIES + 1} attempts over more than 20 h: delivered`,
    ),
    describe: describeAttempts,
  },
  paused: {
    ...scenario(
      'integration paused for a day',
      [enrollment('demo-paused', 'partner-paused', LEARNER.known)],
      'parked for more than 20 h: delivered',
    ),
    describe: describeParking,
  },
  recovering: {
    ...scenario(
      'circuit breaker: partner down for 10 minutes',
      many,
      `${many.length} deliveries, parked while the breaker is open: delivered`,
    ),
    describe: describeBreaker,
  },
} as const satisfies Record<string, Scenario>;

function describeAttempts(ids: readonly string[], evidence: Evidence): string {
  const times = receivedAt(ids, evidence);
  const hours = ((times.at(-1) ?? 0) - (times[0] ?? 0)) / HOUR_MS;
  const attempts = evidence.logs.filter(
    (line) => line.message === 'delivery.attempted' && isOneOf(ids, line.webhook_id),
  );
  return `${attempts.length} attempts over ${hours > 20 ? 'more than 20' : Math.floor(hours)} h: ${ending(ids, evidence)}`;
}

function describeParking(ids: readonly string[], evidence: Evidence): string {
  const parked = evidence.logs.find((line) => line.message === 'delivery.parked' && isOneOf(ids, line.webhook_id));
  if (parked === undefined) return 'not parked';
  const hours = ((receivedAt(ids, evidence)[0] ?? 0) - Date.parse(String(parked.timestamp))) / HOUR_MS;
  return `parked for ${hours > 20 ? 'more than 20' : Math.floor(hours)} h: ${ending(ids, evidence)}`;
}

function describeBreaker(ids: readonly string[], evidence: Evidence): string {
  const parked = evidence.logs.some((line) => line.message === 'delivery.parked' && isOneOf(ids, line.webhook_id));
  return `${ids.length} deliveries, ${parked ? 'parked while the breaker is open' : 'none parked'}: ${ending(ids, evidence)}`;
}

/** `delivered` if each was delivered once. */
function ending(ids: readonly string[], { logs }: Evidence): string {
  const delivered = logs.filter((line) => line.outcome === 'delivered' && isOneOf(ids, line.webhook_id));
  return delivered.length === ids.length ? 'delivered' : `${delivered.length} of ${ids.length} delivered`;
}

function receivedAt(ids: readonly string[], { receipts }: Evidence): number[] {
  const own = receipts.filter(({ headers }) => isOneOf(ids, headers['webhook-id']));
  return own.map(({ received_at }) => Date.parse(received_at));
}

function isOneOf(ids: readonly string[], id: unknown): boolean {
  return typeof id === 'string' && ids.includes(id);
}
