import { readLogs } from '../demo/evidence.ts';
import { equation, reconcile } from '../demo/operator.ts';
import type { Partners } from '../demo/partners.ts';
import type { World } from '../demo/world.ts';
import { awaitQuiet } from './await-quiet.ts';
import { killFunctions } from './kill-functions.ts';
import { publishEvents } from './publish-events.ts';
import { count, type SoakOutcome } from './reckon.ts';
import { countLetters, redriveLetters } from './redrive-letters.ts';
import type { SoakOptions } from './soak-options.ts';
import type { Tally } from './tally.ts';

/** Two that take everything, one that fails at first, one that refuses until it is mended. */
export const SOAK_PARTNERS: Partners = {
  skillsoft: { answers: { status: 200, afterMs: 20 } },
  percipio: { answers: { status: 204, afterMs: 20 } },
  flaky: { answers: [503, { status: 200, afterMs: 20 }] },
  refusing: { answers: 400 },
};

/** Runs of the reconciler, at the most, until everything balances. */
const MAX_RUNS = 5;

/** What is in flight for longer is stuck, in seconds: longer than a lease. */
const BOUND_SECONDS = 60;

/** Publishes, kills, redrives and reconciles; then holds partners' counts and ledger against each other. */
export async function soak(
  world: World,
  tally: Tally,
  { events, killsPerSecond, seed }: Pick<SoakOptions, 'events' | 'killsPerSecond' | 'seed'>,
  say: (line: string) => void,
): Promise<SoakOutcome> {
  world.switchFlag(true);
  say(`publishing ${events} events, every tenth three times, while functions are killed`);
  const killing = killFunctions(world.platform.functions, killsPerSecond, seed);
  try {
    const published = await publishEvents(world, events, () => {});
    say(`published ${published.messages} messages; ${killing.count()} functions killed so far`);
    await awaitQuiet(world);
    requireRefusals(tally, published.webhookIds);
    const redriven = [await redriveAgain(world, say)];
    world.partner.setBehaviour('/refusing', 200);
    say('the partner that refused is mended');
    redriven.push(await redriveAgain(world, say));
    killing.stop();
    await awaitQuiet(world);
    const { balance, republished } = await balanceOut(world, say);
    return {
      ...{ events, messages: published.messages, kills: killing.count(), redriven, republished, balance },
      letters: await countLetters(world),
      unseen: readLogs(world.platform).filter(({ message }) => message === 'ledger.unavailable').length,
      ...count(published, tally),
    };
  } finally {
    killing.stop();
  }
}

/** @throws Error where all is quiet, and who refuses was not asked */
function requireRefusals(tally: Tally, webhookIds: ReadonlyMap<string, readonly string[]>): void {
  const unasked = (webhookIds.get('refusing') ?? []).filter((id) => !tally.refused.has(id));
  if (unasked.length > 0) throw new Error(`all is quiet, and ${unasked.length} were never sent to who refuses them`);
}

async function redriveAgain(world: World, say: (line: string) => void): Promise<number> {
  const letters = await countLetters(world);
  if (letters === 0) return 0;
  const moved = await redriveLetters(world);
  say(`redriven: ${moved} dead letters`);
  await awaitQuiet(world);
  return moved;
}

async function balanceOut(world: World, say: (line: string) => void) {
  let republished = 0;
  for (let run = 1; ; run += 1) {
    const balance = await reconcile(world.platform, { days: 2, in_flight_bound_seconds: BOUND_SECONDS });
    republished += balance.republished;
    const { accepted, states, in_flight: inFlight } = balance;
    say(`reconciled: ${equation(balance)}`);
    if ((balance.is_balanced && states.delivered === accepted) || run === MAX_RUNS) return { balance, republished };
    if (inFlight > 0) await world.skip(BOUND_SECONDS * 1000);
    await awaitQuiet(world);
  }
}
