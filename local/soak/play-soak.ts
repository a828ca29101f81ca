import { readLogs } from '../demo/function-logs.ts';
import { equation, reconcile } from '../demo/operator.ts';
import type { Partners } from '../demo/partners.ts';
import type { World } from '../demo/world.ts';
import { awaitQuiet } from './await-quiet.ts';
import { killFunctions } from './kill-functions.ts';
import { publishEvents } from './publish-events.ts';
import { count, type SoakOutcome } from './reckon.ts';
import { countLetters, redriveLetters } from './redrive-letters.ts';
import type { Tally } from './tally.ts';

/** Two that take everything, one that fails at first, one that refuses until it is mended. */
export const SOAK_PARTNERS: Partners = {
  skillsoft: { answers: { status: 200, afterMs: 20 } },
  percipio: { answers: { status: 204, afterMs: 20 } },
  flaky: { answers: [503, { status: 200, afterMs: 20 }] },
  refusing: { answers: 400 },
};

/** How long the pipeline may take to come to rest, in milliseconds: some leases, and their events' own time. */
const BASE_LIMIT_MS = 180_000;
const LIMIT_PER_EVENT_MS = 60;

/** Runs of the reconciler, at the most, until everything balances. */
const MAX_RUNS = 5;

/** What is in flight for longer is stuck, in seconds: longer than a lease. */
const BOUND_SECONDS = 60;

/** Publishes, kills, redrives and reconciles; then holds partners' counts and ledger against each other. */
export async function soak(
  world: World,
  tally: Tally,
  { events, killsPerSecond }: { readonly events: number; readonly killsPerSecond: number },
  say: (line: string) => void,
): Promise<SoakOutcome> {
  const limitMs = BASE_LIMIT_MS + events * LIMIT_PER_EVENT_MS;
  world.switchFlag(true);
  say(`publishing ${events} events, every tenth three times, while functions are killed`);
  const killing = killFunctions(world.platform.functions, killsPerSecond);
  try {
    const published = await publishEvents(world, events, () => {});
    say(`published ${published.messages} messages; ${killing.count()} functions killed so far`);
    await awaitQuiet(world, limitMs, (left) => say(`${tally.taken.size} taken, ${left} under way`));
    requireRefusals(tally, published.webhookIds);
    const redriven = [await redriveAgain(world, limitMs, say)];
    world.partner.setBehaviour('/refusing', 200);
    say('the partner that refused is mended');
    redriven.push(await redriveAgain(world, limitMs, say));
    killing.stop();
    await awaitQuiet(world, limitMs);
    const { balance, republished } = await balanceOut(world, limitMs, say);
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

async function redriveAgain(world: World, limitMs: number, say: (line: string) => void): Promise<number> {
  const letters = await countLetters(world);
  if (letters === 0) return 0;
  const moved = await redriveLetters(world);
  say(`redriven: ${moved} dead letters`);
  await awaitQuiet(world, limitMs);
  return moved;
}

async function balanceOut(world: World, limitMs: number, say: (line: string) => void) {
  let republished = 0;
  for (let run = 1; ; run += 1) {
    const balance = await reconcile(world.platform, { days: 2, in_flight_bound_seconds: BOUND_SECONDS });
    republished += balance.republished;
    const { accepted, states, in_flight: inFlight } = balance;
    say(`reconciled: ${equation(balance)}`);
    if ((balance.is_balanced && states.delivered === accepted) || run === MAX_RUNS) return { balance, republished };
    if (inFlight > 0) await new Promise((resolve) => setTimeout(resolve, (BOUND_SECONDS * 1000) / 2));
    await awaitQuiet(world, limitMs);
  }
}
