import type { Measures } from '../../../commands/rollout/measures.ts';

/** A span in which all is well, and enough of it for every criterion. */
export function measured(changed: Partial<Measures> = {}): Measures {
  return {
    deliveredWith: 900,
    deliveredWithout: 100,
    dead: 0,
    retried: 4,
    fallbacks: 1,
    cacheHits: 850,
    cacheMisses: 150,
    querySuccesses: 140,
    queryFailures: 1,
    busiestHourQueries: 60,
    latencyP95Ms: 1200,
    queryP95Ms: 900,
    deepestQueue: 12,
    ...changed,
  };
}

/** As a stage measures that has been up for a minute, or whose metrics nobody finds. */
export const NOTHING = measured({
  deliveredWith: 0,
  deliveredWithout: 0,
  retried: 0,
  fallbacks: 0,
  cacheHits: 0,
  cacheMisses: 0,
  querySuccesses: 0,
  queryFailures: 0,
  busiestHourQueries: 0,
  latencyP95Ms: undefined,
  queryP95Ms: undefined,
  deepestQueue: undefined,
});
