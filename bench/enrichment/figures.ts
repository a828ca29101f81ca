import { cpuMicroseconds, perSecond } from '../cpu.ts';
import { type Figure, figure, type Target } from '../figure.ts';
import { percentile } from '../statistics.ts';
import type { Uses } from './enrichment-surroundings.ts';
import type { CacheState, Enriched, Side } from './orders.ts';

export interface Run extends Enriched {
  /** Use of the servers, as shares of a core. */
  readonly busy: Readonly<Record<keyof Uses, number>>;
}

export const SIDES = {
  warm: ['bare', 'ours', 'reference'],
  cold: ['ours', 'reference'],
} as const satisfies Record<CacheState, readonly Side[]>;

/** Multiples of the smallest growth's events and integrations. */
export const GROWTHS = [1, 10, 100] as const;
export type Growth = (typeof GROWTHS)[number];

/** A run for each round. */
export interface Measured {
  readonly warm: Readonly<Record<(typeof SIDES.warm)[number], Run[]>>;
  readonly cold: Readonly<Record<(typeof SIDES.cold)[number], Run[]>>;
  readonly growth: Readonly<Record<Growth, Run[]>>;
}

const REFERENCE = 'the specification’s code';
const SMALLEST = '1 times the events and integrations';
const atLeast = (bound: number): Target => ({ of: 'ratio', is: 'at least', bound });
const atMost = (bound: number): Target => ({ of: 'ratio', is: 'at most', bound });

/** Every figure, with its target. */
export function figuresOf({ warm, cold, growth }: Measured): Figure[] {
  return [
    compared('warm.per_second', 'events/s', perSecond, warm.ours, 'bare loop', warm.bare, atLeast(0.5)),
    // CPU is the inverse of the work done with it.
    compared('warm.cpu', 'µs/event', cpuMicroseconds, warm.ours, 'bare loop', warm.bare, atMost(2)),
    compared('warm.reference.per_second', 'events/s', perSecond, warm.ours, REFERENCE, warm.reference, atLeast(5)),
    compared('cold.per_second', 'events/s', perSecond, cold.ours, REFERENCE, cold.reference, atLeast(20)),
    ...GROWTHS.filter((times) => times > 1).flatMap((times) => {
      const grown = (name: string, unit: string, of: (run: Run) => number) =>
        compared(`growth.${name}.${times}`, unit, of, growth[times], SMALLEST, growth[1], atMost(1.1));
      return [grown('cpu', 'µs/event', cpuMicroseconds), grown('memory', 'MB', heapMegabytes)];
    }),
    figure({
      name: 'enrichment.cache_lookup.ms',
      unit: 'ms/batch',
      values: warm.ours.map(({ lookupMs }) => percentile(lookupMs, 0.5)),
      target: { of: 'value', is: 'at most', bound: 10 },
    }),
    ...Object.entries({ warm, cold }).flatMap(([cache, { ours }]) =>
      (['queue', 'cache', 'warehouse'] as const).map((server) =>
        figure({
          name: `enrichment.${cache}.${server}_busy`,
          unit: 'of a core',
          values: ours.map(({ busy }) => busy[server]),
        }),
      ),
    ),
  ];
}

function compared(
  name: string,
  unit: string,
  of: (run: Run) => number,
  runs: readonly Run[],
  against: string,
  baseline: readonly Run[],
  target: Target,
): Figure {
  return figure({
    name: `enrichment.${name}`,
    unit,
    values: runs.map(of),
    baseline: { name: against, values: baseline.map(of) },
    target,
  });
}

/** For the whole process: per event even a growing heap would seem to shrink. */
function heapMegabytes({ heapBytes }: Enriched): number {
  return heapBytes / 1_000_000;
}
