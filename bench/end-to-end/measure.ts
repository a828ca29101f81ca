import { setTimeout as sleep } from 'node:timers/promises';
import { percentile } from '../statistics.ts';
import { type Pipeline, type Published, startPipeline } from './pipeline.ts';
import type { Variant } from './variant.ts';

/** Completions published at once: document 001, section 6.3. */
export const BURST = 100;
/** Completions a second, of a steady stream. */
export const PER_SECOND = 20;
/** Of all events so many are of learners that were asked about before. */
export const REPEATS = 0.8;
/** Learners that are asked about before anything is measured. */
const KNOWN_LEARNERS = 100;
const WARM_UP_BURSTS = 3;

export interface EndToEndOptions {
  readonly bursts: number;
  /** Stretches of the steady stream. */
  readonly stretches: number;
  /** Of each stretch. */
  readonly seconds: number;
  /** As `cdk synth` wrote it for the stage `local`. */
  readonly assemblyDirectory: string;
}

/** Published until received, ms; `Infinity` where an event never came. */
export interface Latencies {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

export interface EndToEndReport {
  /** The first burst: no function has a process yet. */
  readonly cold: Latencies;
  readonly bursts: readonly Latencies[];
  readonly steady: readonly Latencies[];
  /** CPU of all functions, ms for each delivered event, over each stretch of the steady stream. */
  readonly cpuMs: readonly number[];
  /** Bytes of logs and metrics for each delivered event, over each stretch. */
  readonly writtenBytes: readonly number[];
  /** Shares of keys that the cache knew, over each stretch. */
  readonly hitRates: readonly number[];
}

/** Runs the whole pipeline in one variant. @throws Error where it does not start */
export async function measureEndToEnd(variant: Variant, options: EndToEndOptions): Promise<EndToEndReport> {
  const pipeline = await startPipeline(options.assemblyDirectory, variant);
  const nextLearner = learners();
  const burst = async () => {
    const published = await pipeline.publish(Array.from({ length: BURST }, nextLearner));
    return latenciesOf(await pipeline.latencies(published));
  };
  try {
    const cold = await knownLearners(pipeline);
    for (let warm = 0; warm < WARM_UP_BURSTS; warm += 1) await burst();
    const bursts: Latencies[] = [];
    for (let round = 0; round < options.bursts; round += 1) bursts.push(await burst());
    const stretches: Stretch[] = [];
    for (let round = 0; round < options.stretches; round += 1)
      stretches.push(await stretch(pipeline, nextLearner, options.seconds));
    return {
      cold,
      bursts,
      steady: stretches.map(({ latencies }) => latencies),
      cpuMs: stretches.map(({ cpuMs }) => cpuMs),
      writtenBytes: stretches.map(({ writtenBytes }) => writtenBytes),
      hitRates: stretches.map(({ hitRate }) => hitRate),
    };
  } finally {
    await pipeline.stop();
  }
}

async function knownLearners(pipeline: Pipeline): Promise<Latencies> {
  const published = await pipeline.publish(Array.from({ length: KNOWN_LEARNERS }, (_, learner) => learner));
  return latenciesOf(await pipeline.latencies(published));
}

/** Draws a learner for each event: one of the known ones, or the next that nobody was asked about. */
function learners(): () => number {
  let drawn = 0;
  let fresh = KNOWN_LEARNERS;
  return () => {
    drawn += 1;
    // By turns and not by chance: runs are alike, and so are the two sides of a comparison.
    return drawn % 10 < REPEATS * 10 ? (drawn * 7) % KNOWN_LEARNERS : fresh++;
  };
}

interface Stretch {
  readonly latencies: Latencies;
  readonly cpuMs: number;
  readonly writtenBytes: number;
  readonly hitRate: number;
}

/** A steady stream, at the clock's pace, whatever the pipeline does. */
async function stretch(pipeline: Pipeline, nextLearner: () => number, seconds: number): Promise<Stretch> {
  const count = Math.max(1, Math.round(PER_SECOND * seconds));
  const before = { cpuMs: pipeline.cpuMs(), lookups: pipeline.cacheLookups() };
  const startedAtMs = performance.now();
  const sinceMs = Date.now();
  const sending: Promise<Published[]>[] = [];
  for (let index = 0; index < count; index += 1) {
    const leftMs = startedAtMs + (index * 1000) / PER_SECOND - performance.now();
    if (leftMs > 0) await sleep(leftMs);
    sending.push(pipeline.publish([nextLearner()]));
  }
  const latencies = await pipeline.latencies((await Promise.all(sending)).flat());
  const { hits, misses } = pipeline.cacheLookups();
  const hitsHere = hits - before.lookups.hits;
  return {
    latencies: latenciesOf(latencies),
    cpuMs: (pipeline.cpuMs() - before.cpuMs) / count,
    writtenBytes: pipeline.writtenBytes(sinceMs) / count,
    hitRate: hitsHere / (hitsHere + misses - before.lookups.misses),
  };
}

function latenciesOf(all: readonly number[]): Latencies {
  return { p50: percentile(all, 0.5), p95: percentile(all, 0.95), p99: percentile(all, 0.99) };
}
