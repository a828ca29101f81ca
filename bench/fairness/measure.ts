import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { percentile } from '../statistics.ts';
import { noticing } from './noticing.ts';
import { type Pipeline, startPipeline } from './pipeline.ts';
import { type Published, publishSteadily } from './stream.ts';

export interface FairnessBenchOptions {
  readonly rounds: number;
  /** Of each phase, B healthy and B hanging, as far as they are compared. */
  readonly seconds: number;
  /** As `cdk synth` wrote it for the stage `local`. */
  readonly assemblyDirectory: string;
}

/** A's p99 while B hangs, by A's p99 while B is healthy, is at most this. */
export const TARGET = 1.2;

/** Deliveries a second, for A and for B each. */
const PER_SECOND = 20;

/**
 * For so long after B begins to hang A is told apart, in seconds: the tries that are under way take five (two of them
 * until a request counts as slow), and what waited for them is worked off in three.
 */
const TRANSIENT_SECONDS = 8;

const WARM_UP_SECONDS = 3;
const LAST_ARRIVAL_MS = 20_000;
const TIMER_MS = 10;

/** Latencies of A's deliveries, ms, from published to received; `Infinity` where one never came. */
export interface Latencies {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export interface FairnessReport {
  readonly healthy: Latencies;
  readonly hanging: Latencies;
  readonly p99Ratio: number;
  /** Of each round alone. */
  readonly p99Ratios: readonly number[];
  /** The first seconds after B began to hang; they are not in `hanging`. */
  readonly transient: Latencies;
  /** After how many ms the gate held B for slow or failing, in each round; null: not while the phase lasted. */
  readonly noticedAfterMs: readonly (number | null)[];
  /** Whether the gate ever held A for slow: then the machine was too busy, and the run says nothing. */
  readonly isAHeld: boolean;
  /** How late timers of the platform's own process are, p99 in ms: what of the latencies is the machine's. */
  readonly timersLateP99: { readonly healthy: number; readonly hanging: number };
}

/** What was published in one phase, and how late timers were meanwhile, in ms. */
interface Phase {
  readonly published: readonly Published[];
  readonly timersLateP99: number;
}

interface Round {
  readonly healthy: Phase;
  readonly transient: Phase;
  readonly hanging: Phase;
  readonly noticedAfterMs: number | undefined;
}

/** @throws Error where the platform does not start */
export async function measureFairness({ rounds, seconds, ...options }: FairnessBenchOptions): Promise<FairnessReport> {
  // Another B in each round: it was well until then, and what the last one left behind sleeps meanwhile.
  const partnerIds = Array.from({ length: rounds }, (_, index) => `b${index + 1}`);
  const pipeline = await startPipeline(options.assemblyDirectory, ['a', ...partnerIds]);
  try {
    await warmUp(pipeline, seconds);
    const suspicion = noticing(pipeline, 'a');
    const played: Round[] = [];
    for (const partnerId of partnerIds) played.push(await playRound(pipeline, partnerId, seconds));
    return report(played, await allArrivals(pipeline, played), suspicion.stop() !== undefined);
  } finally {
    await pipeline.stop();
  }
}

/**
 * Starts every process that will be wanted: each environment of a Lambda function has a CPU of its own, and takes none
 * from the others as it starts. Here they would.
 */
async function warmUp(pipeline: Pipeline, seconds: number): Promise<void> {
  const task = pipeline.platform.functions.find('deliver-task');
  const tasks = Array.from({ length: task.configuration.reservedConcurrency ?? 1 }, () => pipeline.newDelivery('a'));
  await Promise.all(tasks.map((delivery) => task.invoke(delivery)));
  await publishSteadily(pipeline, ['a', 'b1'], { perSecond: PER_SECOND, seconds: Math.min(WARM_UP_SECONDS, seconds) });
}

async function playRound(pipeline: Pipeline, partnerId: string, seconds: number): Promise<Round> {
  const healthy = await playPhase(pipeline, partnerId, seconds);
  await pipeline.hang(partnerId);
  const notice = noticing(pipeline, partnerId);
  const transient = await playPhase(pipeline, partnerId, Math.min(TRANSIENT_SECONDS, seconds));
  const hanging = await playPhase(pipeline, partnerId, seconds);
  return { healthy, transient, hanging, noticedAfterMs: notice.stop() };
}

async function playPhase(pipeline: Pipeline, partnerId: string, seconds: number): Promise<Phase> {
  const delay = monitorEventLoopDelay({ resolution: TIMER_MS });
  delay.enable();
  const published = await publishSteadily(pipeline, ['a', partnerId], { perSecond: PER_SECOND, seconds });
  delay.disable();
  return { published, timersLateP99: Math.max(0, delay.percentile(99) / 1e6 - TIMER_MS) };
}

type Arrivals = ReadonlyMap<string, number>;

/** Waits for those of A that are still on their way. */
async function allArrivals(pipeline: Pipeline, rounds: readonly Round[]): Promise<Arrivals> {
  const untilMs = Date.now() + LAST_ARRIVAL_MS;
  for (;;) {
    const arrived = await pipeline.arrivals();
    const isComplete = rounds.flatMap(ofA).every(({ webhookId }) => arrived.has(webhookId));
    if (isComplete || Date.now() > untilMs) return arrived;
    await sleep(200);
  }
}

function ofA({ healthy, transient, hanging }: Round): Published[] {
  return [healthy, transient, hanging].flatMap(({ published }) => published).filter(isA);
}

function isA({ integrationId }: Published): boolean {
  return integrationId === 'a';
}

function report(rounds: readonly Round[], arrived: Arrivals, isAHeld: boolean): FairnessReport {
  const of = (phases: readonly Phase[]) =>
    latenciesOf(
      phases.flatMap(({ published }) => published),
      arrived,
    );
  const healthy = of(rounds.map((round) => round.healthy));
  const hanging = of(rounds.map((round) => round.hanging));
  const late = (phases: readonly Phase[]) => Math.max(...phases.map(({ timersLateP99 }) => timersLateP99));
  return {
    healthy,
    hanging,
    p99Ratio: hanging.p99 / healthy.p99,
    p99Ratios: rounds.map((round) => of([round.hanging]).p99 / of([round.healthy]).p99),
    transient: of(rounds.map((round) => round.transient)),
    noticedAfterMs: rounds.map(({ noticedAfterMs }) => noticedAfterMs ?? null),
    isAHeld,
    timersLateP99: {
      healthy: late(rounds.map((round) => round.healthy)),
      hanging: late(rounds.map((round) => round.hanging)),
    },
  };
}

export function latenciesOf(published: readonly Published[], arrived: Arrivals): Latencies {
  const all = published
    .filter(isA)
    .map(({ webhookId, atMs }) => (arrived.get(webhookId) ?? Number.POSITIVE_INFINITY) - atMs);
  return { count: all.length, p50: percentile(all, 0.5), p99: percentile(all, 0.99), max: percentile(all, 1) };
}
