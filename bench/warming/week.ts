import { type Activity, HOURS_OF_WEEK } from './activity.ts';
import { type Arrival, type Mapping, type Polled, poll } from './pollers.ts';
import { exponential, type Random, seededRandom } from './random.ts';
import { isHit, type WarmLimits, warmedLearners } from './warmed-learners.ts';

const HOUR_SECONDS = 3600;
const DAY_SECONDS = 24 * HOUR_SECONDS;

/** As in docs/scale.md. */
export const PROCESSING = { pollers: 5, seconds: { hits: 0.05, query: 0.5 } } as const;

export interface WeekOptions {
  readonly activity: Activity;
  /** Mean of the hour of the week with the most completions. */
  readonly busiestPerSecond: number;
  readonly limits: WarmLimits;
  /** The events queue's mapping with `WarmCache`, and without it. */
  readonly mappings: Readonly<Record<Side, Pick<Mapping, 'batchSize' | 'windowSeconds'>>>;
  readonly seed: number;
}

export type Side = 'warmed' | 'readThrough';

export interface SideOfWeek extends Polled {
  /** Share of completions. */
  readonly hitRate: number;
  /** Queries in the hour with most of them, and on average. */
  readonly busiestHour: number;
  readonly meanHour: number;
}

export interface SimulatedWeek extends Readonly<Record<Side, SideOfWeek>> {
  readonly completions: number;
  /** All completions, with `WarmCache`. */
  readonly arrivals: readonly Arrival[];
  /** Learners whom `WarmCache` would load without its limit, and those that it loads. */
  readonly selectedRows: number;
  readonly warmedRows: number;
  /** Share of completions of courses that were begun on the same day. */
  readonly sameDay: number;
}

/**
 * Simulates a week of completions, each of another learner: with `WarmCache`, and with read-through alone. Without repeats
 * read-through has no hits.
 */
export function simulateWeek({ activity, busiestPerSecond, limits, mappings, seed }: WeekOptions): SimulatedWeek {
  const random = seededRandom(seed);
  const perSecondOfHour = perSecond(activity.hourWeights, busiestPerSecond);
  const completionsADay = (sum(perSecondOfHour) * HOUR_SECONDS) / 7;
  const warmed = warmedLearners(activity.rowsByAge, completionsADay, limits);

  const arrivals: Arrival[] = [];
  let hits = 0;
  let sameDay = 0;
  for (const atSeconds of poisson(perSecondOfHour, random)) {
    const daysBefore = activity.daysBefore(Math.floor(atSeconds / HOUR_SECONDS), random);
    if (daysBefore.length === 0) sameDay += 1;
    const isWarm = isHit(warmed, { daysBefore, secondOfDay: atSeconds % DAY_SECONDS, rank: random() });
    if (isWarm) hits += 1;
    arrivals.push({ atSeconds, isMiss: !isWarm });
  }
  const side = (name: Side, all: readonly Arrival[], hitRate: number): SideOfWeek => {
    const polled = poll(all, { ...mappings[name], ...PROCESSING }, random);
    return { ...polled, hitRate, ...queriesAnHour(polled.queriesAt) };
  };
  const allMiss = arrivals.map(({ atSeconds }) => ({ atSeconds, isMiss: true }));
  return {
    completions: arrivals.length,
    arrivals,
    selectedRows: warmed.selectedRows,
    warmedRows: warmed.rows,
    sameDay: sameDay / arrivals.length,
    warmed: side('warmed', arrivals, hits / arrivals.length),
    readThrough: side('readThrough', allMiss, 0),
  };
}

function perSecond(hourWeights: readonly number[], busiestPerSecond: number): number[] {
  const most = Math.max(...hourWeights);
  return hourWeights.map((weight) => (busiestPerSecond * weight) / most);
}

/** Arrivals of a week, in seconds from its start, in order. */
export function* poisson(perSecondOfHour: readonly number[], random: Random): Generator<number> {
  for (const [hour, rate] of perSecondOfHour.entries()) {
    if (rate === 0) continue;
    const end = (hour + 1) * HOUR_SECONDS;
    for (let at = end - HOUR_SECONDS + exponential(random, 1 / rate); at < end; at += exponential(random, 1 / rate)) {
      yield at;
    }
  }
}

function queriesAnHour(queriesAt: readonly number[]): { readonly busiestHour: number; readonly meanHour: number } {
  const counts = new Array<number>(HOURS_OF_WEEK).fill(0);
  for (const at of queriesAt) {
    const hour = Math.min(HOURS_OF_WEEK - 1, Math.floor(at / HOUR_SECONDS));
    counts[hour] = (counts[hour] as number) + 1;
  }
  return { busiestHour: Math.max(...counts), meanHour: queriesAt.length / HOURS_OF_WEEK };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
