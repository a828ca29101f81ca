import { monitorEventLoopDelay } from 'node:perf_hooks';
import { limiterKey } from '../../lambdas/limiter/limiter-record.ts';
import { toMessageText } from '../../lambdas/shared/json-text.ts';
import { output } from '../../local/demo/operator.ts';
import { synthesizeLocalStage } from '../../local/synthesize.ts';
import { ask } from '../../local/valkey/ask.ts';
import { type Bench, pace, paceOf } from '../bench.ts';
import { type Figure, figure } from '../figure.ts';
import { percentile } from '../statistics.ts';
import {
  type Arrivals,
  allArrivals,
  latenciesOf,
  latencyFigure,
  type Published,
  publishSteadily,
} from '../whole-pipeline.ts';
import { type FairnessPipeline, startFairnessPipeline } from './pipeline.ts';

/** A's p99 while B hangs is at most this times A's p99 while B is healthy. */
const TARGET = 1.2;

/** Deliveries a second, for A and for B each. */
const PER_SECOND = 20;

/**
 * The time after B starts to hang in which A is measured separately: attempts in flight take five seconds (a request counts as
 * slow after two), and the deliveries that waited for them take three more.
 */
const TRANSIENT_SECONDS = 8;

const WARM_UP_SECONDS = 3;
const TIMER_MS = 10;
const POLL_LIMITER_MS = 200;

/** Deliveries published to A in one phase, and the p99 of timer delays in that phase, in ms. */
interface Phase {
  readonly published: readonly Published[];
  readonly timersLateMs: number;
}

interface Round {
  readonly healthy: Phase;
  /** The first seconds after B started to hang. */
  readonly transient: Phase;
  readonly hanging: Phase;
  /** Time until the limiter treated B as slow or failing; Infinity: not in this round. */
  readonly noticedAfterMs: number;
}

export const bench: Bench = {
  about: 'partner A’s latency while partner B hangs, against B healthy',
  options: pace(2, 10),
  usage: ['--rounds N --seconds N  how often B begins to hang, and how long it is healthy before and hangs then'],
  async measure(values) {
    const { rounds, seconds } = paceOf(values);
    // Another B in each round, which was healthy until then; deliveries of the previous one are parked.
    const partnerIds = Array.from({ length: rounds }, (_, index) => `b${index + 1}`);
    await using pipeline = await startFairnessPipeline(await synthesizeLocalStage(), ['a', ...partnerIds]);
    await warmUp(pipeline, seconds);
    using held = watchLimiter(pipeline, 'a');
    const played: Round[] = [];
    for (const partnerId of partnerIds) played.push(await playRound(pipeline, partnerId, seconds));
    const published = played.flatMap(phasesOf).flatMap((phase) => phase.published);
    return figuresOf(played, await allArrivals(published, pipeline.partner), held.afterMs !== Number.POSITIVE_INFINITY);
  },
};

/**
 * Starts all processes in advance: in Lambda each environment has its own CPU, so a cold start does not slow down others. Here
 * it would.
 */
async function warmUp(pipeline: FairnessPipeline, seconds: number): Promise<void> {
  const task = pipeline.platform.functions.find('deliver-task');
  const tasks = Array.from({ length: task.configuration.reservedConcurrency ?? 1 }, () => pipeline.newDelivery('a'));
  await Promise.all(tasks.map((delivery) => task.invoke(delivery)));
  await publishToBoth(pipeline, 'b1', Math.min(WARM_UP_SECONDS, seconds));
}

async function playRound(pipeline: FairnessPipeline, partnerId: string, seconds: number): Promise<Round> {
  const healthy = await playPhase(pipeline, partnerId, seconds);
  await pipeline.partner.hang(`/${partnerId}`);
  using held = watchLimiter(pipeline, partnerId);
  const transient = await playPhase(pipeline, partnerId, Math.min(TRANSIENT_SECONDS, seconds));
  const hanging = await playPhase(pipeline, partnerId, seconds);
  return { healthy, transient, hanging, noticedAfterMs: held.afterMs };
}

async function playPhase(pipeline: FairnessPipeline, partnerId: string, seconds: number): Promise<Phase> {
  const delay = monitorEventLoopDelay({ resolution: TIMER_MS });
  delay.enable();
  const published = await publishToBoth(pipeline, partnerId, seconds);
  delay.disable();
  return { published, timersLateMs: Math.max(0, delay.percentile(99) / 1e6 - TIMER_MS) };
}

/** Publishes to A and B in turn. @returns what was published to A */
async function publishToBoth({ platform, newDelivery }: FairnessPipeline, partnerId: string, seconds: number) {
  const published: Published[] = [];
  const count = 2 * Math.max(1, Math.round(PER_SECOND * seconds));
  await publishSteadily(count, count / seconds, async (index) => {
    const integrationId = index % 2 === 0 ? 'a' : partnerId;
    const delivery = newDelivery(integrationId);
    if (integrationId === 'a') published.push({ webhookId: delivery.webhook_id, atMs: Date.now() });
    const message = { MessageBody: toMessageText(delivery), MessageGroupId: integrationId };
    await platform.queues.send(output(platform, 'DeliveriesQueueUrl'), message);
  });
  return published;
}

/** Polls whether the limiter treats an integration as slow or failing. */
function watchLimiter({ platform, integration }: FairnessPipeline, integrationId: string) {
  const key = limiterKey(integration(integrationId));
  const startedAtMs = performance.now();
  let afterMs = Number.POSITIVE_INFINITY;
  const timer = setInterval(async () => {
    const reply = await ask(platform.valkey.port, ['HMGET', key, 'slow', 'open']).catch(() => '');
    // Two values, each a time, 0, or nothing without a record.
    if (/\r\n\d{13}(\.\d+)?/.test(reply)) {
      afterMs = Math.min(afterMs, performance.now() - startedAtMs);
      clearInterval(timer);
    }
  }, POLL_LIMITER_MS);
  return {
    get afterMs() {
      return afterMs;
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

function phasesOf({ healthy, transient, hanging }: Round): Phase[] {
  return [healthy, transient, hanging];
}

function figuresOf(rounds: readonly Round[], arrived: Arrivals, isAHeld: boolean): Figure[] {
  const latencies = (phase: 'healthy' | 'transient' | 'hanging') =>
    latenciesOf(
      rounds.flatMap((round) => round[phase].published),
      arrived,
    );
  const [healthy, transient, hanging] = [latencies('healthy'), latencies('transient'), latencies('hanging')];
  return [
    figure({
      name: 'fairness.p99',
      unit: 'ms',
      values: [percentile(hanging, 0.99)],
      baseline: { name: 'B healthy', values: [percentile(healthy, 0.99)] },
      target: { of: 'ratio', is: 'at most', bound: TARGET },
    }),
    ...Object.entries({ healthy, until_noticed: transient, hanging }).flatMap(([phase, all]) =>
      [0.5, 0.99, 1].map((share) => latencyFigure(`fairness.${phase}`, [all], share)),
    ),
    figure({ name: 'fairness.noticed_after', unit: 'ms', values: rounds.map((round) => round.noticedAfterMs) }),
    // The machine's part of the latencies.
    figure({
      name: 'fairness.timers_late.p99',
      unit: 'ms',
      values: rounds.map((round) => Math.max(...phasesOf(round).map(({ timersLateMs }) => timersLateMs))),
    }),
    // If the limiter treats A as slow, the machine was too busy, and the run is invalid.
    figure({
      name: 'fairness.a_held',
      unit: '0 or 1',
      values: [Number(isAHeld)],
      target: { of: 'value', is: 'at most', bound: 0 },
    }),
  ];
}
