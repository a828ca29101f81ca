import { ListMessageMoveTasksCommand, StartMessageMoveTaskCommand } from '@aws-sdk/client-sqs';
import { readLogs } from '../demo/evidence.ts';
import { equation, output, reconcile } from '../demo/operator.ts';
import type { Partners } from '../demo/partners.ts';
import type { Session } from '../demo/session.ts';
import type { Functions } from '../lambda/functions.ts';
import { awaitQuiet } from './await-quiet.ts';
import { count, type SoakOutcome, type Tally } from './outcome.ts';
import { publishEvents } from './publish-events.ts';

export interface SoakRun {
  readonly events: number;
  readonly killsPerSecond: number;
  /** Decides which functions are killed. */
  readonly seed: number;
}

/** Two accept everything, one fails at first, one rejects until it is repaired. */
export const SOAK_PARTNERS: Partners = {
  skillsoft: { behaviour: { status: 200, afterMs: 20 } },
  percipio: { behaviour: { status: 204, afterMs: 20 } },
  flaky: { behaviour: [503, { status: 200, afterMs: 20 }] },
  refusing: { behaviour: 400 },
};

/** Maximum number of runs of the reconciler until everything is balanced. */
const MAX_RUNS = 5;

/** A delivery in flight for longer is stuck, in seconds: longer than a lease. */
const BOUND_SECONDS = 60;

/** Publishes, kills, redrives and reconciles; then compares the partners' counts with the ledger. */
export async function soak(
  session: Session,
  tally: Tally,
  { events, killsPerSecond, seed }: SoakRun,
  say: (line: string) => void,
): Promise<SoakOutcome> {
  session.switchFlag(true);
  say(`publishing ${events} events, every tenth three times, while functions are killed`);
  const killing = killFunctions(session.platform.functions, killsPerSecond, seed);
  try {
    const published = await publishEvents(session, events);
    say(`published ${published.messages} messages; ${killing.count()} functions killed so far`);
    await awaitQuiet(session);
    requireRefusals(tally, published.webhookIds);
    const redriven = [await redrive(session, say)];
    session.partner.setBehaviour('/refusing', 200);
    say('the partner that refused is repaired');
    redriven.push(await redrive(session, say));
    killing.stop();
    await awaitQuiet(session);
    const { balance, resent } = await balanceOut(session, say);
    return {
      ...{ events, messages: published.messages, kills: killing.count(), redriven, resent, balance },
      deadLetters: await countDeadLetters(session),
      unseen: readLogs(session.platform).filter(({ message }) => message === 'ledger.unavailable').length,
      ...count(published, tally),
    };
  } finally {
    killing.stop();
  }
}

/** @throws Error if nothing is in progress, and a delivery was never sent to the rejecting partner */
function requireRefusals(tally: Tally, webhookIds: ReadonlyMap<string, readonly string[]>): void {
  const unsent = (webhookIds.get('refusing') ?? []).filter((id) => !tally.refused.has(id));
  if (unsent.length > 0) throw new Error(`${unsent.length} deliveries were never sent to the rejecting partner`);
}

async function redrive(session: Session, say: (line: string) => void): Promise<number> {
  const deadLetters = await countDeadLetters(session);
  if (deadLetters === 0) return 0;
  const moved = await moveDeadLetters(session);
  say(`redriven: ${moved} dead-letter messages`);
  await awaitQuiet(session);
  return moved;
}

async function balanceOut(session: Session, say: (line: string) => void) {
  let resent = 0;
  for (let run = 1; ; run += 1) {
    const balance = await reconcile(session.platform, { days: 2, in_flight_bound_seconds: BOUND_SECONDS });
    resent += balance.resent;
    const { accepted, states, in_flight: inFlight } = balance;
    say(`reconciled: ${equation(balance)}`);
    if ((balance.is_balanced && states.delivered === accepted) || run === MAX_RUNS) return { balance, resent };
    if (inFlight > 0) await session.skip(BOUND_SECONDS * 1000);
    await awaitQuiet(session);
  }
}

/** The functions between an event and its partner. */
const VICTIMS = ['enrich-batch', 'deliver-batch', 'deliver-task', 'enrich-task'] as const;

interface Killing {
  /** Functions killed so far. */
  count(): number;
  stop(): void;
}

/** Starts killing functions with SIGKILL, busy ones first, in an order derived from the seed. */
function killFunctions(functions: Functions, perSecond: number, seed: number): Killing {
  const random = seededRandom(seed);
  let killed = 0;
  const kill = () => {
    const victim = VICTIMS[Math.floor(random() * VICTIMS.length)] as string;
    if (functions.find(victim).killOne() !== undefined) killed += 1;
  };
  const timer = perSecond > 0 ? setInterval(kill, 1000 / perSecond) : undefined;
  return { count: () => killed, stop: () => clearInterval(timer) };
}

/** From 0 to less than 1, the same for the same seed: a linear congruential generator (Numerical Recipes). */
function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Messages of the deliveries dead-letter queue. */
async function countDeadLetters({ platform }: Session): Promise<number> {
  const { ready } = await platform.queues.content(output(platform, 'DeliveriesDeadLetterQueueUrl'));
  return ready.length;
}

/** Moves every dead-letter message back to the deliveries queue, as `./ltw redrive` does. @returns how many */
async function moveDeadLetters(session: Session): Promise<number> {
  const { platform } = session;
  const { client } = platform.queues;
  const SourceArn = output(platform, 'DeliveriesDeadLetterQueueArn');
  const DestinationArn = output(platform, 'DeliveriesQueueArn');
  await client.send(new StartMessageMoveTaskCommand({ SourceArn, DestinationArn }));
  const newestTask = async () => (await client.send(new ListMessageMoveTasksCommand({ SourceArn }))).Results?.[0];
  await session.until('the dead-letter messages moved', async () => (await newestTask())?.Status !== 'RUNNING');
  const task = await newestTask();
  if (task?.Status !== 'COMPLETED') throw new Error(`the dead-letter messages were not moved: ${task?.FailureReason}`);
  return task.ApproximateNumberOfMessagesMoved ?? 0;
}
