import { sampleEvents } from '../../commands/publish/sample-events.ts';
import { webhookId } from '../../lambdas/events/identity.ts';
import { FLAG_KEY } from '../../lambdas/flag/flag-document.ts';
import { FLAG_SEED } from '../../lib/flag-seed.ts';
import { output } from '../../local/demo/operator.ts';
import type { Partners } from '../../local/demo/partners.ts';
import { ENTERPRISE } from '../../local/demo/sample-events.ts';
import type { Session } from '../../local/demo/session.ts';

/** Enterprises with an integration each. The first is the one that the warehouse knows. */
const ENTERPRISES = ['acme', 'globex', 'hooli', 'initech', 'soylent', 'stark', 'tyrell', 'umbrella', 'wayne', 'wonka'];

const FAILING = 'globex';
const REFUSING = 'initech';
const PAUSED = 'umbrella';

/** One partner for each enterprise, of which one refuses, one is paused, and one will fail. */
export const PARTNERS: Partners = Object.fromEntries(
  ENTERPRISES.map((id, index) => [
    id,
    {
      behaviour: id === REFUSING ? 400 : 200,
      entry: { enterprise_customer_uuid: enterpriseOf(index), ...(id === PAUSED && { paused: true }) },
    },
  ]),
);

const ROUNDS = 12;
const ROUND_MS = 5 * 60_000;

/** The round from which one partner fails. */
const FAILS_FROM = 8;

/** A delivery with attempts that failed, which is not delivered at the end. */
export const FAILING_WEBHOOK = webhookId(FAILING, eventId(FAILS_FROM, 1));

/** Percentage of enterprises with learning time. */
const ROLLOUT = 10;

/**
 * An hour of the platform's time: completions for all partners, a rollout at 10 % with a pilot, one partner that fails at the end, one that
 * refuses, and one event that is malformed.
 */
export async function makeHistory(session: Session): Promise<void> {
  deployRollout(session);
  await session.skipPollInterval();
  for (let round = 0; round < ROUNDS; round += 1) {
    if (round === FAILS_FROM) session.partner.setBehaviour(`/${FAILING}`, 503);
    await session.publish(eventsOf(round));
    if (round === 2) await session.publish(['{"schema_version":1,"event_type":"course_comp']);
    await session.skip(ROUND_MS);
  }
}

function enterpriseOf(index: number): string {
  if (index === 0) return ENTERPRISE;
  return `a1b2c3d4-e5f6-4890-abcd-0000000000${String(index).padStart(2, '0')}`;
}

function eventId(round: number, number: number): string {
  return `sample-${round}-${number}`;
}

/** More at some partners than at others, and fewer for those that refuse. */
function eventsOf(round: number): string[] {
  return ENTERPRISES.flatMap((id, index) => {
    const count = id === REFUSING || id === PAUSED ? Number(round % 6 === 0) : 1 + ((round * 7 + index * 3) % 4);
    const enterprise = { id, enterprise_customer_uuid: enterpriseOf(index) };
    return sampleEvents('completion', enterprise, { count, run: String(round), nowMs: Date.now() });
  }).map((event) => JSON.stringify(event));
}

function deployRollout({ platform }: Session): void {
  const values = {
    ...FLAG_SEED.values[FLAG_KEY],
    enabled: true,
    rollout_percentage: ROLLOUT,
    pilot_enterprises: [ENTERPRISE],
  };
  platform.appConfig.deploy(
    output(platform, 'AppConfigApplicationId'),
    output(platform, 'FlagsEnvironmentId'),
    output(platform, 'FlagsProfileId'),
    JSON.stringify({ ...FLAG_SEED, values: { [FLAG_KEY]: values } }),
  );
}
