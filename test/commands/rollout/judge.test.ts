import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { CRITERIA, criteriaOf, PHASES, type Phase } from '../../../commands/rollout/criteria.ts';
import type { Criterion, FigureName } from '../../../commands/rollout/judge.ts';
import { FIGURES, judge, type Verdict } from '../../../commands/rollout/judge.ts';
import type { Measures } from '../../../commands/rollout/read-measures.ts';

/** A span in which all is well, and enough of it for every criterion. */
const GOOD: Measures = {
  ...{ deliveredWith: 900, deliveredWithout: 100, dead: 0, retried: 4, fallbacks: 1 },
  ...{ cacheHits: 850, cacheMisses: 150, querySuccesses: 140, queryFailures: 1, busiestHourQueries: 60 },
  ...{ recentCacheHits: 85, recentCacheMisses: 15 },
  ...{ latencyP95Ms: 1200, queryP95Ms: 900, deepestQueue: 12 },
};
const measured = (changed: Partial<Measures> = {}): Measures => ({ ...GOOD, ...changed });

/** As a stage measures that has been up for a minute, or whose metrics are not found. */
const NOTHING = {
  ...Object.fromEntries(Object.keys(GOOD).map((name) => [name, 0])),
  ...{ latencyP95Ms: undefined, queryP95Ms: undefined, deepestQueue: undefined },
} as Measures;

const ALL = PHASES.flatMap((phase) => criteriaOf(phase, true));

function criterion(phase: Phase, figure: FigureName): Criterion {
  const found = CRITERIA[phase].criteria.find((one) => one.figure === figure);
  if (found === undefined) throw new Error(`${phase} has no criterion of ${figure}`);
  return found;
}

function verdicts(phase: Phase, now: Measures, before = measured()): (readonly [FigureName, Verdict])[] {
  return CRITERIA[phase].criteria.map((one) => [one.figure, judge(one, now, before).verdict]);
}

describe.each(PHASES)('phase %s', (phase) => {
  test('is met where all is well', () => {
    expect(new Set(verdicts(phase, measured()).map(([, verdict]) => verdict))).toEqual(new Set(['yes']));
  });

  test('is never met by silence', () => {
    expect(new Set(verdicts(phase, NOTHING, NOTHING).map(([, verdict]) => verdict))).toEqual(
      new Set(['not enough data']),
    );
  });
});

describe('each criterion says no where it is missed, and yes where it is just met', () => {
  const cases: readonly (readonly [Phase, FigureName, Partial<Measures>, Partial<Measures>])[] = [
    ['pilot', 'deliverySuccess', { dead: 1 }, { dead: 0 }],
    ['pilot', 'cacheHits', { cacheHits: 800, cacheMisses: 200 }, { cacheHits: 801, cacheMisses: 199 }],
    ['pilot', 'deliveryLatencyP95', { latencyP95Ms: 5000 }, { latencyP95Ms: 4999 }],
    ['pilot', 'querySuccess', { querySuccesses: 99, queryFailures: 1 }, { querySuccesses: 100, queryFailures: 1 }],
    ['pilot', 'enrichmentErrors', { fallbacks: 10 }, { fallbacks: 9 }],
    ['limited', 'deliveryErrors', { retried: 6 }, { retried: 4 }],
    ['limited', 'queriesPerHour', { busiestHourQueries: 500 }, { busiestHourQueries: 499 }],
    ['limited', 'queueDepth', { deepestQueue: 100 }, { deepestQueue: 99 }],
    ['limited', 'cacheHits', { cacheHits: 500, cacheMisses: 500 }, { cacheHits: 501, cacheMisses: 499 }],
    ['expanded', 'queryP95', { queryP95Ms: 5000 }, { queryP95Ms: 4999 }],
    ['expanded', 'cacheHits', { cacheHits: 800, cacheMisses: 200 }, { cacheHits: 801, cacheMisses: 199 }],
    ['full', 'withLearningTime', { deliveredWith: 0 }, { deliveredWith: 1 }],
    ['full', 'queriesSpared', { querySuccesses: 200, queryFailures: 0 }, { querySuccesses: 199, queryFailures: 0 }],
  ];

  test.each(cases)('%s: %s', (phase, figure, missed, met) => {
    const one = criterion(phase, figure);
    expect(judge(one, measured(missed), measured()).verdict).toBe('no');
    expect(judge(one, measured(met), measured()).verdict).toBe('yes');
  });
});

