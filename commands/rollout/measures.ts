/** One value of a metric, of the period that begins then. */
export interface Point {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly value: number;
}

/** What metrics say of a span. Counts are 0 where nothing was published; a figure that nobody published is undefined. */
export interface Measures {
  readonly deliveredWith: number;
  readonly deliveredWithout: number;
  readonly dead: number;
  /** Tries that failed and are tried again. */
  readonly retried: number;
  readonly fallbacks: number;
  readonly cacheHits: number;
  readonly cacheMisses: number;
  readonly querySuccesses: number;
  readonly queryFailures: number;
  /** Queries in the hour that had most of them; of a shorter span, in all of it. */
  readonly busiestHourQueries: number;
  readonly latencyP95Ms: number | undefined;
  readonly queryP95Ms: number | undefined;
  /** Messages that were visible at once in the longer of the two queues. */
  readonly deepestQueue: number | undefined;
}

const HOUR_MS = 3600_000;

/** The largest sum that any 60 minutes in a row have. @param points in any order */
export function busiestHour(points: readonly Point[]): number {
  const sums = points.map(({ at: from }) => sum(points.filter(({ at }) => at >= from && at < from + HOUR_MS)));
  return Math.max(0, ...sums);
}

export function sum(points: readonly Point[]): number {
  return points.reduce((total, { value }) => total + value, 0);
}

/** undefined where there is none. */
export function largest(points: readonly Point[]): number | undefined {
  return points.length === 0 ? undefined : Math.max(...points.map(({ value }) => value));
}
