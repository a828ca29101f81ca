import { type Figure, figure, type Target } from '../figure.ts';
import { describeSpread, percentile, spread } from '../statistics.ts';
import { formatColumns } from '../table.ts';
import { GROWTHS, type Measured, type Run } from './measure.ts';
import { BATCH_SIZE, type Enriched } from './orders.ts';

const atLeast = (bound: number): Target => ({ of: 'ratio', is: 'at least', bound });
const atMost = (bound: number): Target => ({ of: 'ratio', is: 'at most', bound });

/** Every figure, with what it is to reach. */
export function figuresOf({ warm, cold, growth }: Measured): Figure[] {
  const bare = (of: (run: Enriched) => number) => ({ name: 'bare loop', values: warm.bare.map(of) });
  const reference = (runs: readonly Enriched[]) => ({ name: 'document 001’s code', values: runs.map(perSecond) });
  const throughput = { unit: 'events/s' };
  return [
    figure({
      name: 'enrichment.warm.per_second',
      ...throughput,
      values: warm.ours.map(perSecond),
      baseline: bare(perSecond),
      target: atLeast(0.5),
    }),
    figure({
      name: 'enrichment.warm.cpu',
      unit: 'µs/event',
      values: warm.ours.map(cpuMicroseconds),
      baseline: bare(cpuMicroseconds),
      // Half as much work done with the same CPU.
      target: atMost(2),
    }),
    figure({
      name: 'enrichment.warm.reference.per_second',
      ...throughput,
      values: warm.ours.map(perSecond),
      baseline: reference(warm.reference),
      target: atLeast(5),
    }),
    figure({
      name: 'enrichment.cold.per_second',
      ...throughput,
      values: cold.ours.map(perSecond),
      baseline: reference(cold.reference),
      target: atLeast(20),
    }),
    figure({
      name: 'enrichment.cache_lookup.ms',
      unit: 'ms/batch',
      values: warm.ours.map(({ lookupMs }) => percentile(lookupMs, 0.5)),
      target: { of: 'value', is: 'at most', bound: 10 },
    }),
    ...growthFigures(growth),
  ];
}

function growthFigures(growth: Measured['growth']): Figure[] {
  const against = '1 times the events and integrations';
  return GROWTHS.filter((times) => times > 1).flatMap((times) => {
    const grown = (name: string, unit: string, of: (run: Enriched) => number) =>
      figure({
        name: `enrichment.growth.${name}.${times}`,
        unit,
        values: growth[times].map(of),
        baseline: { name: against, values: growth[1].map(of) },
        target: atMost(1.1),
      });
    return [grown('cpu', 'µs/event', cpuMicroseconds), grown('memory', 'MB', heapMegabytes)];
  });
}

function perSecond({ events, elapsedMs }: Enriched): number {
  return (events / elapsedMs) * 1000;
}

function cpuMicroseconds({ events, cpuMs }: Enriched): number {
  return (cpuMs / events) * 1000;
}

/** Of the whole process, and not by event: by event even a heap that grows with them would seem to shrink. */
function heapMegabytes({ heapBytes }: Enriched): number {
  return heapBytes / 1_000_000;
}

/** For people: who was how fast, and how busy the servers were. */
export function formatEnrichment({ warm, cold, growth }: Measured): string {
  const header = ['', 'per second', 'CPU µs each', 'heap MB', 'queue busy', 'cache busy', 'warehouse busy'];
  const rows = [
    ...Object.entries(warm).map(([side, runs]) => rowOf(`warm, ${side}`, runs)),
    ...Object.entries(cold).map(([side, runs]) => rowOf(`cold, ${side}`, runs)),
    ...Object.entries(growth).map(([times, runs]) => rowOf(`${times} times as many`, runs)),
  ];
  const lookupMs = warm.ours.flatMap((run) => run.lookupMs);
  const lookups = [0.5, 0.99].map((share) => percentile(lookupMs, share).toFixed(2));
  return [
    formatColumns([header, ...rows]),
    '',
    `cache lookup of ${BATCH_SIZE}: p50 ${lookups[0]} ms, p99 ${lookups[1]} ms`,
  ].join('\n');
}

function rowOf(name: string, runs: readonly Run[]): string[] {
  const median = (of: (run: Run) => number) => spread(runs.map(of)).median;
  const shares = (['queue', 'cache', 'warehouse'] as const).map((server) => median(({ busy }) => busy[server]));
  return [
    name,
    describeSpread(spread(runs.map(perSecond)), 0),
    median(cpuMicroseconds).toFixed(0),
    median(heapMegabytes).toFixed(1),
    ...shares.map((share) => share.toFixed(2)),
  ];
}