describe('where WarmCache is on', () => {
  const [one] = criteriaOf('limited', true).slice(CRITERIA.limited.criteria.length) as [Criterion];

  test.each(PHASES)('phase %s has one criterion more', (phase) => {
    expect(criteriaOf(phase, false)).toEqual(CRITERIA[phase].criteria);
    expect(criteriaOf(phase, true)).toEqual([...CRITERIA[phase].criteria, one]);
  });

  test('80% of the last hour have to be hits, however many were before', () => {
    const hits = (recentCacheHits: number) => measured({ recentCacheHits, recentCacheMisses: 1000 - recentCacheHits });
    expect(judge(one, hits(800), NOTHING).verdict).toBe('yes');
    expect(judge(one, hits(799), NOTHING)).toMatchObject({ verdict: 'no', value: 79.9, target: 80 });
  });

  test('few look-ups decide nothing', () => {
    const few = measured({ recentCacheHits: 0, recentCacheMisses: 19 });
    expect(judge(one, few, NOTHING)).toMatchObject({ verdict: 'not enough data', samples: 19 });
  });
});

describe('an increase of delivery errors', () => {
  const one = criterion('limited', 'deliveryErrors');
  const failing = (retried: number) => measured({ deliveredWith: 100_000 - retried, deliveredWithout: 0, retried });

  test('is one from a tenth of a percent on', () => {
    expect(judge(one, failing(149), failing(100)).verdict).toBe('yes');
    expect(judge(one, failing(151), failing(100)).verdict).toBe('no');
  });

  test('is not known where too little was tried before', () => {
    expect(judge(one, measured(), NOTHING)).toMatchObject({ verdict: 'not enough data', target: undefined });
    const few = measured({ deliveredWith: 99, deliveredWithout: 0, retried: 0 });
    expect(judge(one, measured(), few).verdict).toBe('not enough data');
  });
});

describe('what counts at once', () => {
  test('is a dead webhook, a long queue and too many queries, however little else there is', () => {
    const few = { deliveredWith: 1, deliveredWithout: 0, cacheHits: 0, cacheMisses: 1 };
    const now = measured({ ...few, dead: 1, deepestQueue: 100, busiestHourQueries: 500 });
    expect(judge(criterion('pilot', 'deliverySuccess'), now, NOTHING).verdict).toBe('no');
    expect(judge(criterion('limited', 'queueDepth'), now, NOTHING).verdict).toBe('no');
    expect(judge(criterion('limited', 'queriesPerHour'), now, NOTHING).verdict).toBe('no');
  });

  test('is not a share of few', () => {
    const few = measured({ cacheHits: 0, cacheMisses: 19 });
    expect(judge(criterion('pilot', 'cacheHits'), few, NOTHING)).toMatchObject({
      verdict: 'not enough data',
      samples: 19,
    });
  });
});

const anyMeasures: fc.Arbitrary<Measures> = fc.record({
  ...Object.fromEntries(Object.keys(measured()).map((name) => [name, fc.nat({ max: 2000 })])),
  latencyP95Ms: fc.option(fc.nat({ max: 20_000 }), { nil: undefined }),
  queryP95Ms: fc.option(fc.nat({ max: 20_000 }), { nil: undefined }),
  deepestQueue: fc.option(fc.nat({ max: 500 }), { nil: undefined }),
}) as fc.Arbitrary<Measures>;

test('whatever was measured, a yes has enough samples, and a share is from 0 to 100', () => {
  fc.assert(
    fc.property(fc.constantFrom(...ALL), anyMeasures, anyMeasures, (one, now, before) => {
      const { verdict, value = 0, samples } = judge(one, now, before);
      if (verdict === 'yes') expect(samples).toBeGreaterThanOrEqual(one.least);
      expect(value).toBeGreaterThanOrEqual(0);
      if (FIGURES[one.figure].unit === '%') expect(value).toBeLessThanOrEqual(100);
    }),
  );
});
