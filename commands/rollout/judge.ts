import type { Measures } from './read-measures.ts';

/** `at most before`: the same figure of the span of equal length before it. */
export type Bound =
  | { readonly is: 'at least' | 'more than' | 'at most' | 'less than'; readonly target: number }
  | { readonly is: 'at most before' };

export interface Criterion {
  readonly says: string;
  readonly figure: FigureName;
  readonly bound: Bound;
  /** Of fewer samples nothing is concluded. */
  readonly least: number;
  /** True where more data cannot repair a breach, so that it is a "no" however few the samples are. */
  readonly isBreachFinal: boolean;
  readonly source: string;
  /** What the operator does about a "no", where the phase's guide does not say it. */
  readonly remedy?: string;
}

export type Verdict = 'yes' | 'no' | 'not enough data';

export interface Judgement {
  readonly criterion: Criterion;
  readonly verdict: Verdict;
  readonly value: number | undefined;
  /** The value of comparison; undefined if it is a figure that was not published either. */
  readonly target: number | undefined;
  readonly samples: number;
}

/** @param before of the span of equal length before `now` */
export function judge(criterion: Criterion, now: Measures, before: Measures): Judgement {
  const { figure, bound, least, isBreachFinal } = criterion;
  const rule = FIGURES[figure];
  const { value, samples } = rule.of(now);
  const compared = bound.is === 'at most before' ? rule.of(before) : undefined;
  const target = bound.is === 'at most before' ? compared?.value : bound.target;
  const isEnough = samples >= least && (compared === undefined || compared.samples >= least);
  return { criterion, verdict: verdictOf(), value, target, samples };

  function verdictOf(): Verdict {
    if (value === undefined || target === undefined) return 'not enough data';
    if (!holds(bound, value, target)) return isEnough || isBreachFinal ? 'no' : 'not enough data';
    return isEnough ? 'yes' : 'not enough data';
  }
}

function holds({ is }: Bound, value: number, target: number): boolean {
  switch (is) {
    case 'at least':
      return value >= target;
    case 'more than':
      return value > target;
    case 'at most':
      return value <= target;
    case 'less than':
      return value < target;
    case 'at most before':
      return tenths(value) <= tenths(target);
  }
}

/** Less than a tenth of a percent is no increase: two spans are never alike to the last webhook. */
function tenths(percent: number): number {
  return Math.round(percent * 10);
}

/** Whether a phase has passed what metrics can tell. */
export function isMet(judgements: readonly { readonly verdict: Verdict }[]): boolean {
  return judgements.every(({ verdict }) => verdict === 'yes');
}

/** What a criterion is held against. */
export interface Figure {
  readonly value: number | undefined;
  /** Of how many webhooks, look-ups or queries it is made. */
  readonly samples: number;
}

export type Unit = '%' | 'ms' | '';

interface FigureRule {
  readonly unit: Unit;
  readonly of: (measures: Measures) => Figure;
}

/** Everything that criteria are held against, each from the measures of one span. Shares are in percent. */
export const FIGURES = {
  deliverySuccess: {
    unit: '%',
    of: ({ dead, ...measures }) => share(delivered(measures), delivered(measures) + dead),
  },
  /** Of all attempts, those that failed: for good, or to be retried. */
  deliveryErrors: {
    unit: '%',
    of: ({ dead, retried, ...measures }) => share(dead + retried, dead + retried + delivered(measures)),
  },
  withLearningTime: {
    unit: '',
    of: ({ deliveredWith, deliveredWithout }) => ({ value: deliveredWith, samples: deliveredWith + deliveredWithout }),
  },
  deliveryLatencyP95: {
    unit: 'ms',
    of: ({ latencyP95Ms, ...measures }) => ({ value: latencyP95Ms, samples: delivered(measures) }),
  },
  cacheHits: {
    unit: '%',
    of: (measures) => share(measures.cacheHits, lookUps(measures)),
  },
  recentCacheHits: {
    unit: '%',
    of: ({ recentCacheHits, recentCacheMisses }) => share(recentCacheHits, recentCacheHits + recentCacheMisses),
  },
  /** How much the cache, and one query for many learners, keep from the warehouse: a query for each look-up is 0%. */
  queriesSpared: {
    unit: '%',
    of: (measures) => share(Math.max(0, lookUps(measures) - queries(measures)), lookUps(measures)),
  },
  querySuccess: {
    unit: '%',
    of: (measures) => share(measures.querySuccesses, queries(measures)),
  },
  queryP95: {
    unit: 'ms',
    of: ({ queryP95Ms, ...measures }) => ({ value: queryP95Ms, samples: queries(measures) }),
  },
  queriesPerHour: {
    unit: '',
    of: ({ busiestHourQueries, ...measures }) => ({ value: busiestHourQueries, samples: lookUps(measures) }),
  },
  /** Of the completions whose learning time was looked up, those that were delivered without it because the warehouse did not respond. */
  enrichmentErrors: {
    unit: '%',
    of: (measures) => share(measures.fallbacks, lookUps(measures)),
  },
  queueDepth: {
    unit: '',
    of: ({ deepestQueue, ...measures }) => ({ value: deepestQueue, samples: delivered(measures) + measures.dead }),
  },
} as const satisfies Readonly<Record<string, FigureRule>>;

export type FigureName = keyof typeof FIGURES;

function share(part: number, whole: number): Figure {
  // A webhook may be looked up before the span and delivered in it.
  return { value: whole === 0 ? undefined : Math.min(100, (100 * part) / whole), samples: whole };
}

function delivered({ deliveredWith, deliveredWithout }: Pick<Measures, 'deliveredWith' | 'deliveredWithout'>): number {
  return deliveredWith + deliveredWithout;
}

function lookUps({ cacheHits, cacheMisses }: Pick<Measures, 'cacheHits' | 'cacheMisses'>): number {
  return cacheHits + cacheMisses;
}

function queries({ querySuccesses, queryFailures }: Pick<Measures, 'querySuccesses' | 'queryFailures'>): number {
  return querySuccesses + queryFailures;
}
