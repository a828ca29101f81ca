import { SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import { webhookId } from '../../lambdas/events/identity.ts';
import { METRICS } from '../../lambdas/shared/metric-definitions.ts';
import { readLogs } from '../../local/demo/evidence.ts';
import { deployIntegrations, output } from '../../local/demo/operator.ts';
import { COURSE, completion, ENTERPRISE } from '../../local/demo/sample-events.ts';
import { type Session, startSession } from '../../local/demo/session.ts';
import { processCpuMs } from '../cpu.ts';
import { allArrivals, latenciesOf, type Published, publishSteadily, startRecordingPartner } from '../whole-pipeline.ts';
import { type Variant, variantAssembly } from './variant.ts';

/** Completions published at once (requirement T15). */
export const BURST = 100;
/** Completions a second, of a steady stream. */
export const PER_SECOND = 20;
/** Share of events whose learner was queried before, unless an option says otherwise. */
export const REPEATS = 0.8;
/** Learners that are queried before the measurement. */
const KNOWN_LEARNERS = 100;
const WARM_UP_BURSTS = 3;

const INTEGRATION = 'partner';
const FIRST_LEARNER = 1_000_000;
/** Learners in the warehouse; a run queries fewer. */
const LEARNERS = 5_000;
const SENT_AT_ONCE = 10;

export interface EndToEndOptions {
  readonly bursts: number;
  /** Number of periods of the steady stream. */
  readonly stretches: number;
  /** Duration of each period. */
  readonly seconds: number;
  /** Share of events whose learner is in the cache, in tenths. */
  readonly repeats?: number;
  /** The output of `cdk synth` for the stage `local`. */
  readonly assemblyDirectory: string;
}

/** Time from publishing to receipt, in ms, of each event of a load. */
type Latencies = readonly number[];

/** Costs per event of one period of the steady stream. */
interface Stretch {
  readonly latencies: Latencies;
  /** CPU of all functions. */
  readonly cpuMs: number;
  /** Bytes of logs and metrics. */
  readonly writtenBytes: number;
  /** Share of cache hits. */
  readonly hitRate: number;
}

export interface EndToEndReport {
  /** The first burst: no function has a process yet. */
  readonly cold: Latencies;
  readonly bursts: readonly Latencies[];
  readonly steady: readonly Stretch[];
}

/**
 * Runs the whole pipeline in one variant, the flag on for everyone, with a partner that responds 200 at once.
 *
 * @throws Error if it does not start
 */
export async function measureEndToEnd(
  variant: Variant,
  { bursts, stretches, seconds, repeats = REPEATS, assemblyDirectory }: EndToEndOptions,
): Promise<EndToEndReport> {
  await using stack = new AsyncDisposableStack();
  const assembly = stack.adopt(await variantAssembly(assemblyDirectory, variant), ({ remove }) => remove());
  const partner = stack.use(await startRecordingPartner());
  const session = stack.adopt(
    await startSession({ assemblyDirectory: assembly.directory, partners: { [INTEGRATION]: { behaviour: 200 } } }),
    ({ stop }) => stop(),
  );
  deployIntegrations(session.platform, [{ id: INTEGRATION, url: `${partner.url}/${INTEGRATION}` }]);
  session.switchFlag(true);
  await session.warehouse.load(Array.from({ length: LEARNERS }, (_, learner) => learnerRow(learner)));

  const publish = publisher(session);
  const nextLearner = learners(repeats);
  const latencies = async (published: readonly Published[]) =>
    latenciesOf(published, await allArrivals(published, partner));
  const burst = async () => latencies(await publish(Array.from({ length: BURST }, nextLearner)));
  const stretch = async (): Promise<Stretch> => {
    const count = Math.max(1, Math.round(PER_SECOND * seconds));
    const before = { cpuMs: functionCpuMs(session), lookups: cacheLookups(session) };
    const sinceMs = Date.now();
    const published = await publishSteadily(count, PER_SECOND, () => publish([nextLearner()]));
    const taken = await latencies(published.flat());
    const { hits, misses } = cacheLookups(session);
    const newHits = hits - before.lookups.hits;
    return {
      latencies: taken,
      cpuMs: (functionCpuMs(session) - before.cpuMs) / count,
      writtenBytes: writtenBytes(session, sinceMs) / count,
      hitRate: newHits / (newHits + misses - before.lookups.misses),
    };
  };

  const cold = await latencies(await publish(Array.from({ length: KNOWN_LEARNERS }, (_, learner) => learner)));
  await inTurn(WARM_UP_BURSTS, burst);
  return { cold, bursts: await inTurn(bursts, burst), steady: await inTurn(stretches, stretch) };
}

async function inTurn<T>(times: number, run: () => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let round = 0; round < times; round += 1) results.push(await run());
  return results;
}

/** Chooses a learner for each event: a cached one, or the next that was never queried. */
function learners(repeats: number): () => number {
  let drawn = 0;
  let fresh = KNOWN_LEARNERS;
  return () => {
    drawn += 1;
    // In turns, not at random, so that runs and sides are comparable.
    return drawn % 10 < repeats * 10 ? (drawn * 7) % KNOWN_LEARNERS : fresh++;
  };
}

function learnerRow(learner: number) {
  const userId = FIRST_LEARNER + learner;
  return { userId, courseId: COURSE, enterpriseId: ENTERPRISE, date: '2026-01-10', seconds: 3600 };
}

/** Publishes a new completion of each of these learners, up to ten in a call. */
function publisher({ platform }: Session): (learners: readonly number[]) => Promise<Published[]> {
  const QueueUrl = output(platform, 'EventsQueueUrl');
  let events = 0;
  return async (learners) => {
    const published: Published[] = [];
    const sending: Promise<unknown>[] = [];
    for (let from = 0; from < learners.length; from += SENT_AT_ONCE) {
      const Entries = learners.slice(from, from + SENT_AT_ONCE).map((learner, index) => {
        const eventId = `event-${events++}`;
        published.push({ webhookId: webhookId(INTEGRATION, eventId), atMs: Date.now() });
        const MessageBody = JSON.stringify(completion(eventId, INTEGRATION, FIRST_LEARNER + learner));
        return { Id: String(index), MessageBody, MessageGroupId: ENTERPRISE };
      });
      sending.push(platform.queues.client.send(new SendMessageBatchCommand({ QueueUrl, Entries })));
    }
    await Promise.all(sending);
    return published;
  };
}

/** CPU of all running function processes since their start. */
function functionCpuMs({ platform }: Session): number {
  const processIds = platform.functions.all().flatMap((pool) => pool.processIds());
  return processIds.reduce((sum, id) => sum + processCpuMs(id), 0);
}

/** Logs of the functions, with the metrics in them, in bytes. */
function writtenBytes({ platform }: Session, sinceMs: number): number {
  const lines = platform.functions.all().flatMap((pool) => pool.logs().filter(({ at }) => at >= sinceMs));
  return lines.reduce((sum, { text }) => sum + Buffer.byteLength(text) + 1, 0);
}

/** Cache hits and misses that the functions counted so far. */
function cacheLookups({ platform }: Session) {
  const lines = readLogs(platform);
  const counted = (name: string) =>
    lines
      .flatMap((line) => (line as Readonly<Record<string, unknown>>)[name])
      .reduce<number>((sum, value) => sum + (typeof value === 'number' ? value : 0), 0);
  return { hits: counted(METRICS.cacheHit), misses: counted(METRICS.cacheMiss) };
}
