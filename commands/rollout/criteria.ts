import type { Criterion } from './judge.ts';

/** In the order in which they are entered (requirement T8). */
export const PHASES = ['pilot', 'limited', 'expanded', 'full'] as const;
export type Phase = (typeof PHASES)[number];

/** Bounds and default of `--hours`. CloudWatch keeps the period's values for 63 days, and twice the hours are read. */
export const HOURS = { least: 0.25, most: 336, usual: 24 } as const;

/** What no metric can tell. */
export interface Question {
  readonly asks: string;
  readonly source: string;
}

export interface PhaseCriteria {
  /** Who has learning time in it. */
  readonly reach: string;
  readonly criteria: readonly Criterion[];
  readonly questions: readonly Question[];
}

/** Enough for one value beyond a p95, and to distinguish 80% from 50%. */
const TWENTY = { least: 20, isBreachFinal: false } as const;
/** One in a hundred is 1%. */
const HUNDRED = { least: 100, isBreachFinal: false } as const;
/** One webhook too many decides. */
const ONE_DECIDES = { least: 20, isBreachFinal: true } as const;

const PILOT = '001, phase 1';
const LIMITED = '001, phase 2';
const EXPANDED = '001, phase 3';
const FULL = '001, success criteria';
/** Applies where requirement T8 sets no criterion for the phase. */
const CANARY = '000, canary metrics';

function latency(source: string): Criterion {
  const bound = { is: 'less than', target: 5000 } as const;
  return { says: 'webhook latency, p95', figure: 'deliveryLatencyP95', bound, ...TWENTY, source };
}

function cacheHits(target: number, source: string): Criterion {
  return { says: 'cache hits', figure: 'cacheHits', bound: { is: 'more than', target }, ...TWENTY, source };
}

function queryTime(source: string): Criterion {
  const bound = { is: 'less than', target: 5000 } as const;
  return { says: 'Snowflake query time, p95', figure: 'queryP95', bound, ...TWENTY, source };
}

function queueDepth(source: string): Criterion {
  const bound = { is: 'less than', target: 100 } as const;
  return { says: 'longest queue', figure: 'queueDepth', bound, ...ONE_DECIDES, source };
}

function noMoreErrors(source: string): Criterion {
  const bound = { is: 'at most before' } as const;
  return { says: 'delivery attempts that failed', figure: 'deliveryErrors', bound, ...HUNDRED, source };
}

const QUERY_SUCCESS: Criterion = {
  says: 'Snowflake queries that succeeded',
  figure: 'querySuccess',
  bound: { is: 'more than', target: 99 },
  ...HUNDRED,
  source: CANARY,
};

const ENRICHMENT_ERRORS: Criterion = {
  says: 'webhooks sent as fallback',
  figure: 'enrichmentErrors',
  bound: { is: 'less than', target: 1 },
  ...HUNDRED,
  source: CANARY,
};

/**
 * Where WarmCache is on, the events queue has no batching window, so each miss is a query of its own. Below this hit rate a
 * window is worth its wait: the busier the stage, the more misses share a query (docs/scale.md).
 */
const WARM_CACHE_HITS: Criterion = {
  says: 'cache hits, last hour',
  figure: 'recentCacheHits',
  bound: { is: 'at least', target: 80 },
  ...TWENTY,
  source: 'WarmCache',
  remedy:
    'WarmCache is late or incomplete (./ltw warm-cache --dry-run), its maxRows is too low, or many courses are ' +
    'completed on the day they are begun. Until the hit rate is 80% again, deploy with eventSources.events ' +
    '{ batchSize: 100, windowSeconds: 1 } (docs/rollout.md, "The window of the events queue").',
};

/** @param hasWarmCache whether the stage loads its cache after each change of the table */
export function criteriaOf(phase: Phase, hasWarmCache: boolean): readonly Criterion[] {
  const { criteria } = CRITERIA[phase];
  return hasWarmCache ? [...criteria, WARM_CACHE_HITS] : criteria;
}

export const CRITERIA: Readonly<Record<Phase, PhaseCriteria>> = {
  pilot: {
    reach: 'one enterprise',
    criteria: [
      {
        says: 'webhooks delivered',
        figure: 'deliverySuccess',
        bound: { is: 'at least', target: 100 },
        ...ONE_DECIDES,
        source: PILOT,
      },
      cacheHits(80, PILOT),
      latency(PILOT),
      QUERY_SUCCESS,
      ENRICHMENT_ERRORS,
    ],
    questions: [{ asks: 'Does the pilot’s partner confirm that the learning times are right?', source: PILOT }],
  },
  limited: {
    reach: '10% of enterprises',
    criteria: [
      noMoreErrors(LIMITED),
      {
        says: 'Snowflake queries in an hour',
        figure: 'queriesPerHour',
        bound: { is: 'less than', target: 500 },
        ...ONE_DECIDES,
        source: LIMITED,
      },
      queueDepth(LIMITED),
      cacheHits(50, CANARY),
      latency(CANARY),
      QUERY_SUCCESS,
      ENRICHMENT_ERRORS,
    ],
    questions: [],
  },
  expanded: {
    reach: '50% of enterprises',
    criteria: [queryTime(EXPANDED), cacheHits(80, EXPANDED), latency(CANARY), QUERY_SUCCESS, ENRICHMENT_ERRORS],
    questions: [{ asks: 'Has no customer complained of late webhooks?', source: EXPANDED }],
  },
  full: {
    reach: 'all enterprises',
    criteria: [
      {
        says: 'webhooks with learning time',
        figure: 'withLearningTime',
        bound: { is: 'at least', target: 1 },
        ...TWENTY,
        source: FULL,
      },
      {
        says: 'queries that were spared',
        figure: 'queriesSpared',
        bound: { is: 'more than', target: 80 },
        ...TWENTY,
        source: FULL,
      },
      latency(FULL),
      queryTime(FULL),
      cacheHits(80, FULL),
      queueDepth(FULL),
      noMoreErrors(FULL),
      QUERY_SUCCESS,
      ENRICHMENT_ERRORS,
    ],
    questions: [
      {
        asks: 'Did webhooks go out without learning time when Snowflake was down, or does a drill say so?',
        source: FULL,
      },
      { asks: 'Has an operator on call switched the flag off and on, by the guide?', source: FULL },
      { asks: 'Is data engineering content with what Snowflake costs (every month)?', source: '001, phase 4' },
    ],
  },
};
